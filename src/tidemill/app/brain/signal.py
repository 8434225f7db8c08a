"""How is an opportunity spelled as a signal for the execution server."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.signal import Signal

_KINDS = {
    "uniswap_v2": HopKind.UNISWAP_V2,
    "uniswap_v3": HopKind.UNISWAP_V3,
    "algebra": HopKind.ALGEBRA,
}
"""Kinds of pools of which the bus tells all that a hop needs."""

Row = Mapping[str, Any]
"""An event's columns."""


class Found(NamedTuple):
    """An opportunity with its hops, in their order."""

    opportunity: Row
    hops: Sequence[Row]

    @property
    def key(self) -> str:
        """Return what its signal is known by, however often it is sent."""
        return f"{self.opportunity['chain_id']}-{self.opportunity['opportunity'].hex()}"


def why_unspellable(found: Found, fees_ppm: Mapping[bytes, int | None]) -> str | None:
    """Return why no signal can be made of it; None where one can. `fees_ppm` are of the pools known."""
    for hop in found.hops:
        if hop["protocol"] not in _KINDS:
            return f"a hop through {hop['protocol']} cannot be spelled by what the bus tells"
        if fees_ppm.get(hop["pool"]) is None and _KINDS[hop["protocol"]] is not HopKind.ALGEBRA:
            return f"the fee of pool 0x{hop['pool'].hex()} is not known"
    return None


def signal_of_opportunity(
    found: Found,
    fees_ppm: Mapping[bytes, int | None],
    loan_source: str,
    min_profit: int | None,
    profit_usd: float,
) -> Signal:
    """Return the signal of an opportunity that can be spelled."""
    opportunity, hops = found
    return Signal(
        chain_id=opportunity["chain_id"],
        token=opportunity["token"],
        amount=opportunity["amount_in"],
        flash_source=LoanSource[loan_source.upper()],
        protocols=tuple(_KINDS[hop["protocol"]] for hop in hops),
        routers=tuple(hop["pool"] for hop in hops),
        path=tuple(hop["token_out"] for hop in hops),
        extras=tuple(_extra(_KINDS[hop["protocol"]], fees_ppm.get(hop["pool"])) for hop in hops),
        expected_profit_usd=profit_usd,
        idempotency_key=found.key,
        min_profit=min_profit,
    )


def _extra(kind: HopKind, fee_ppm: int | None) -> bytes:
    if kind is HopKind.ALGEBRA:
        return b""
    assert fee_ppm is not None
    return fee_ppm.to_bytes(32)
