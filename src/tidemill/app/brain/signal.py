"""How is an opportunity spelled as a signal for the execution server."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.signal import Signal

KINDS = {
    "uniswap_v2": HopKind.UNISWAP_V2,
    "uniswap_v3": HopKind.UNISWAP_V3,
    "solidly": HopKind.SOLIDLY,
    "algebra": HopKind.ALGEBRA,
    "uniswap_v4": HopKind.UNISWAP_V4,
    "curve_stable": HopKind.CURVE,
    "curve_crypto": HopKind.CURVE,
    "balancer_v2": HopKind.BALANCER_V2,
    "balancer_v3": HopKind.BALANCER_V3,
}
"""What the executor calls each kind of pool."""

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


class Terms(NamedTuple):
    """What was decided of a trade."""

    loan_source: LoanSource
    min_profit: int | None
    """Raw units; None: the server's own limit of slippage says."""
    priority_fee_wei: int
    expected_profit_usd: float


def why_unspellable(found: Found) -> str | None:
    """Return why no signal can be made of it; None where one can."""
    for hop in found.hops:
        if hop["protocol"] not in KINDS:
            return f"a hop through {hop['protocol']} is none of the executor's"
        if hop["called"] is None or hop["extra"] is None:
            return f"how pool 0x{hop['pool'].hex()} ({hop['protocol']}) is called is not known"
    return None


def lender_of(found: Found, wanted: LoanSource) -> LoanSource:
    """Return who lends: `wanted`, or, where a hop trades in what is locked then, Uniswap V4's manager.

    Balancer V2's vault is locked while it lends; the manager, which takes no fee either, is not.
    """
    is_locked = any(hop["protocol"] == wanted.name.lower() == "balancer_v2" for hop in found.hops)
    return LoanSource.UNISWAP_V4 if is_locked else wanted


def signal_of_opportunity(found: Found, terms: Terms) -> Signal:
    """Return the signal of an opportunity that can be spelled."""
    opportunity, hops = found
    return Signal(
        chain_id=opportunity["chain_id"],
        token=opportunity["token"],
        amount=opportunity["amount_in"],
        flash_source=terms.loan_source,
        protocols=tuple(KINDS[hop["protocol"]] for hop in hops),
        routers=tuple(hop["called"] for hop in hops),
        path=tuple(hop["token_out"] for hop in hops),
        extras=tuple(bytes.fromhex(hop["extra"][2:]) for hop in hops),
        expected_profit_usd=terms.expected_profit_usd,
        idempotency_key=found.key,
        min_profit=terms.min_profit,
        priority_fee_wei=terms.priority_fee_wei,
    )
