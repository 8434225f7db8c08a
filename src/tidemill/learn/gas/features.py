"""What of the past a gas forecast is made of: changes, spreads, time of day, next base fee, prices."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.learn.arrays import Floats
from tidemill.learn.gas.series import DAY_NS, GasSeries

Places = NDArray[np.int64]

LAGS = (1, 2, 3, 5, 10, 30, 60)
WINDOWS = (5, 15, 60)
PRICE_LAGS = (1, 5, 60)
LOOKBACK = 60
"""Steps before a step that its features need, the one of a day ago aside."""
NAMES = (
    *(f"gas_change_{lag}" for lag in LAGS),
    *(f"gas_over_mean_{window}" for window in WINDOWS),
    *(f"gas_spread_{window}" for window in WINDOWS),
    "next_base_fee_over_gas",
    "gas_a_day_before_change",
    "day_sin",
    "day_cos",
    "week_sin",
    "week_cos",
    *(f"price_change_{lag}" for lag in PRICE_LAGS),
    "volume_over_mean_60",
)
"""Columns, in order: changes are of logarithms, lags and windows in steps; what is not known is NaN."""
_ROWS_AT_ONCE = 65_536


class Examples(NamedTuple):
    """Steps of a series with what was known at each and what came of it."""

    places: Places
    """int64[n], ascending: which step of the series."""
    event_ns: NDArray[np.int64]
    """int64[n]: when that step begins."""
    features: Floats
    """float64[n, len(NAMES)]; nothing later than the step's own end is in it."""
    changes: Floats
    """float64[n]: the logarithm of the gas price `horizon_steps` later over that of the step."""
    gas_gwei: Floats
    """float64[n]: of the step."""


def examples_of(series: GasSeries, horizon_steps: int) -> Examples:
    """Return every step whose gas price is known, then and `horizon_steps` later."""
    gas = series.gas_gwei
    later = np.full(len(gas), np.nan)
    if horizon_steps < len(gas):
        later[:-horizon_steps] = gas[horizon_steps:]
    places = np.flatnonzero(np.isfinite(gas) & np.isfinite(later))
    return Examples(
        places=places,
        event_ns=series.begins_ns[places],
        features=features_at(series, places, horizon_steps),
        changes=np.log(later[places] / gas[places]),
        gas_gwei=gas[places],
    )


def features_at(series: GasSeries, places: Places, horizon_steps: int) -> Floats:
    """Return float64[len(places), len(NAMES)]: features of those steps, from them and earlier ones."""
    day = max(DAY_NS // series.step_ns, 1)
    before = max(LOOKBACK, day)
    gas, price, volume = (
        np.concatenate((np.full(before, np.nan), _log(column)))
        for column in (series.gas_gwei, series.price_usd, series.volume_usd)
    )
    out = np.empty((len(places), len(NAMES)))
    edges = [*range(0, len(places), _ROWS_AT_ONCE), len(places)]
    for begin, end in pairwise(edges):
        at = places[begin:end]
        known = _Known(at + before, gas, price, volume)
        fee = _log(series.next_base_fee_gwei[at]) - gas[known.at]
        # The same time a day before what is to be told; a horizon beyond a day would look ahead.
        ago = known.at + horizon_steps - day
        seasonal = gas[ago] - gas[known.at] if horizon_steps <= day else np.full(len(at), np.nan)
        columns = [*_of_gas(known), fee, seasonal]
        columns += [*_of_time(series.begins_ns[at]), *_of_market(known)]
        out[begin:end] = np.column_stack(columns)
    return out


class _Known(NamedTuple):
    at: Places
    gas: Floats
    price: Floats
    volume: Floats


def _of_gas(known: _Known) -> Iterator[Floats]:
    now = known.gas[known.at]
    for lag in LAGS:
        yield now - known.gas[known.at - lag]
    means_and_spreads = [_mean_and_spread(known.gas, known.at, window) for window in WINDOWS]
    for mean, _ in means_and_spreads:
        yield now - mean
    for _, spread in means_and_spreads:
        yield spread


def _of_time(begins_ns: NDArray[np.int64]) -> Iterator[Floats]:
    for period_ns in (DAY_NS, 7 * DAY_NS):
        angle = 2 * np.pi * (begins_ns % period_ns) / period_ns
        yield np.sin(angle)
        yield np.cos(angle)


def _of_market(known: _Known) -> Iterator[Floats]:
    for lag in PRICE_LAGS:
        yield known.price[known.at] - known.price[known.at - lag]
    mean, _ = _mean_and_spread(known.volume, known.at, 60)
    yield known.volume[known.at] - mean


def _mean_and_spread(logs: Floats, at: Places, window: int) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of what is known of the `window` steps that end with each of `at`.

    Each row is summed by itself, so that one row alone gives the same bits as it does among others.
    """
    rows = logs[at[:, None] - np.arange(window)]
    is_known = np.isfinite(rows)
    count = is_known.sum(axis=1)
    divisor = np.where(count > 0, count, np.nan)
    mean = np.where(is_known, rows, 0.0).sum(axis=1) / divisor
    squares = np.where(is_known, (rows - mean[:, None]) ** 2, 0.0).sum(axis=1) / divisor
    return mean, np.sqrt(squares)


def _log(values: Floats) -> Floats:
    """Return logarithms; NaN of what is absent or not positive, such as no volume."""
    return np.log(np.where(values > 0, values, np.nan))
