"""Series of gas prices made for tests: what comes next follows from what was."""

import numpy as np

from tidemill.learn.gas_series import GasSeries, Told, series_of

START_NS = 1_700_000_040_000_000_000
MINUTE_NS = 60_000_000_000


def returning(steps: int, seed: int = 0) -> GasSeries:
    """A price that returns halfway to 40 gwei at each step, and is thrown off it: a model can tell."""
    dice = np.random.default_rng(seed)
    logs = np.zeros(steps)
    for at in range(1, steps):
        logs[at] = logs[at - 1] / 2 + dice.normal(0, 0.1)
    return minutes(40 * np.exp(logs))


def wandering(steps: int, seed: int = 0) -> GasSeries:
    """A price of which nobody can tell where it goes."""
    dice = np.random.default_rng(seed)
    return minutes(40 * np.exp(np.cumsum(dice.normal(0, 0.02, steps))))


def minutes(gas_gwei: np.ndarray) -> GasSeries:
    times = START_NS + np.arange(len(gas_gwei), dtype=np.int64) * MINUTE_NS
    return series_of(Told(times, np.asarray(gas_gwei, float)))
