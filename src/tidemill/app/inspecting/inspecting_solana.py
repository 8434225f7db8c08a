"""What `tidemill inspect` says of Solana's transactions."""

import json
from collections.abc import Iterator
from typing import Any

from tidemill._rust import inspect_solana

_TOLD = frozenset({"arbitrage", "losing_circle", "failed_swap"})


def is_solana(document: bytes) -> bool:
    """Tell whether these are answers of a Solana node: only they have the lamports of before."""
    return b'"preBalances"' in document


def solana_report_of(document: bytes) -> dict[str, Any]:
    """Return what the transactions in an answer to `getTransaction` or `getBlock` were. Raises: Malformed."""
    return json.loads(inspect_solana(document))


def solana_lines(report: dict[str, Any]) -> Iterator[str]:
    """Yield a report for people: what paid and what failed; all of it where it is one transaction."""
    txs = report["transactions"]
    yield f"{len(txs)} transactions of Solana"
    for tx in txs:
        if len(txs) == 1 or tx["kind"] in _TOLD:
            yield from _tx_lines(tx)


def _tx_lines(tx: dict[str, Any]) -> Iterator[str]:
    through = f" through {tx['router']}" if "router" in tx else ""
    yield f"  {tx['signature']}: {tx['kind'].replace('_', ' ')}{through}"
    if (found := tx.get("arbitrage")) is not None:
        yield f"    {found['profit_amount']} of {found['mint']}"
        yield f"    {found['amount_in']} in, {found['amount_out']} out"
        if (net := found.get("net_profit_lamports")) is not None:
            yield f"    {net} lamports after fee and tip"
    for at, swap in enumerate(tx.get("swaps", ())):
        yield f"    swap {at} {swap['exchange']} {swap['pool']}"
        yield f"      {swap['amount_in']} of {swap['mint_in']}"
        yield f"      for {swap['amount_out']} of {swap['mint_out']}"
    for mint, delta in tx["token_deltas"].items():
        yield f"    {tx['payer']} has {delta} of {mint}"
    yield f"    {tx['payer']} has {tx['lamports_delta']} lamports"
    priority, tip = tx["priority_fee_lamports"], tx["tip_lamports"]
    yield f"    fee {tx['fee_lamports']} lamports, of it {priority} for priority; tip {tip}"
