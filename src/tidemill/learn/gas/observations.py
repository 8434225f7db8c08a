"""Read gas prices, and prices and volumes beside them, from CSV files."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pv
from pyarrow.lib import ArrowInvalid

from tidemill.chains.evm.base_fee import next_base_fee_wei
from tidemill.core.arrow import pc
from tidemill.learn.arrays import Floats, Times
from tidemill.learn.gas.series import GasSeries, Told, series_of
from tidemill.schema.faults import Malformed, Refused

TIME_NAMES = ("event_ns", "timestamp", "block_timestamp", "time", "")
"""Columns that may say when: a time in UTC, or an integer: of ns in the first, of seconds in others."""
GAS_NAMES = ("gas_gwei", "gas_price", "base_fee_gwei")
PRICE_NAMES = ("price_usd", "WETH", "close")
VOLUME_NAMES = ("volume_usd", "volume")
_NS_PER_S = 1_000_000_000
_WEI_PER_GWEI = 1_000_000_000


def read_series(files: Sequence[Path], samples: int | None = None) -> GasSeries:
    """Return the series that CSV files, gzipped ones too, tell together; its last `samples` gas prices only.

    Raises: Malformed, where a file is none; Refused, where no file or more than one tells gas prices.
    """
    tables = [(file, _read(file)) for file in files]
    gas = [(file, table) for file, table in tables if _name(table, GAS_NAMES)]
    if len(gas) != 1:
        raise Refused(f"files: expected one with gas prices ({', '.join(GAS_NAMES)}), found {len(gas)}")
    file, table = gas[0]
    told = _told(file, table, GAS_NAMES)
    assert told is not None  # it has one of the names
    kept = np.argsort(told.event_ns, kind="stable")[-samples:] if samples else np.arange(len(told.event_ns))
    fees = _next_base_fees(file, table)
    return series_of(
        Told(told.event_ns[kept], told.values[kept]),
        None if fees is None else Told(told.event_ns, fees),
        _first(tables, PRICE_NAMES),
        _first(tables, VOLUME_NAMES),
    )


def _first(tables: list[tuple[Path, pa.Table]], names: tuple[str, ...]) -> Told | None:
    found = (_told(file, table, names) for file, table in tables)
    return next((told for told in found if told is not None), None)


def _read(file: Path) -> pa.Table:
    try:
        return pv.read_csv(file)
    except FileNotFoundError:
        raise Refused(f"{file}: expected a CSV file, found none") from None
    except (ArrowInvalid, OSError) as fault:
        raise Malformed(f"{file}: expected a CSV file: {fault}") from None


def _told(file: Path, table: pa.Table, names: tuple[str, ...]) -> Told | None:
    name = _name(table, names)
    return None if name is None else Told(_times(file, table), _floats(file, table, name))


def _name(table: pa.Table, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in table.column_names), None)


def _times(file: Path, table: pa.Table) -> Times:
    name = _name(table, TIME_NAMES)
    if name is None:
        raise Malformed(f"{file}: expected a column of times ({', '.join(TIME_NAMES[:-1])}), found none")
    column = table[name]
    if column.null_count:
        raise Malformed(f"{file}: {name}: expected a time in every row, {column.null_count} have none")
    try:
        if pa.types.is_timestamp(column.type):
            return column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()).to_numpy()
        if pa.types.is_integer(column.type):
            unit_ns = 1 if name == "event_ns" else _NS_PER_S
            return pc.multiply_checked(column.cast(pa.int64()), unit_ns).to_numpy()
    except ArrowInvalid as fault:
        raise Malformed(f"{file}: {name}: expected times that 64 bits of ns hold: {fault}") from None
    raise Malformed(f"{file}: {name}: expected times or integers, found {column.type}")


def _floats(file: Path, table: pa.Table, name: str) -> Floats:
    try:
        return table[name].cast(pa.float64()).to_numpy()
    except ArrowInvalid as fault:
        raise Malformed(f"{file}: {name}: expected numbers: {fault}") from None


def _next_base_fees(file: Path, table: pa.Table) -> Floats | None:
    """Return the next base fee of every row, in gwei, where the file tells what it follows from; else NaN."""
    names = ("base_fee_gwei", "gas_used", "gas_limit")
    if not set(names) <= set(table.column_names):
        return None
    rows = zip(*(_floats(file, table, name) for name in names), strict=True)
    return np.array(
        [
            next_base_fee_wei(round(fee * _WEI_PER_GWEI), int(used), int(most)) / _WEI_PER_GWEI
            if np.isfinite([fee, used, most]).all()
            else np.nan
            for fee, used, most in rows
        ]
    )
