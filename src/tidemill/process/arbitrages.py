"""What of a block's report is an event: one for each transaction that swapped in a circle."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.schema.events import Arbitrage, ArbitrageKind, CircleShape, SandwichRole

_KINDS = frozenset(kind.value for kind in ArbitrageKind)
_INT256_END = 1 << 255
"""Any contract can log an amount whose worth, or its sum with others, is beyond it."""


class InspectedBlock(Struct, frozen=True, kw_only=True):
    """Which block a report is of."""

    source: str
    chain_id: int
    number: int
    hash: bytes
    event_ns: int
    recv_ns: int
    """When our socket read the frame that completed the block."""

    def identity(self) -> dict[str, Any]:
        """Return the fields that all events of the block have."""
        return {
            "event_ns": self.event_ns,
            "recv_ns": self.recv_ns,
            "source": self.source,
            "chain_id": self.chain_id,
            "block_number": self.number,
            "block_hash": self.hash,
        }


def arbitrages_of(report: Mapping[str, Any], block: InspectedBlock) -> list[Arbitrage]:
    """Return an event for each transaction of `report` that is of an `ArbitrageKind`, in the block's order.

    `report` is what `inspect_block` says, whose amounts are decimal text.
    """
    roles = _roles(report["sandwiches"])
    base_fee_wei = _int(report.get("base_fee_wei"))
    return [
        _event(tx, block, base_fee_wei, roles.get(tx["tx_hash"]))
        for tx in report["transactions"]
        if tx["kind"] in _KINDS
    ]


def _event(
    tx: Mapping[str, Any], block: InspectedBlock, base_fee_wei: int | None, role: SandwichRole | None
) -> Arbitrage:
    circles = tx.get("arbitrages", ())
    circle = max(circles, key=_worth, default={})
    swaps = [tx["swaps"][at] for at in circle["swaps"]] if circle else tx.get("swaps", ())
    loan = _loan(tx.get("flash_loans", ()), circle.get("profit_token"))
    gas_price_wei = _int(tx.get("gas_price_wei"))
    return Arbitrage(
        **block.identity(),
        tx_hash=tx["tx_hash"],
        tx_index=tx["tx_index"],
        kind=ArbitrageKind(tx["kind"]),
        shape=CircleShape(circle["shape"]) if circle else None,
        sandwich_role=role,
        sender=tx.get("from"),
        contract=tx.get("to"),
        account=circle.get("account"),
        circle_count=len(circles),
        hop_count=len(swaps),
        protocols=",".join(swap["protocol"] for swap in swaps),
        pools=",".join(swap.get("pool_id") or swap["pool"] for swap in swaps),
        tokens=",".join(swap["token_in"] or "unknown" for swap in swaps),
        token=circle.get("profit_token"),
        amount_in=_int(circle.get("start_amount")),
        amount_out=_int(circle.get("end_amount")),
        profit=_signed(circle.get("profit_amount")),
        gains=",".join(f"{one['token']}:{one['amount']}" for one in tx.get("gains", ())) or None,
        loan_source=loan.get("lender"),
        loan_token=loan.get("token"),
        loan_amount=_int(loan.get("amount")),
        loan_fee=_int(loan.get("fee")),
        gas_used=tx.get("gas_used"),
        gas_price_wei=gas_price_wei,
        base_fee_wei=base_fee_wei,
        priority_fee_wei=_less(gas_price_wei, base_fee_wei),
        gas_cost_wei=_int(tx.get("fee_wei")),
        tip_wei=_int(tx["tip_wei"]),
        profit_native_wei=_signed(circle.get("profit_native_wei")),
        net_profit_native_wei=_signed(circle.get("net_profit_wei")),
        profit_usd=_float(circle.get("profit_usd")),
        net_profit_usd=_float(circle.get("net_profit_usd")),
        confidence=circle.get("confidence"),
    )


def _roles(sandwiches: Sequence[Mapping[str, Any]]) -> dict[str, SandwichRole]:
    roles: dict[str, SandwichRole] = {}
    for one in sandwiches:
        roles.update((victim, SandwichRole.VICTIM) for victim in one["victim_txs"])
    for one in sandwiches:  # who is sandwiched in one and sandwiches in another is known by the latter
        roles[one["front_tx"]] = SandwichRole.FRONT
        roles[one["back_tx"]] = SandwichRole.BACK
    return roles


def _worth(circle: Mapping[str, Any]) -> tuple[bool, int]:
    """Return what orders circles: the native coin's worth; those without a price come last."""
    wei = _signed(circle.get("profit_native_wei"))
    return wei is not None, wei or 0


def _loan(loans: Sequence[Mapping[str, Any]], token: str | None) -> Mapping[str, Any]:
    """Return the largest loan of `token`, or of the first token lent; an empty one where none was."""
    if not loans:
        return {}
    wanted = token if any(loan["token"] == token for loan in loans) else loans[0]["token"]
    return max((loan for loan in loans if loan["token"] == wanted), key=lambda loan: int(loan["amount"]))


def _less(gas_price_wei: int | None, base_fee_wei: int | None) -> int | None:
    """Return what is left for who made the block; None where either is unknown."""
    if gas_price_wei is None or base_fee_wei is None:
        return None
    return max(gas_price_wei - base_fee_wei, 0)


def _int(text: str | None) -> int | None:
    return None if text is None else int(text)


def _signed(text: str | None) -> int | None:
    """Return the number; None where it is not known, and where no `Int256` holds it."""
    number = _int(text)
    return number if number is not None and -_INT256_END <= number < _INT256_END else None


def _float(text: str | None) -> float | None:
    return None if text is None else float(text)
