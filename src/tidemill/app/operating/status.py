"""`tidemill status`: say how the process that owns the data folder fares."""

import asyncio
import json
from typing import Any

from tidemill.app.control import ask_status
from tidemill.app.settings import Environment
from tidemill.chains.evm.scorecard import Vice

VICES = [vice.value for vice in Vice]


def main(environment: Environment, *, is_json: bool) -> int:
    """Print the status; return 0 where all chains run, 1 where one does not, or nothing runs."""
    found = asyncio.run(ask_status(environment.paths.data))
    if found is None:
        stopped = {"running": False, "data": str(environment.paths.data)}
        free = f"not running on {environment.paths.data}: start it with `tidemill up`"
        print(json.dumps(stopped) if is_json else free)
        return 1
    print(json.dumps({"running": True, **found}, indent=2) if is_json else _text(found))
    return (
        0
        if all(
            one["state"] == "running"
            for one in (*found["chains"].values(), *found.get("venues", {}).values())
        )
        else 1
    )


def _text(found: dict[str, Any]) -> str:
    lines = [
        f"running for {found['uptime_s']} s on {found['data']}; {found['events']} events",
        f"frame to bus    {_latency(found['frame_to_bus'])}",
        f"frame to stored {_latency(found['frame_to_stored'])}",
    ]
    if "api" in found:
        lines.append(f"data API at {found['api']['url']}, metrics at {found['api']['metrics_url']}")
    for source, chain in found["chains"].items():
        lines.append(f"{source}: {chain['state']}, block {chain['tip']}, {chain['pools']} pools")
        lines += [f"  {where}: {how}" for where, how in chain["endpoints"].items()]
        lines += [f"  {_card(card)}" for card in chain.get("scorecards", {}).values()]
        if chain["last_fault"]:
            lines.append(f"  last of {chain['faults']} faults: {chain['last_fault']}")
    lines += [_subgraph(name, told) for name, told in found.get("subgraphs", {}).items()]
    for name, told in found.get("venues", {}).items():
        lines.append(_sockets(name, told) if "sockets" in told else _network(name, told))
    lines += [_sink(name, told) for name, told in found.get("sinks", {}).items()]
    lines += [_alert_route(name, told) for name, told in found.get("alerts", {}).items()]
    lines += [f"store: {fault}" for fault in found["store"]["faults"][-1:]]
    lines += [f"not caught up: {wait}" for wait in waits_text(found)]
    return "\n".join(lines)


def waits_text(found: dict[str, Any]) -> list[str]:
    """Return what a running process is waited for, each with what to do; a demo does not tell it."""
    waits = found.get("ready", {}).get("waits", [])
    return [f"{one['part']}: {one['found']}; {one['remedy']}" for one in waits]


def _subgraph(name: str, told: dict[str, Any]) -> str:
    lag = "lag not known" if told["lag_blocks"] is None else f"{told['lag_blocks']} blocks behind"
    sockets = ", ".join(
        f"socket {number} {socket['state']}, {socket['operations']} subscriptions"
        for number, socket in told["sockets"].items()
    )
    return "\n  ".join(
        filter(
            None,
            (
                f"subgraph {name}: {told['state']}, block {told['block']}, {lag};"
                f" {told['dex']} is read from the {told['reads']}",
                f"{told['endpoint']}: {told['detail']}",
                sockets,
                f"last of {told['faults']} faults: {told['last_fault']}" if told["last_fault"] else "",
            ),
        )
    )


def _network(name: str, told: dict[str, Any]) -> str:
    lines = [
        f"{name}: {told['state']} on {told['network']}, block {told['tip']}, proven to {told['proven']};"
        f" {told['live_books']} of {told['books']} books live"
    ]
    lines += [f"{where}: {how}" for where, how in told["endpoints"].items()]
    if told["last_fault"]:
        lines.append(f"last of {told['faults']} faults: {told['last_fault']}")
    return "\n  ".join(lines)


def _sockets(name: str, told: dict[str, Any]) -> str:
    asked = f", {told['books_asked']} books asked for" if "books_asked" in told else ""
    lines = [
        f"{name}: {told['state']}, {told['books_live']} of {told['books']} books live,"
        f" {told['gaps']} gaps{asked}"
    ]
    lines += [
        f"{where}: {socket['state']}, {socket['messages']} messages, opened {socket['connections']} times"
        for where, socket in told["sockets"].items()
    ]
    if told["last_fault"]:
        lines.append(f"last of {sum(told['faults'].values())} faults: {told['last_fault']}")
    return "\n  ".join(lines)


def _sink(name: str, told: dict[str, Any]) -> str:
    lost = f", {told['dropped_batches']} batches left out" if told["dropped_batches"] else ""
    why = f": {told['last_fault']}" if told["state"] == "down" else ""
    return f"{name}: {told['state']}, {told['rows']} rows{lost}{why}"


def _alert_route(name: str, told: dict[str, Any]) -> str:
    lost = told["refused"] + told["dropped"]
    unsent = f", {told['waiting']} wait, {lost} were not taken" if told["waiting"] or lost else ""
    why = f"; last fault: {told['last_fault']}" if told["last_fault"] else ""
    return f"alerts to {name}: {told['sent']} sent{unsent}{why}"


def _card(card: dict[str, Any]) -> str:
    links = ", ".join(
        f"{name} {'leads' if link['leads'] else 'open' if link['open'] else 'closed'}"
        + ("" if link["breaker"] == "closed" else f" (breaker {link['breaker']})")
        for name, link in card["links"].items()
    )
    vices = ", ".join(f"{name} {card[name]}" for name in VICES if card[name])
    latency = "no answer yet" if card["latency_ms"] is None else f"{card['latency_ms']} ms"
    wrong = ", on another chain" if card["wrong_chain"] else ""
    return f"{links}: honesty {card['honesty']}, {latency}, block {card['head']}{wrong}" + (
        f"; {vices}" if vices else ""
    )


def _latency(summary: dict[str, Any]) -> str:
    return f"p50 {summary['p50_ms']} ms, p99 {summary['p99_ms']} ms" if summary["count"] else "nothing yet"
