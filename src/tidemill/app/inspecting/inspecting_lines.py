"""What `tidemill inspect` and `tidemill explain` print of a block, or of one transaction."""

from collections.abc import Iterator
from typing import Any

from tidemill.app.inspecting.inspecting_solana import solana_lines

Report = dict[str, Any]
"""What `inspect_block` says of a block; docs/guide/inspect.md has its fields."""

_TOLD = frozenset({"arbitrage", "losing_circle", "failed_arbitrage", "liquidation", "wash_trade"})
_WORTH = (
    ("profit_native_wei", "wei before gas and tip"),
    ("net_profit_wei", "wei after them"),
    ("profit_usd", "USD before gas and tip"),
    ("net_profit_usd", "USD after them"),
)
_UNDONE = "undone, would have come to"
"""What a failed circle says of itself is what it tried."""
_WORTH_UNDONE = (
    ("profit_native_wei", "wei it would have come to before gas and tip"),
    ("net_profit_wei", "wei it came to"),
    ("profit_usd", "USD it would have come to before gas and tip"),
    ("net_profit_usd", "USD it came to"),
)


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
    through = f" through {tx['router']}" if "router" in tx else ""
    yield f"  {tx['tx_hash']}: {tx['kind'].replace('_', ' ')}{through}"
    for one in tx.get("arbitrages", ()):
        what = _UNDONE if tx.get("is_success") is False else one["verdict"]
        yield f"    {what} {one['profit_amount']} of {one['profit_token']}"
        yield f"    {one['start_amount']} in, {one['end_amount']} out, confidence {one['confidence']:.2%}"
        yield f"    by swaps {', '.join(map(str, one['swaps']))}, in this order"
        for name, said in _WORTH_UNDONE if what == _UNDONE else _WORTH:
            if (amount := one.get(name)) is not None:
                yield f"    {amount} {said}"
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
    for rest in tx.get("unexplained", ()):
        yield f"    of that {rest['amount']} of {rest['token']} is not explained by circles and loans"
    for loser in tx.get("losers", ()):
        yield f"    {loser['party']} has {loser['amount']} wei less at the block's prices".replace(" -", " ")
    gas = f"{tx.get('gas_used', 'unknown')} gas at {tx.get('gas_price_wei', 'unknown')} wei"
    yield f"    fee {tx.get('fee_wei', 'unknown')} wei, {gas}; tip {tx['tip_wei']} wei"
