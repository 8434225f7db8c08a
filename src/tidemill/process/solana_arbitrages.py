"""What of a Solana block's report is an event: one for each transaction whose swaps made a circle."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from tidemill.process.arbitrages import InspectedBlock
from tidemill.schema.events import Arbitrage, ArbitrageKind, CircleShape

_KINDS = frozenset({"arbitrage", "losing_circle"})


def solana_arbitrages_of(report: Mapping[str, Any], block: InspectedBlock) -> list[Arbitrage]:
    """Return an event for each transaction of `report`, what `inspect_solana` says of `block`, with a circle.

    Amounts of the native coin are lamports. What failed is not told as an attempt: its swaps are unknown.
    """
    return [
        _event(tx, index, block) for index, tx in enumerate(report["transactions"]) if tx["kind"] in _KINDS
    ]


def _event(tx: Mapping[str, Any], index: int, block: InspectedBlock) -> Arbitrage:
    circle, swaps = tx["arbitrage"], tx["swaps"]
    profit, net = int(circle["profit_amount"]), circle.get("net_profit_lamports")
    is_native = net is not None
    gained = dict(tx["token_deltas"]) | {"lamports": tx["lamports_delta"]}
    return Arbitrage(
        **block.identity(),
        tx_hash=tx["signature"],
        tx_index=index,
        kind=ArbitrageKind(tx["kind"]),
        shape=CircleShape.CHAIN if _hands_on(swaps) else CircleShape.NETWORK,
        sender=tx["payer"],
        account=tx["payer"],
        circle_count=1,
        hop_count=len(swaps),
        protocols=",".join(swap["exchange"] for swap in swaps),
        pools=",".join(swap["pool"] for swap in swaps),
        tokens=",".join(swap["mint_in"] for swap in swaps),
        token=circle["mint"],
        amount_in=int(circle["amount_in"]),
        amount_out=int(circle["amount_out"]),
        profit=profit,
        gains=",".join(f"{mint}:{delta}" for mint, delta in gained.items()),
        gas_used=tx.get("compute_units"),
        gas_cost_wei=tx["fee_lamports"],
        tip_wei=tx["tip_lamports"],
        profit_native_wei=profit if is_native else None,
        net_profit_native_wei=int(net) if is_native else None,
        confidence=circle["confidence"],
    )


def _hands_on(swaps: list[Mapping[str, Any]]) -> bool:
    """Say whether each swap is paid with what the one before bought, to the unit."""
    pairs = pairwise(swaps)
    return all(
        (one["mint_out"], one["amount_out"]) == (two["mint_in"], two["amount_in"]) for one, two in pairs
    )
