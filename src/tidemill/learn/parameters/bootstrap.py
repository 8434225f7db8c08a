"""By how much does one policy earn more than another, and how sure is that: a paired bootstrap."""

import numpy as np

from tidemill.learn.arrays import Floats
from tidemill.learn.parameters.off_policy import Estimate
from tidemill.schema.faults import Refused

RESAMPLES = 10_000


def mean_of_differences(rewards: Floats, others: Floats, seed: int) -> Estimate:
    """Return the mean of float64[n] less float64[n], row by row, and its 95 % interval by percentiles.

    Rows are drawn again together, so that what both met alike takes nothing from the certainty.

    Raises: Refused, where there are fewer than two rows.
    Source: Efron and Tibshirani (1993), An introduction to the bootstrap, chapter 13.
    """
    differences = rewards - others
    rows = len(differences)
    if rows < 2:
        raise Refused(f"episodes to compare: expected two at least, found {rows}")
    dice = np.random.default_rng(seed)
    means = np.array([differences[dice.integers(0, rows, rows)].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(means, (0.025, 0.975))
    return Estimate(
        mean=float(differences.mean()),
        low_95=float(low),
        high_95=float(high),
        rows=rows,
        effective_rows=float(rows),
    )
