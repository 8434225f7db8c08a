"""How long do things last of which some still do: the Kaplan-Meier estimate, half-lives, shares."""

from collections.abc import Iterable
from math import sqrt
from statistics import NormalDist

from msgspec import Struct

LEVEL = 0.95
"""Of every confidence interval."""
_Z = NormalDist().inv_cdf((1 + LEVEL) / 2)
_HALF = 0.5 + 1e-12
"""A product of many shares misses a half by less."""


class Lasted(Struct, frozen=True):
    """How long some of them lasted."""

    duration: int
    """In any unit; the same of all."""
    is_ended: bool
    """False where it is only known to have lasted so long: censored."""
    count: int = 1
    """How many did."""


class Point(Struct, frozen=True):
    """What is left after a duration at which some ended."""

    duration: int
    survival: float
    """The share that lasts longer."""
    low: float
    """The lower end of its confidence interval, point by point."""
    high: float


class HalfLife(Struct, frozen=True):
    """After how long half of them have ended."""

    duration: int | None
    """The least after which at most half are left; None where more than half last."""
    low: int | None
    """The lower end of its confidence interval; None where it is above all that was observed."""
    high: int | None


class Share(Struct, frozen=True):
    """A part of a whole, as a sample shows it."""

    count: int
    share: float | None
    """None where the whole is empty, as the interval."""
    low: float | None
    high: float | None


def survival(observed: Iterable[Lasted]) -> list[Point]:
    """Return the Kaplan-Meier estimate: a point for each duration at which one ended, ascending.

    One that is censored counts among those at risk up to and with its duration. The interval is Wilson's for
    the size of a whole sample that would have the variance of Greenwood's formula: where none is censored it
    is that of the share itself, and it is not empty where all or none are left.

    Source: Kaplan and Meier (1958), Nonparametric estimation from incomplete observations, JASA 53, 457-481;
    Rothman (1978), Estimation of confidence limits for the cumulative probability of survival in life table
    analysis, J. Chronic Dis. 31, 557-560.
    """
    ended: dict[int, int] = {}
    gone: dict[int, int] = {}
    for one in observed:
        gone[one.duration] = gone.get(one.duration, 0) + one.count
        if one.is_ended:
            ended[one.duration] = ended.get(one.duration, 0) + one.count
    at_risk = sum(gone.values())
    left, spread = 1.0, 0.0
    """`spread` is the variance over `left`: unlike Greenwood's sum it stays finite where none is left."""
    points: list[Point] = []
    for duration in sorted(gone):
        if deaths := ended.get(duration, 0):
            spread = spread * (1 - deaths / at_risk) + left * deaths / at_risk**2
            left *= 1 - deaths / at_risk
            low, high = wilson(left, (1 - left) / spread)
            points.append(Point(duration, left, low, high))
        at_risk -= gone[duration]
    return points


def half_life(points: Iterable[Point]) -> HalfLife:
    """Return the half-life of an estimate, with the durations at which half are within its interval.

    Source: Brookmeyer and Crowley (1982), A confidence interval for the median survival time, Biometrics 38,
    29-41.
    """
    known = list(points)

    def first(name: str) -> int | None:
        return next((point.duration for point in known if getattr(point, name) <= _HALF), None)

    return HalfLife(first("survival"), first("low"), first("high"))


def share(count: int, whole: int) -> Share:
    """Return the share of `count` in `whole`, with Wilson's confidence interval."""
    if whole == 0:
        return Share(count, None, None, None)
    low, high = wilson(count / whole, whole)
    return Share(count, count / whole, low, high)


def wilson(found: float, size: float) -> tuple[float, float]:
    """Return the confidence interval of a share that was `found` in a sample of a size.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference, JASA 22,
    209-212.
    """
    pull = _Z**2 / size
    middle = (found + pull / 2) / (1 + pull)
    half = _Z / (1 + pull) * sqrt(found * (1 - found) / size + pull / (4 * size))
    low = 0.0 if found == 0 else max(middle - half, 0.0)  # rounding would leave more than nothing
    return low, 1.0 if found == 1 else min(middle + half, 1.0)
