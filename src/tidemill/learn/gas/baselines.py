"""What does one forecast without learning: the last value, the next base fee, the same time a day before."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np

from tidemill.learn.arrays import Floats
from tidemill.learn.gas.features import NAMES
from tidemill.learn.gas.trend import QUANTILES


class Baseline(StrEnum):
    """What a model has to beat."""

    LAST_VALUE = "last_value"
    EIP1559 = "eip1559"
    """The base fee of the next block, where gas used and gas limits were told."""
    SEASONAL = "seasonal_naive"
    """What it was a day before the time that is forecast."""


_COLUMNS = {
    Baseline.EIP1559: NAMES.index("next_base_fee_over_gas"),
    Baseline.SEASONAL: NAMES.index("gas_a_day_before_change"),
}


def known_share(baseline: Baseline, features: Floats) -> float:
    """Return for which share of rows the baseline has a forecast of its own."""
    if baseline is Baseline.LAST_VALUE:
        return 1.0
    return float(np.mean(np.isfinite(features[:, _COLUMNS[baseline]])))


def changes_by(baseline: Baseline, features: Floats) -> Floats:
    """Return float64[n]: the change that it forecasts; none, as the last value has it, where it has none."""
    if baseline is Baseline.LAST_VALUE:
        return np.zeros(len(features))
    column = features[:, _COLUMNS[baseline]]
    return np.where(np.isfinite(column), column, 0.0)


class SpreadBaseline(NamedTuple):
    """A baseline with how far off it was: it forecasts a distribution as a model does."""

    baseline: Baseline
    spread: Floats
    """float64[len(QUANTILES)]: quantiles of changes less what it forecast; the median is put at 0."""

    def predict(self, features: Floats) -> Floats:
        """Return float64[n, len(QUANTILES)]: quantiles of the change."""
        return changes_by(self.baseline, features)[:, None] + self.spread


def fit_baseline(baseline: Baseline, features: Floats, changes: Floats) -> SpreadBaseline:
    """Return the baseline with its errors on these rows."""
    errors = np.quantile(changes - changes_by(baseline, features), QUANTILES)
    # A baseline is compared as it stands: correcting its bias would be learning already.
    return SpreadBaseline(baseline, errors - errors[len(QUANTILES) // 2])
