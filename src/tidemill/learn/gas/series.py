"""What is a chain's gas price over time: the last word of each of many even steps, absent where none was."""

from typing import NamedTuple

import numpy as np

from tidemill.learn.arrays import Floats, Times
from tidemill.schema.faults import Refused

DAY_NS = 86_400_000_000_000
STEPS_MAX = 20_000_000
"""Of a series: 38 years of minutes, 160 MB a column."""


class Told(NamedTuple):
    """What was told of one thing, in any order."""

    event_ns: Times
    values: Floats


class GasSeries(NamedTuple):
    """One chain's gas price and what was known beside it; all float64[n], NaN where a step has none."""

    first_ns: int
    """When the first step begins; a multiple of `step_ns`."""
    step_ns: int
    gas_gwei: Floats
    next_base_fee_gwei: Floats
    """Of the block after the step's last one, by arithmetic."""
    price_usd: Floats
    volume_usd: Floats

    @property
    def begins_ns(self) -> Times:
        """Return when each step begins, int64[n]."""
        return self.first_ns + np.arange(len(self.gas_gwei), dtype=np.int64) * self.step_ns


def series_of(
    gas_gwei: Told,
    next_base_fee_gwei: Told | None = None,
    price_usd: Told | None = None,
    volume_usd: Told | None = None,
    step_ns: int | None = None,
) -> GasSeries:
    """Return what was told in steps of `step_ns`, of the median time between two gas prices by default.

    Raises: Refused, where fewer than two gas prices are there, or one is not a positive number.
    """
    times = np.unique(gas_gwei.event_ns)
    if len(times) < 2:
        raise Refused(f"gas prices: expected two times at least, found {len(times)}")
    if not np.all(np.isfinite(gas_gwei.values) & (gas_gwei.values > 0)):
        raise Refused("gas prices: expected positive numbers of gwei, found others")
    step = step_ns or int(np.median(np.diff(times)))
    first, last = int(times[0]) // step, int(times[-1]) // step
    steps = last - first + 1
    if steps > STEPS_MAX:
        raise Refused(f"gas prices: expected {STEPS_MAX} steps at most, found {steps} of {step} ns")
    told = (gas_gwei, next_base_fee_gwei, price_usd, volume_usd)
    return GasSeries(first * step, step, *(_last_of_steps(one, first, steps, step) for one in told))


def _last_of_steps(told: Told | None, first: int, steps: int, step_ns: int) -> Floats:
    out = np.full(steps, np.nan)
    if told is not None:
        order = np.argsort(told.event_ns, kind="stable")
        places = told.event_ns[order] // step_ns - first
        inside = (places >= 0) & (places < steps)
        out[places[inside]] = told.values[order][inside]  # of equal places the last one stays
    return out
