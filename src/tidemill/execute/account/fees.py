"""What does a transaction offer and cost: base fee, tip, replacement, and what second layers add."""

from collections.abc import Sequence
from typing import Annotated, Protocol

from msgspec import Meta, Struct, structs

from tidemill.chains.evm.base_fee import CHANGE_DENOMINATOR
from tidemill.execute.account.transaction import Fees
from tidemill.execute.chain_facts import FeeRule
from tidemill.schema.faults import Refused

_Wei = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class FeePolicy(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is offered; settings of a chain."""

    tip_percentile: Annotated[float, Meta(ge=0, le=100)] = 60.0
    """Of what the last blocks' transactions paid: above the middle, where blocks are rarely full."""
    tip_min_wei: _Wei = 1_000_000
    """Offered in any case: nodes drop what offers nothing."""
    tip_max_wei: _Wei = 50 * 10**9
    fee_max_wei: _Wei = 500 * 10**9
    """The most for a unit of gas, base fee and tip: what would need more is refused."""
    full_blocks_ahead: Annotated[int, Meta(ge=1, le=20)] = 2
    """For so many full blocks in a row the offer still covers the base fee."""


_TIP_MINS_WEI = {137: 25 * 10**9}
"""Of chains whose nodes drop what offers less: Polygon's."""
REPLACEMENT_NUMERATOR, REPLACEMENT_DENOMINATOR = 9, 8
"""+12.5 %, which every kind of node takes: geth wants 10, Parity's family 12.5."""


def least_tip(policy: FeePolicy, chain_id: int) -> FeePolicy:
    """Return `policy` with the least tip that the chain's nodes take."""
    tip_wei = max(policy.tip_min_wei, _TIP_MINS_WEI.get(chain_id, 0))
    return structs.replace(policy, tip_min_wei=tip_wei, tip_max_wei=max(policy.tip_max_wei, tip_wei))


def tip_of(rewards: Sequence[Sequence[int | None] | None] | None, suggested_wei: int | None) -> int | None:
    """Return the middle of the tips that `eth_feeHistory` tells of blocks, one percentile each; without any,
    what the node suggests; None where it suggests nothing.

    Blocks without transactions tell 0 and are left out; some chains tell null.
    """
    tips = sorted(row[0] for row in rewards or () if row and row[0])
    return tips[len(tips) // 2] if tips else suggested_wei


class BaseFeeForecast(Protocol):
    """Says how high a chain's base fee may come to be while a transaction waits."""

    def tell_block(self, base_fee_wei: int, gas_used: int, gas_limit: int, event_ns: int) -> None:
        """Take in the newest block, which may be the same as before."""
        ...

    def high_wei(self) -> int | None:
        """Return what it will hardly be above; None where that cannot be said."""
        ...


def offer(
    next_base_fee_wei: int, tip_wei: int | None, policy: FeePolicy, rule: FeeRule, high_wei: int | None = None
) -> Fees:
    """Return what to offer for the next block: tip within the limits, and room for the base fee to rise.

    The room is for full blocks, and up to `high_wei` where a forecast says so; what is above the base fee of
    the block that takes it is not paid.

    Raises: Refused where the next block's base fee and the tip are above `fee_max_wei`.
    """
    tip = 0 if rule == FeeRule.ARBITRUM else max(policy.tip_min_wei, min(tip_wei or 0, policy.tip_max_wei))
    needed = next_base_fee_wei + tip
    if needed > policy.fee_max_wei:
        raise Refused(
            f"fees: expected at most {policy.fee_max_wei} wei for a unit of gas, "
            f"the next block takes {next_base_fee_wei} and a tip of {tip}"
        )
    later = next_base_fee_wei
    for _ in range(policy.full_blocks_ahead):
        later += max(later // CHANGE_DENOMINATOR, 1)
    later = max(later, high_wei or 0)
    return Fees(min(later + tip, policy.fee_max_wei), tip)


def replacement(before: Fees, wanted: Fees, policy: FeePolicy) -> Fees:
    """Return the fees that replace a waiting transaction: at least 12.5 % above both of its own, rounded up.

    Raises: Refused where that is above `fee_max_wei`.
    """
    tip = max(_raised(before.max_tip_wei), wanted.max_tip_wei)
    fee = max(_raised(before.max_fee_wei), wanted.max_fee_wei, tip)
    if fee > policy.fee_max_wei:
        raise Refused(
            f"fees: expected at most {policy.fee_max_wei} wei for a unit of gas, a replacement needs {fee}"
        )
    return Fees(fee, tip)


def _raised(wei: int) -> int:
    # One more where nothing was offered: nodes want some rise of that too.
    return max(-(-wei * REPLACEMENT_NUMERATOR // REPLACEMENT_DENOMINATOR), wei + 1)
