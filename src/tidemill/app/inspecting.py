"""`tidemill inspect`: say what the transactions of a block were, from a node or from files."""

import asyncio
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tidemill._rust import inspect_block
from tidemill.app.inspecting_solana import is_solana, solana_lines, solana_report_of
from tidemill.app.settings import Environment
from tidemill.chains.evm.block_parts import block_of_tx, block_parts
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.markets import markets_of
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.schema.faults import Malformed, Refused, Unknown

Report = dict[str, Any]
"""What `inspect_block` says of a block; docs/guide/inspect.md has its fields."""

_TX = re.compile("0x[0-9a-fA-F]{64}")
_NUMBER = re.compile("[0-9]+|0x[0-9a-fA-F]{1,16}|latest")
_TOLD = frozenset({"arbitrage", "losing_circle", "failed_arbitrage", "liquidation", "wash_trade"})
_DOCUMENT_BYTES_MAX = 1 << 30


def main(
    environment: Environment, targets: Sequence[str], chain: str | None, chain_id: int, *, is_json: bool
) -> int:
    """Print what the targets were: blocks, transactions, files. A file that cannot be read stops no other.

    Raises: Refused, Unknown, Unreachable, Malformed, for a block or a transaction.
    """
    code = 0
    for target in targets:
        try:
            report = _report(environment, target, chain, chain_id)
        except Malformed as fault:
            if len(targets) == 1:
                raise
            report, code = {"target": target, "fault": str(fault)}, 1
        print(json.dumps(report) if is_json else "\n".join(lines(report)))
    return code


def report_of(document: bytes, chain_id: int) -> Report:
    """Return what the transactions of the block in `document` were. Raises: Malformed."""
    known = markets_of(chain_id)
    told = inspect_block(
        document, wrapped=known.wrapped, stables=list(known.stables), routers=list(known.routers)
    )
    return json.loads(told)


def _report(environment: Environment, target: str, chain: str | None, chain_id: int) -> Report:
    path = Path(target)
    if path.is_file():
        document = _document(path)
        told = solana_report_of(document) if is_solana(document) else report_of(document, chain_id)
        return {"target": target} | told
    if _TX.fullmatch(target) or _NUMBER.fullmatch(target):
        return asyncio.run(_live(_chain(environment, chain), target))
    raise Refused(f"inspect: expected a block's number, a transaction's hash or a file, found {target!r}")


def _document(path: Path) -> bytes:
    try:
        with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
            document = file.read(_DOCUMENT_BYTES_MAX + 1)
    except (EOFError, OSError) as error:
        raise Malformed(f"{path}: expected a file with a block: {error}") from error
    if len(document) > _DOCUMENT_BYTES_MAX:
        raise Malformed(f"{path}: expected at most {_DOCUMENT_BYTES_MAX} bytes of JSON, found more")
    return bytes(document)


def _chain(environment: Environment, name: str | None) -> EvmConfig:
    chains = environment.settings.chains
    if name is None and len(chains) == 1:
        return next(iter(chains.values()))
    if name is None or name not in chains:
        listed = ", ".join(sorted(chains)) or "none"
        raise Refused(
            f"inspect: expected --chain with one of the configured chains ({listed}), found {name!r}"
        )
    return chains[name]


async def _live(chain: EvmConfig, target: str) -> Report:
    if chain.http_url is None:
        raise Refused(f"inspect: expected an http_url of chain {chain.chain_id} to ask, found none")
    async with HttpEndpoint(chain.http_url, SystemClock()) as http:
        if _TX.fullmatch(target):
            parts = await block_parts(http, await block_of_tx(http, target))
        else:
            parts = await block_parts(http, target if target == "latest" else int(target, 0))
    report = report_of(parts.document, chain.chain_id)
    if _TX.fullmatch(target):
        report = _only(report, target.lower())
    return {"target": target, "has_traces": parts.has_traces} | report


def _only(report: Report, tx_hash: str) -> Report:
    """Keep what is said of one transaction."""
    mine = [tx for tx in report["transactions"] if tx["tx_hash"] == tx_hash]
    if not mine:
        raise Unknown(f"inspect: expected {tx_hash} in block {report['block_number']}, found it not")
    sandwiches = [
        one
        for one in report["sandwiches"]
        if tx_hash in (one["front_tx"], one["back_tx"], *one["victim_txs"])
    ]
    jits = [
        one
        for one in report["just_in_time"]
        if tx_hash in (one["added_tx"], one["removed_tx"], *one["swap_txs"])
    ]
    return report | {"transactions": mine, "sandwiches": sandwiches, "just_in_time": jits}


def lines(report: Report) -> Iterator[str]:
    """Yield a report for people: what paid, what failed, who was sandwiched; all of one transaction."""
    if "fault" in report:
        yield f"{report['target']}: {report['fault']}"
        return
    txs = report["transactions"]
    if txs and "signature" in txs[0]:
        yield from solana_lines(report)
        return
    kinds: dict[str, int] = {}
    for tx in txs:
        kinds[tx["kind"]] = kinds.get(tx["kind"], 0) + 1
    counted = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items(), key=lambda one: -one[1]))
    yield f"block {report.get('block_number', 'unknown')}: {len(txs)} transactions: {counted}"
    if report.get("has_traces") is False:
        yield "  the node does not trace: tips, failed attempts and the native coin within calls are not seen"
    for tx in txs:
        if len(txs) == 1 or tx["kind"] in _TOLD:
            yield from _tx_lines(tx)
    for one in report["sandwiches"]:
        gained = f"{one['profit_amount']} of {one['profit_token']}"
        yield f"  sandwich by {one['account']} in {one['pool']}: {gained}"
        yield f"    front {one['front_tx']}, back {one['back_tx']}"
        yield from (f"    victim {victim}" for victim in one["victim_txs"])
    for one in report["just_in_time"]:
        yield f"  liquidity of {one['owner']} in {one['pool']} for {len(one['swap_txs'])} swaps of others"
        yield f"    added {one['added_tx']}, removed {one['removed_tx']}"


def _tx_lines(tx: Report) -> Iterator[str]:
    yield f"  {tx['tx_hash']}: {tx['kind'].replace('_', ' ')}"
    for one in tx.get("arbitrages", ()):
        yield f"    {one['verdict']} {one['profit_amount']} of {one['profit_token']}"
        yield f"    {one['start_amount']} in, {one['end_amount']} out, confidence {one['confidence']:.2%}"
        if (usd := one.get("profit_usd")) is not None:
            yield f"    worth {usd} USD before gas and tip"
        if (net := one.get("net_profit_wei")) is not None:
            yield f"    {net} wei after gas and tip"
    for at, swap in enumerate(tx.get("swaps", ())):
        undone = ", undone" if swap["is_undone"] else ""
        yield f"    swap {at} {swap['protocol']} {swap['pool']}{undone}"
        yield f"      {swap['amount_in']} of {swap['token_in'] or 'an unknown token'}"
        yield f"      for {swap['amount_out']} of {swap['token_out'] or 'an unknown token'}"
    for loan in tx.get("flash_loans", ()):
        lent = f"{loan['amount']} of {loan['token']}"
        yield f"    flash loan of {lent} from {loan['lender']}, fee {loan['fee']}"
    for one in tx.get("liquidations", ()):
        yield f"    liquidation of {one['borrower']} at {one['lender']} by {one['liquidator']}"
    for gain in tx.get("gains", ()):
        yield f"    they have {gain['amount']} of {gain['token']}"
    yield f"    fee {tx.get('fee_wei', 'unknown')} wei, tip {tx['tip_wei']} wei"
