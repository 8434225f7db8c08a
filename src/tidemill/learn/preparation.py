"""How is a table made ready for learning: by its training rows alone, and parted in time."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from tidemill.core.arrow import pc
from tidemill.learn.categories import Encoder, Encoding, fit_encoder, text_names, with_missing
from tidemill.learn.folds import Rows, parts_of
from tidemill.learn.gas_series import Floats
from tidemill.learn.scaling import Method, Scaler, fit_columns
from tidemill.schema.faults import Refused

CATEGORIES_MAX = 1_000
"""Of a column, unless more are allowed: above, it is rather a name of each row."""
TIME_COLUMN = "event_ns"
"""Says when a row happened; never scaled, and ascending where it is there."""


class Split(NamedTuple):
    """A table parted in time: of the type that was given."""

    train: Any
    val: Any
    test: Any


class DataPreparation:
    """Scales, encodes and parts tables, so that nothing of a later part is in an earlier one.

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
        self.encoder: Encoder | None = None
        """Of the last table that was encoded."""
        self._steps: dict[str, Callable[[pa.Table], pa.Table]] = {}

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
        names = _scaled_names(table, self.encoder.names() if self.encoder else ())
        train_rows = round(table.num_rows * self._train_size)
        if train_rows == 0:
            raise Refused(f"rows to fit on: expected one at least, found {table.num_rows} in all")
        # A column at a time: all of them together would take the memory of the table several times.
        columns = (_floats(table[name])[:train_rows] for name in names)
        self.scaler = fit_columns(columns, names, Method(method), handle_outliers=handle_outliers)
        self._fitted = (table.num_rows, train_rows)
        self._steps["normalize"] = self._scaled
        return _like(data, self._scaled(table))

    def encode(
        self,
        data: Any,
        columns: Sequence[str] | None = None,
        method: Encoding | str = Encoding.ONE_HOT,
        categories_max: int = CATEGORIES_MAX,
    ) -> Any:
        """Return the table with its categories as numbers, those of its training rows; all text by default.

        A category that only later rows have is none of them (`categories.Encoding`); an absent one stays so.

        Raises: Refused, where the method is none, a column is absent or has more than `categories_max`.
        """
        if method not in list(Encoding):
            raise Refused(f"method: expected one of {', '.join(Encoding)}, found {method!r}")
        table = _table(data)
        train_rows = round(table.num_rows * self._train_size)
        names = text_names(table) if columns is None else list(columns)
        training = table.slice(0, train_rows)
        self.encoder = fit_encoder(training, names, Encoding(method), most=categories_max)
        self._fitted = (table.num_rows, train_rows)
        self._steps["encode"] = self.encoder.transform
        return _like(data, self.encoder.transform(table))

    def mark_missing(self, data: Any, columns: Sequence[str] | None = None) -> Any:
        """Return the table with a column `NAME_is_missing` for each of these, or for each but the time.

        Raises: Refused, where a column is absent.
        """
        table = _table(data)
        names = (
            [name for name in table.column_names if name != TIME_COLUMN] if columns is None else [*columns]
        )

        def mark(one: pa.Table) -> pa.Table:
            return with_missing(one, names)

        self._steps["mark_missing"] = mark
        return _like(data, mark(table))

    def transform(self, data: Any) -> Any:
        """Return further rows after the same steps, in the order in which they were first taken.

        Raises: Refused, before any step.
        """
        if not self._steps:
            raise Refused("transform: expected a table to have been normalised or encoded before, found none")
        table = _table(data)
        for step in self._steps.values():
            table = step(table)
        return _like(data, table)

    def _scaled(self, table: pa.Table) -> pa.Table:
        assert self.scaler is not None
        missing = [name for name in self.scaler.names if name not in table.column_names]
        if missing:
            raise Refused(
                f"transform: expected the normalised table's columns, {', '.join(missing)} are absent"
            )
        for place, name in enumerate(self.scaler.names):
            scaled = self.scaler.transform_column(place, _floats(table[name]))
            column = pa.array(scaled, from_pandas=True)  # NaN is absent
            table = table.set_column(table.column_names.index(name), name, column)
        return table

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
        return Split(*(_like(data, _contiguous(table, rows)) for rows in parts))


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


def _scaled_names(table: pa.Table, coded: Sequence[str]) -> list[str]:
    names = [
        field.name
        for field in table.schema
        if field.name != TIME_COLUMN
        and field.name not in coded
        and (
            pa.types.is_floating(field.type)
            or pa.types.is_integer(field.type)
            or pa.types.is_decimal(field.type)
        )
    ]
    if not names:
        raise Refused(f"data: expected a column of numbers, found {', '.join(table.column_names) or 'none'}")
    return names


def _floats(column: pa.ChunkedArray) -> Floats:
    """Return float64[n]; NaN where a value is absent."""
    return pc.cast(column, pa.float64(), safe=False).to_numpy()


def _contiguous(table: pa.Table, rows: Rows) -> pa.Table:
    """Return rows that follow each other, without a copy."""
    return table.slice(int(rows[0]) if len(rows) else 0, len(rows))
