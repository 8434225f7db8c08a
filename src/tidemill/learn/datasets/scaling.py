"""How are columns brought to one scale: by what the training rows were, and by nothing later."""

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from msgspec import Struct

from tidemill.learn.arrays import Floats
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

    def transform_column(self, place: int, column: Floats) -> Floats:
        """Return one of the columns, float64[n], scaled: the same as `transform` gives, in less memory."""
        if self.low is not None and self.high is not None:
            column = np.clip(column, self.low[place], self.high[place])
        scaled = column - self.centre[place]
        scaled /= self.spread[place]
        return scaled

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
    return fit_columns(rows.T, names, method, handle_outliers=handle_outliers)


def fit_columns(
    columns: Iterable[Floats], names: list[str], method: Method, *, handle_outliers: bool = False
) -> Scaler:
    """Return the scaler of columns, float64[n] each, taken one after the other. Raises: as `fit_scaler`."""
    fits = [_fit(column, method, handle_outliers=handle_outliers) for column in columns]
    return Scaler(
        method=method,
        names=names,
        centre=[one.centre for one in fits],
        spread=[one.spread for one in fits],
        low=[one.low for one in fits] if handle_outliers else None,
        high=[one.high for one in fits] if handle_outliers else None,
    )


class _Fit(NamedTuple):
    centre: float
    spread: float
    low: float
    high: float


def _fit(column: Floats, method: Method, *, handle_outliers: bool) -> _Fit:
    is_finite = np.isfinite(column)
    known = column if is_finite.all() else column[is_finite]
    if len(known) < len(column) and np.isinf(column).any():
        raise Refused("rows to fit on: expected finite values or NaN for absent ones, found an infinite one")
    quartiles = _quartiles(known) if handle_outliers or method is Method.ROBUST else np.zeros(3)
    low, high = _cuts(quartiles) if handle_outliers else (0.0, 0.0)
    if method is Method.ROBUST:  # cuts lie beyond the quartiles, which they leave as they are
        return _Fit(float(quartiles[1]), _spread(quartiles[2] - quartiles[0]), low, high)
    return _Fit(
        *_centre_and_spread(np.clip(known, low, high) if handle_outliers else known, method), low, high
    )


def _quartiles(known: Floats) -> Floats:
    return np.quantile(known, (0.25, 0.5, 0.75)) if len(known) else np.zeros(3)


def _centre_and_spread(known: Floats, method: Method) -> tuple[float, float]:
    if len(known) == 0:
        return 0.0, 1.0
    if method is Method.STANDARD:
        # Values all alike may deviate from their mean, which is rounded.
        return float(np.mean(known)), _spread(np.std(known) if np.ptp(known) > 0 else 0.0)
    return float(np.min(known)), _spread(np.ptp(known))


def _spread(spread: float | np.floating) -> float:
    return float(spread) if spread > 0 else 1.0


def _cuts(quartiles: Floats) -> tuple[float, float]:
    """Return where values are cut: so many deviations, by the interquartile range, off the median."""
    # As many deviations a normal distribution's quartiles are apart.
    deviation = (quartiles[2] - quartiles[0]) / 1.349
    reach = CUT_DEVIATIONS * deviation if deviation > 0 else _NOWHERE  # which JSON holds, unlike infinity
    return float(quartiles[1] - reach), float(quartiles[1] + reach)
