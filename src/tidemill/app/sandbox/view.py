"""Show what happens, live: on a terminal a screen that is drawn anew, elsewhere one line a second."""

import asyncio
import sys
import time
from collections import deque
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tidemill.app.engine import Engine
from tidemill.app.sandbox.live import LiveState
from tidemill.core.latency import Latency

_FRAME_S = 0.25
_LINE_S = 1.0
_RATE_OVER_S = 5.0
_POOLS_SHOWN = 14
_INSTRUMENT_SHOWN = 20
"""Letters; Polymarket's tokens have 77 digits."""
_STATE_STYLES: dict[str, str] = {
    **dict.fromkeys(("live", "leading"), "green"),
    **dict.fromkeys(("connecting", "polling", "stale"), "yellow"),
    **dict.fromkeys(("down", "refused"), "red"),
}


class _Rate:
    """Events a second over the last seconds."""

    def __init__(self) -> None:
        self._points: deque[tuple[float, int]] = deque()

    def update(self, now_s: float, events: int) -> float:
        self._points.append((now_s, events))
        while self._points[0][0] < now_s - _RATE_OVER_S:
            self._points.popleft()
        (first_s, first), (last_s, last) = self._points[0], self._points[-1]
        return (last - first) / (last_s - first_s) if last_s > first_s else 0.0


async def show(engine: Engine, state: LiveState, ends_s: float | None = None) -> None:
    """Draw until cancelled; `ends_s` (monotonic) is counted down where given."""
    rate = _Rate()
    if not sys.stdout.isatty():
        while True:
            print(_line(engine, state, rate.update(time.monotonic(), engine.flow.events)), flush=True)
            await asyncio.sleep(_LINE_S)
    console = Console()
    with Live(console=console, auto_refresh=False, screen=False) as live:
        while True:
            now_s = time.monotonic()
            live.update(
                _screen(engine, state, rate.update(now_s, engine.flow.events), ends_s, now_s), refresh=True
            )
            await asyncio.sleep(_FRAME_S)


def _ms(latency: Latency, share: float) -> str:
    found = latency.quantile_ns(share)
    return "–" if found is None else f"{found / 1e6:.1f} ms"


def _tips(engine: Engine) -> str:
    return ", ".join(f"{source} block {pipeline.tip}" for source, pipeline in engine.pipelines.items())


def _line(engine: Engine, state: LiveState, per_s: float) -> str:
    stored, bus = engine.flow.to_store, engine.flow.to_bus
    books = "".join(
        f" | {source} {run.books.live_count} books live" for source, run in engine.markets.items()
    )
    return (
        f"{_tips(engine) or 'connecting'} | {engine.flow.events} events, {per_s:.0f}/s | "
        f"{state.rows['swap']} swaps | "
        f"frame→bus p50 {_ms(bus, 0.5)} p99 {_ms(bus, 0.99)} | "
        f"frame→stored p50 {_ms(stored, 0.5)} p99 {_ms(stored, 0.99)} | {len(state.pools)} pools{books}"
    )


def _screen(engine: Engine, state: LiveState, per_s: float, ends_s: float | None, now_s: float) -> Group:
    left = "" if ends_s is None else f" · {max(0, ends_s - now_s):.0f} s left"
    head = Text.assemble(
        (f"{per_s:,.0f} events/s", "bold green"),
        f" · {engine.flow.events:,} events · {_tips(engine) or 'connecting'}{left}\n",
        f"frame → bus p50 {_ms(engine.flow.to_bus, 0.5)}, p99 {_ms(engine.flow.to_bus, 0.99)} · ",
        f"frame → stored p50 {_ms(engine.flow.to_store, 0.5)}, p99 {_ms(engine.flow.to_store, 0.99)}",
    )
    tables = Table.grid(padding=(0, 2))
    tables.add_row(_pools(engine, state), _swaps(state))
    books = [_books(engine, state)] if state.books else []
    panel = Panel(head, title="tidemill", title_align="left")
    return Group(panel, tables, *books, _health(engine, state))


def _pools(engine: Engine, state: LiveState) -> Table:
    table = Table("pool", "dex", "price", title="Pools", title_justify="left", box=None, header_style="dim")
    for pipeline in engine.pipelines.values():
        for address in list(state.pools)[:_POOLS_SHOWN]:
            held: Any = pipeline.book.pools.get(address)
            price = state.price(address, held) if held is not None else None
            shown = "–" if price is None else f"{price:,.6g}"
            cells = (Text(state.label(address)), Text(state.pools[address].dex))
            table.add_row(*cells, Text(shown, justify="right"))
    hidden = len(state.pools) - _POOLS_SHOWN
    if hidden > 0:
        table.add_row(Text(f"and {hidden} more", style="dim"), "", "")
    return table


def _swaps(state: LiveState) -> Table:
    table = Table(
        "block", "pool", "in", "out", title="Last swaps", title_justify="left", box=None, header_style="dim"
    )
    for swap in state.last_swaps():
        name = state.pools.get(swap["pool"])
        cells = ["", ""]
        if name is not None:
            token0, token1 = swap["token0"] or name.token0, swap["token1"] or name.token1
            sold = (token0, swap["amount0_in"]) if swap["amount0_in"] else (token1, swap["amount1_in"])
            bought = (token1, swap["amount1_out"]) if swap["amount0_in"] else (token0, swap["amount0_out"])
            cells = [f"{state.units(token, size)} {state.symbol(token)}" for token, size in (sold, bought)]
        # Text: a token may call itself anything, markup too
        cells = [str(swap["block_number"]), state.label(swap["pool"]), *cells]
        table.add_row(*(Text(cell) for cell in cells))
    return table


def _books(engine: Engine, state: LiveState) -> Table:
    names = ("venue", "instrument", "size", "bid", "ask", "size")
    table = Table(*names, title="Order books", title_justify="left", box=None, header_style="dim")
    for source, instrument in state.books:
        run = engine.markets.get(source)
        top = None if run is None else run.books.top(instrument)
        bid, ask = (None, None) if top is None else top
        cells = ["–" if bid is None else f"{bid.size:f}", "–" if bid is None else f"{bid.price:f}"]
        cells += ["–" if ask is None else f"{ask.price:f}", "–" if ask is None else f"{ask.size:f}"]
        shown = instrument if len(instrument) <= _INSTRUMENT_SHOWN else f"{instrument[:_INSTRUMENT_SHOWN]}…"
        table.add_row(Text(source), Text(shown), *(Text(cell, justify="right") for cell in cells))
    return table


def _health(engine: Engine, state: LiveState) -> Text:
    text = Text()
    for (source, endpoint), (condition, detail) in state.health.items():
        text.append("● ", style=_STATE_STYLES.get(condition, "dim"))
        text.append(f"{source} {endpoint} {condition} {detail}\n")
    faults = [fault for pipeline in engine.pipelines.values() for fault in pipeline.faults]
    if faults:
        text.append(f"last fault: {faults[-1]}\n", style="yellow")
    if engine.store_faults:
        text.append(f"store: {engine.store_faults[-1]}", style="yellow")
    return text
