"""How are columns brought to one scale: by what the training rows were, and by nothing later."""

from enum import StrEnum

import numpy as np
from msgspec import Struct

from tidemill.learn.gas_series import Floats
from tidemill.schema.faults import Malformed, Refused

CUT_DEVIATIONS = 5.0
"""With outliers handled: how many standard deviations off the median a value is cut; of a normal
distribution's one in 1.7 million lies there."""

_NOWHERE = float(np.finfo(np.float64).max / 4)


class Method(StrEnum):
    """What a column's centre and spread are."""

    STANDARD = "standard"
    """Mean and standard deviation."""
    MINMAX = "minmax"
    """Least value and range: the training rows lie between 0 and 1."""
    ROBUST = "robust"
    """Median and interquartile range."""


class Scaler(Struct, frozen=True, forbid_unknown_fields=True):
    """The centre and spread of each column, and where values are cut."""

    method: Method
    names: list[str]
    centre: list[float]
    spread: list[float]
    low: list[float] | None = None
    """Values below are this; absent where outliers are left as they are."""
    high: list[float] | None = None

    def transform(self, rows: Floats) -> Floats:
        """Return float64[n, columns] scaled; what is NaN stays so. Raises: Malformed."""
        if rows.ndim != 2 or rows.shape[1] != len(self.names):
            raise Malformed(f"rows: expected {len(self.names)} columns, found shape {rows.shape}")
        if self.low is not None and self.high is not None:
            rows = np.clip(rows, self.low, self.high)
        return (rows - self.centre) / self.spread

    def inverse_transform(self, rows: Floats) -> Floats:
        """Return float64[n, columns] in their own units; what was cut stays cut."""
        return rows * self.spread + self.centre


def fit_scaler(
    rows: Floats, names: list[str], method: Method = Method.STANDARD, *, handle_outliers: bool = False
) -> Scaler:
    """Return the scaler of these rows, the training part; a column that says nothing keeps its values.

    Raises: Refused, where there is no row, or a value is infinite.
    """
    if rows.ndim != 2 or len(rows) == 0:
        raise Refused(f"rows to fit on: expected one at least in two dimensions, found shape {rows.shape}")
    if np.isinf(rows).any():
        raise Refused("rows to fit on: expected finite values or NaN for absent ones, found an infinite one")
    low, high = _cuts(rows) if handle_outliers else (None, None)
    cut = rows if low is None else np.clip(rows, low, high)
    stats = np.array([_centre_and_spread(column, method) for column in cut.T]).reshape(-1, 2)
    return Scaler(
        method=method,
        names=names,
        centre=stats[:, 0].tolist(),
        spread=stats[:, 1].tolist(),
        low=None if low is None else low.tolist(),
        high=None if high is None else high.tolist(),
    )


def _centre_and_spread(column: Floats, method: Method) -> tuple[float, float]:
    known = column[np.isfinite(column)]
    if len(known) == 0:
        return 0.0, 1.0
    if method is Method.STANDARD:
        centre, spread = np.mean(known), np.std(known)
    elif method is Method.MINMAX:
        centre, spread = np.min(known), np.ptp(known)
    else:
        quarter, centre, three_quarters = np.quantile(known, (0.25, 0.5, 0.75))
        spread = three_quarters - quarter
    return float(centre), float(spread) if spread > 0 else 1.0


def _cuts(rows: Floats) -> tuple[Floats, Floats]:
    """Return where values are cut: so many deviations, by the interquartile range, off the median."""
    pairs: list[tuple[float, float]] = []
    for column in rows.T:
        known = column[np.isfinite(column)]
        quartiles = np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.zeros(3)
        deviation = (
            quartiles[2] - quartiles[0]
        ) / 1.349  # as many deviations a normal one's quartiles are apart
        reach = CUT_DEVIATIONS * deviation if deviation > 0 else _NOWHERE  # which JSON holds, unlike infinity
        pairs.append((quartiles[1] - reach, quartiles[1] + reach))
    cuts = np.array(pairs)
    return cuts[:, 0], cuts[:, 1]
