"""What was told of a chain's gas lately: the last steps of a series, as they come in."""

from enum import IntEnum

import numpy as np

from tidemill.learn.gas.series import GasSeries
from tidemill.schema.faults import Malformed


class Measure(IntEnum):
    """What is told, in the order of a series' columns."""

    GAS_GWEI = 0
    NEXT_BASE_FEE_GWEI = 1
    PRICE_USD = 2
    VOLUME_USD = 3


class GasWindow:
    """Keeps the newest `steps` steps; what is older than they, or than what was told before, is refused."""

    def __init__(self, step_ns: int, steps: int) -> None:
        self._step_ns = step_ns
        self._ring = np.full((len(Measure), steps), np.nan)
        self._newest = -1
        self._told_ns = [-1] * len(Measure)

    def tell(self, measure: Measure, value: float, event_ns: int) -> None:
        """Keep the newest value of its step. Raises: Malformed: no positive number, or it goes back."""
        if not (np.isfinite(value) and (value > 0 or (measure is Measure.VOLUME_USD and value == 0))):
            raise Malformed(f"{measure.name.lower()}: expected a positive number, found {value}")
        if event_ns < self._told_ns[measure]:
            raise Malformed(
                f"{measure.name.lower()}: expected a time from {self._told_ns[measure]} on, found {event_ns}"
            )
        step, steps = event_ns // self._step_ns, self._ring.shape[1]
        if self._newest >= 0 and step <= self._newest - steps:
            raise Malformed(f"{measure.name.lower()}: expected a time within {steps} steps, found {event_ns}")
        if step > self._newest:
            gone = np.arange(max(self._newest + 1, step - steps + 1), step + 1) % steps
            self._ring[:, gone] = np.nan
            self._newest = step
        self._told_ns[measure] = event_ns
        self._ring[measure, step % steps] = value

    def series(self) -> GasSeries:
        """Return the window; all NaN before anything was told."""
        first = self._newest + 1
        columns = np.roll(self._ring, -(first % self._ring.shape[1]), axis=1)
        return GasSeries((first - self._ring.shape[1]) * self._step_ns, self._step_ns, *columns)
