"""How good is a forecast of gas prices: by value, by class, and by whether its probabilities hold."""

import numpy as np
from msgspec import Struct

from tidemill.learn.arrays import Floats
from tidemill.learn.gas.trend import MEDIAN, QUANTILES, trend_shares, trends_of


class Scores(Struct, frozen=True, kw_only=True):
    """Of rows that nothing was trained on."""

    rows: int
    mae_gwei: float
    mse_gwei2: float
    r2: float | None
    """Of gas prices; absent where they do not vary."""
    pinball: float
    """Mean quantile loss of the logarithm's change, over all quantiles."""
    coverage_90: float
    """Share of values within the outermost quantiles; 0.9 is right."""
    accuracy: float
    """Of the most probable class."""
    brier: float
    """Mean squared error of the three probabilities, summed; 0 is best, 2 worst."""


def score(gas_gwei: Floats, changes: Floats, quantiles: Floats, threshold: float) -> Scores:
    """Return how good changes' quantiles, float64[n, len(QUANTILES)], were; the others are float64[n]."""
    later, told = gas_gwei * np.exp(changes), gas_gwei * np.exp(quantiles[:, MEDIAN])
    errors = later - told
    mse, variance = float(np.mean(errors**2)), float(np.var(later))
    off = changes[:, None] - quantiles
    losses = np.maximum(np.array(QUANTILES) * off, (np.array(QUANTILES) - 1) * off)
    shares, classes = trend_shares(quantiles, threshold), trends_of(changes, threshold)
    return Scores(
        rows=len(changes),
        mae_gwei=float(np.mean(np.abs(errors))),
        mse_gwei2=mse,
        r2=1 - mse / variance if variance > 0 else None,
        pinball=float(np.mean(losses)),
        coverage_90=float(np.mean((changes >= quantiles[:, 0]) & (changes <= quantiles[:, -1]))),
        accuracy=float(np.mean(np.argmax(shares, axis=1) == classes)),
        brier=float(np.mean(np.sum((shares - np.eye(3)[classes]) ** 2, axis=1))),
    )


def mean_of(scores: list[Scores]) -> Scores:
    """Return the mean of folds' scores, each fold counting alike; `rows` is their sum."""
    r2s = [one.r2 for one in scores if one.r2 is not None]
    means = {
        name: float(np.mean([getattr(one, name) for one in scores]))
        for name in Scores.__struct_fields__
        if name not in {"rows", "r2"}
    }
    return Scores(rows=sum(one.rows for one in scores), r2=float(np.mean(r2s)) if r2s else None, **means)
