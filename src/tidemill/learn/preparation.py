"""How is a table made ready for learning: scaled by its training rows alone, and parted in time."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tidemill.core.arrow import pc
from tidemill.learn.folds import parts_of
from tidemill.learn.gas_series import Floats
from tidemill.learn.scaling import Method, Scaler, fit_scaler
from tidemill.schema.faults import Refused

TIME_COLUMN = "event_ns"
"""Says when a row happened; never scaled, and ascending where it is there."""


class Split(NamedTuple):
    """A table parted in time: of the type that was given."""

    train: Any
    val: Any
    test: Any


class DataPreparation:
    """Scales tables and parts them, so that nothing of a later part is in an earlier one.

    A table is a PyArrow table, a pandas or Polars frame, or float64[n, columns], in the order of time.
    PyArrow tables, NumPy arrays and pandas frames come back as such, others as PyArrow tables.
    """

    def __init__(self, train_size: float = 0.7, embargo_rows: int = 0) -> None:
        """Take the first `train_size` of rows for the training part; leave out `embargo_rows` after a part.

        Raises: Refused, where that is no share.
        """
        if not 0 < train_size <= 1:
            raise Refused(f"train_size: expected more than 0 and 1 at most, found {train_size}")
        self._train_size, self._embargo_rows = train_size, embargo_rows
        self._fitted: tuple[int, int] | None = None
        self.scaler: Scaler | None = None
        """Of the last table that was normalised: what brings further rows to the same scale."""

    def normalize(
        self, data: Any, method: Method | str = Method.STANDARD, handle_outliers: bool = False
    ) -> Any:
        """Return the table with its numbers scaled by its training rows; absent values stay absent.

        With `handle_outliers`, values far off the training rows' median are cut (`scaling.CUT_DEVIATIONS`).

        Raises: Refused, where the method is none, a number infinite, or rows are not in the order of time.
        """
        if method not in list(Method):
            raise Refused(f"method: expected one of {', '.join(Method)}, found {method!r}")
        table = _table(data)
        names = _scaled_names(table)
        rows = _floats(table, names)
        train_rows = round(len(rows) * self._train_size)
        self.scaler = fit_scaler(rows[:train_rows], names, Method(method), handle_outliers=handle_outliers)
        self._fitted = (len(rows), train_rows)
        return _like(data, _with_columns(table, names, self.scaler.transform(rows)))

    def transform(self, data: Any) -> Any:
        """Return further rows scaled as the last normalised table was. Raises: Refused, before any."""
        if self.scaler is None:
            raise Refused("transform: expected a table to have been normalised before, found none")
        table = _table(data)
        missing = [name for name in self.scaler.names if name not in table.column_names]
        if missing:
            raise Refused(
                f"transform: expected the normalised table's columns, {', '.join(missing)} are absent"
            )
        names = self.scaler.names
        return _like(data, _with_columns(table, names, self.scaler.transform(_floats(table, names))))

    def split_temporal(
        self, data: Any, train_size: float = 0.7, val_size: float = 0.15, test_size: float = 0.15
    ) -> Split:
        """Return the table's parts, each later than the one before, the embargo left out in between.

        Raises: Refused, where sizes do not make 1, a part is empty, rows are not in the order of time, or the
        table was normalised by rows that are not all in the training part.
        """
        table = _table(data)
        parts = parts_of(table.num_rows, (train_size, val_size, test_size), self._embargo_rows)
        if self._fitted is not None:
            rows, fitted = self._fitted
            if rows == table.num_rows and fitted > len(parts.train):
                raise Refused(
                    f"train_size: expected the {fitted} rows the scale was made of in the training part, "
                    f"found {len(parts.train)}; give DataPreparation(train_size={train_size})"
                )
        return Split(*(_like(data, table.take(pa.array(rows))) for rows in parts))


def _table(data: Any) -> pa.Table:
    """Return the data as a table in the order of time. Raises: Refused."""
    if isinstance(data, np.ndarray):
        if data.ndim != 2:
            raise Refused(f"data: expected rows and columns, found shape {data.shape}")
        table = pa.table({str(at): column for at, column in enumerate(data.T)})
    else:
        table = data if isinstance(data, pa.Table) else pa.table(data)
    if TIME_COLUMN in table.column_names:
        times = table[TIME_COLUMN].cast(pa.int64()).to_numpy()
        if np.any(np.diff(times) < 0):
            raise Refused(f"{TIME_COLUMN}: expected rows in the order of time, found one that goes back")
    return table


def _like(data: Any, table: pa.Table) -> Any:
    if isinstance(data, np.ndarray):
        return np.column_stack([column.to_numpy() for column in table.columns])
    return table.to_pandas() if type(data).__module__.startswith("pandas") else table


def _scaled_names(table: pa.Table) -> list[str]:
    names = [
        field.name
        for field in table.schema
        if field.name != TIME_COLUMN
        and (
            pa.types.is_floating(field.type)
            or pa.types.is_integer(field.type)
            or pa.types.is_decimal(field.type)
        )
    ]
    if not names:
        raise Refused(f"data: expected a column of numbers, found {', '.join(table.column_names) or 'none'}")
    return names


def _floats(table: pa.Table, names: list[str]) -> Floats:
    """Return float64[n, names]; NaN where a value is absent."""
    columns = [pc.cast(table[name], pa.float64(), safe=False).to_numpy() for name in names]
    return np.column_stack(columns)


def _with_columns(table: pa.Table, names: list[str], rows: Floats) -> pa.Table:
    for name, column in zip(names, rows.T, strict=True):
        values = pa.array(column, from_pandas=True)  # NaN is absent
        table = table.set_column(table.column_names.index(name), name, values)
    return table
