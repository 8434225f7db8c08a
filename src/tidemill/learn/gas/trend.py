"""Where is it going: rising, stable or falling, with how much of a forecast's distribution lies where."""

from enum import StrEnum

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from tidemill.learn.arrays import Floats

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the change that a forecast tells."""
MEDIAN = 2
"""Which of them is the forecast's one number."""


class Trend(StrEnum):
    """What a value does, measured against a threshold."""

    FALLING = "falling"
    STABLE = "stable"
    RISING = "rising"


TRENDS = tuple(Trend)
"""The order of probabilities."""


class Forecast(Struct, frozen=True, kw_only=True):
    """What a gas price will be."""

    trend: Trend
    """The most probable."""
    gas_gwei: float
    """The median."""
    quantiles_gwei: dict[str, float]
    """By probability: there is a chance of 0.05 of less than that of `0.05`."""
    probabilities: dict[Trend, float]
    """Of a change below, within and above the threshold; they make 1."""
    threshold: float
    """A change is one by more than this share."""
    horizon_ns: int
    predictor: str
    """What told it: a model, or the baseline that it did not beat."""


def trend_shares(quantiles: Floats, threshold: float) -> Floats:
    """Return float64[n, 3]: how probable each of TRENDS is, by quantiles of changes, float64[n, QUANTILES].

    Between quantiles the distribution is even; beyond the outermost it ends as far out as the next one is in.
    """
    low, high = np.log1p(-threshold), np.log1p(threshold)
    knots = np.column_stack(
        (2 * quantiles[:, 0] - quantiles[:, 1], quantiles, 2 * quantiles[:, -1] - quantiles[:, -2])
    )
    heights = np.array([0.0, *QUANTILES, 1.0])
    below = np.array([(_share_below(row, heights, low), _share_below(row, heights, high)) for row in knots])
    below = below.reshape(-1, 2)
    return np.column_stack((below[:, 0], below[:, 1] - below[:, 0], 1 - below[:, 1]))


def _share_below(knots: Floats, heights: Floats, value: float) -> float:
    return float(np.interp(value, knots, heights))


def trends_of(changes: Floats, threshold: float) -> NDArray[np.int64]:
    """Return int64[n]: which of TRENDS each change of a logarithm is."""
    return np.digitize(changes, (np.log1p(-threshold), np.log1p(threshold)))


def told(gas_gwei: float, quantiles: Floats, threshold: float, horizon_ns: int, predictor: str) -> Forecast:
    """Return the forecast that changes' quantiles, float64[len(QUANTILES)], are of the price now."""
    shares = trend_shares(quantiles[None, :], threshold)[0]
    values = gas_gwei * np.exp(quantiles)
    return Forecast(
        trend=TRENDS[int(np.argmax(shares))],
        gas_gwei=float(values[MEDIAN]),
        quantiles_gwei={str(share): float(value) for share, value in zip(QUANTILES, values, strict=True)},
        probabilities={trend: float(share) for trend, share in zip(TRENDS, shares, strict=True)},
        threshold=threshold,
        horizon_ns=horizon_ns,
        predictor=predictor,
    )
