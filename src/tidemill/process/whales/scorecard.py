"""Do whales' trades tell where prices go: each order against the price later, and what can be said of all.

Orders of one market share its fate, so the markets are resampled and not the orders: the cluster bootstrap.
Source: Cameron, Gelbach and Miller (2008), Bootstrap-based improvements for inference with clustered errors.
"""

from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tidemill.schema.events import Side

_DRAWS = 4_000
_SEED = 20_240_601
"""Fixed, so that the same orders give the same intervals."""
MARKETS_MIN = 10
"""Of fewer markets the bootstrap's intervals are too narrow: none are given."""


class Graded(Struct, frozen=True, kw_only=True):
    """An order, and the price at some time after it."""

    market: str
    side: Side
    price: float
    """What it paid or got for a share, above 0."""
    later: float
    """What a share was worth later, 0 to 1 where shares pay 1."""

    @property
    def move(self) -> float:
        """What a share gained whoever did the same, quote."""
        return self.later - self.price if self.side is Side.BUY else self.price - self.later

    @property
    def return_share(self) -> float | None:
        """The same as a share of what was at stake: the price, of a sale of shares what they may yet cost."""
        stake = self.price if self.side is Side.BUY else 1 - self.price
        return self.move / stake if stake > 0 else None


class Estimate(Struct, frozen=True, kw_only=True):
    """A mean, and the interval that has the true one 95 times in a hundred."""

    mean: float
    low: float | None = None
    """Absent where there are too few markets."""
    high: float | None = None


class Verdict(StrEnum):
    """What can be said."""

    SIGNAL = "signal"
    """Prices went their way, by more than chance explains."""
    NONE = "none"
    """Chance explains it."""
    AGAINST = "against"
    """Prices went against them, by more than chance explains."""
    UNKNOWN = "unknown"
    """Too few markets to say."""


class Score(Struct, frozen=True, kw_only=True):
    """What a group of orders came to at one horizon."""

    orders: int
    markets: int
    hit_rate: Estimate | None
    """Of orders after which the price moved at all, how many it moved the order's way; absent where none."""
    move: Estimate
    """Per share, quote."""
    return_share: Estimate | None
    """Of what was at stake."""
    verdict: Verdict


def score(graded: Sequence[Graded]) -> Score | None:
    """Return what the orders came to; None where there are none."""
    if not graded:
        return None
    move = _estimate([(one.market, one.move) for one in graded])
    moved = [(one.market, float(one.move > 0)) for one in graded if one.move]
    returns = [(one.market, value) for one in graded if (value := one.return_share) is not None]
    return Score(
        orders=len(graded),
        markets=len({one.market for one in graded}),
        hit_rate=_estimate(moved) if moved else None,
        move=move,
        return_share=_estimate(returns) if returns else None,
        verdict=_verdict(move),
    )


def _verdict(move: Estimate) -> Verdict:
    if move.low is None or move.high is None:
        return Verdict.UNKNOWN
    if move.low > 0:
        return Verdict.SIGNAL
    return Verdict.AGAINST if move.high < 0 else Verdict.NONE


def _estimate(values: Sequence[tuple[str, float]]) -> Estimate:
    markets = sorted({market for market, _ in values})
    place = {market: at for at, market in enumerate(markets)}
    sums: NDArray[np.float64] = np.zeros(len(markets))
    counts: NDArray[np.float64] = np.zeros(len(markets))
    for market, value in values:
        sums[place[market]] += value
        counts[place[market]] += 1
    mean = float(sums.sum() / counts.sum())
    if len(markets) < MARKETS_MIN:
        return Estimate(mean=mean)
    draws = np.random.default_rng(_SEED).multinomial(
        len(markets), np.full(len(markets), 1 / len(markets)), _DRAWS
    )
    means = (draws @ sums) / (draws @ counts)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(mean=mean, low=float(low), high=float(high))
