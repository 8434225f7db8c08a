"""How is a table made ready for learning: by its training rows alone, and parted in time."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import pyarrow as pa

from tidemill.learn.datasets.categories import Encoder, Encoding, fit_encoder, text_names
from tidemill.learn.datasets.fitted import Fitted, Step, floats
from tidemill.learn.datasets.folds import Rows, parts_of
from tidemill.learn.datasets.scaling import Method, Scaler, fit_columns
from tidemill.learn.json_files import read_json, to_json, write_file
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
        self.fitted = Fitted(train_size=train_size, embargo_rows=embargo_rows)
        """What was learned so far, and the steps that were taken."""
        self._fitted_rows: tuple[int, int] | None = None

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Return the preparation that a file holds. Raises: Malformed, where it holds none; OSError."""
        fitted = read_json(Path(path), Fitted)
        made = cls(fitted.train_size, fitted.embargo_rows)
        made.fitted = fitted
        return made

    def save(self, path: Path | str) -> Path:
        """Write all that is needed to take further rows through the same steps, as JSON. Raises: OSError."""
        return write_file(Path(path), to_json(self.fitted))

    @property
    def scaler(self) -> Scaler | None:
        """Of the last table that was normalised: what brings further rows to the same scale."""
        return self.fitted.scaler

    @property
    def encoder(self) -> Encoder | None:
        """Of the last table that was encoded."""
        return self.fitted.encoder

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
        train_rows = self._train_rows(table)
        if train_rows == 0:
            raise Refused(f"rows to fit on: expected one at least, found {table.num_rows} in all")
        # A column at a time: all of them together would take the memory of the table several times.
        columns = (floats(table[name])[:train_rows] for name in names)
        scaler = fit_columns(columns, names, Method(method), handle_outliers=handle_outliers)
        return _like(data, self._taken(Step.NORMALIZE, table, scaler=scaler))

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
        names = text_names(table) if columns is None else list(columns)
        training = table.slice(0, self._train_rows(table))
        encoder = fit_encoder(training, names, Encoding(method), most=categories_max)
        return _like(data, self._taken(Step.ENCODE, table, encoder=encoder))

    def mark_missing(self, data: Any, columns: Sequence[str] | None = None) -> Any:
        """Return the table with a column `NAME_is_missing` for each of these, or for each but the time.

        Raises: Refused, where a column is absent.
        """
        table = _table(data)
        names = (
            [name for name in table.column_names if name != TIME_COLUMN] if columns is None else [*columns]
        )
        return _like(data, self._taken(Step.MARK_MISSING, table, marked=tuple(names)))

    def transform(self, data: Any) -> Any:
        """Return further rows after the same steps, in the order in which they were first taken.

        Raises: Refused, before any step.
        """
        return _like(data, self.fitted.transform(_table(data)))

    def _train_rows(self, table: pa.Table) -> int:
        return round(table.num_rows * self.fitted.train_size)

    def _taken(self, step: Step, table: pa.Table, **learned: Any) -> pa.Table:
        """Return the table after a step that learned this; a step taken again replaces what it was."""
        steps = self.fitted.steps if step in self.fitted.steps else (*self.fitted.steps, step)
        self.fitted = msgspec.structs.replace(self.fitted, steps=steps, **learned)
        if step is not Step.MARK_MISSING:  # which learns nothing
            self._fitted_rows = (table.num_rows, self._train_rows(table))
        return self.fitted.take(step, table)

    def split_temporal(
        self, data: Any, train_size: float = 0.7, val_size: float = 0.15, test_size: float = 0.15
    ) -> Split:
        """Return the table's parts, each later than the one before, the embargo left out in between.

        Raises: Refused, where sizes do not make 1, a part is empty, rows are not in the order of time, or the
        table was normalised by rows that are not all in the training part.
        """
        table = _table(data)
        parts = parts_of(table.num_rows, (train_size, val_size, test_size), self.fitted.embargo_rows)
        if self._fitted_rows is not None:
            rows, fitted = self._fitted_rows
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


def _contiguous(table: pa.Table, rows: Rows) -> pa.Table:
    """Return rows that follow each other, without a copy."""
    return table.slice(int(rows[0]) if len(rows) else 0, len(rows))
