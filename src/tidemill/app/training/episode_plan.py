"""What is an episode by its seed: how the chain was, which gap opens, who competes and how high they bid.

Nothing of what comes of it is drawn: that follows from transactions in blocks. The others' policy is told in
docs/guide/learning.md.
"""

from random import Random

from msgspec import Struct

WEI_PER_GWEI = 10**9


class PlannedSwap(Struct, frozen=True):
    """A sale of somebody who does not care about the gap."""

    pool: int
    """Of the two, the first or the second."""
    sells_weth: bool
    share: float
    """Of what the pool holds of the sold token."""
    tip_wei: int
    """For each unit of gas, above the base fee."""


class EpisodePlan(Struct, frozen=True, kw_only=True):
    """What happens around one opportunity, whatever is done about it."""

    base_fee_wei: int
    before: tuple[PlannedSwap, ...]
    """In the block before the gap opens: what was seen of the market."""
    gap: float
    """By how much the prices of both pools differ beyond both fees, once it was planted; 0.003: 0.3 %."""
    gap_pool: int
    """Where WETH is made cheap."""
    beside: tuple[PlannedSwap, ...]
    """In the block that is contested."""
    rival_shares: tuple[float, ...]
    """Of what each rival expects to gain after the base fee, how much it bids as its tip."""


class Market(Struct, frozen=True):
    """How lively the market is: how many swap in a block, how far they move it, how many rivals there are."""

    swaps: int
    most_share: float
    rivals: int
    """At most."""


MARKETS = (Market(1, 3e-4, 1), Market(2, 8e-4, 2), Market(4, 1.5e-3, 4))
BASE_FEES_GWEI = (0.5, 2.0, 8.0)
GAPS = (0.0015, 0.005)
BID_SHARES = (0.02, 0.3)
_TIPS_GWEI = (0.1, 4.0)
"""Of those who only swap."""


def plan_of(seed: int, episode: int) -> EpisodePlan:
    """Return the plan of an episode: the same seed and number give the same one."""
    dice = Random(f"{seed}/{episode}")  # noqa: S311 traders, not secrets
    market = dice.choice(MARKETS)
    return EpisodePlan(
        base_fee_wei=int(dice.choice(BASE_FEES_GWEI) * dice.uniform(0.7, 1.4) * WEI_PER_GWEI),
        before=tuple(_swap(dice, market) for _ in range(market.swaps)),
        gap=dice.uniform(*GAPS),
        gap_pool=dice.randrange(2),
        beside=tuple(_swap(dice, market) for _ in range(dice.randint(0, market.swaps))),
        rival_shares=tuple(dice.uniform(*BID_SHARES) for _ in range(dice.randint(0, market.rivals))),
    )


def _swap(dice: Random, market: Market) -> PlannedSwap:
    return PlannedSwap(
        pool=dice.randrange(2),
        sells_weth=dice.random() < 0.5,
        share=dice.uniform(0.1, 1) * market.most_share,
        tip_wei=int(dice.uniform(*_TIPS_GWEI) * WEI_PER_GWEI),
    )
