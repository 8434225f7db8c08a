"""What was learned of training rows, and in which order: further rows take the same steps from a file."""

from enum import StrEnum

import pyarrow as pa
from msgspec import Struct

from tidemill.core.arrow import pc
from tidemill.learn.arrays import Floats
from tidemill.learn.datasets.categories import Encoder, with_missing
from tidemill.learn.datasets.scaling import Scaler
from tidemill.schema.faults import Refused


class Step(StrEnum):
    """What is done to a table."""

    MARK_MISSING = "mark_missing"
    ENCODE = "encode"
    NORMALIZE = "normalize"


class Fitted(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The steps that a table took; all that is needed to take them again, as JSON."""

    train_size: float
    """The share of the rows that the steps learned from, the first."""
    embargo_rows: int = 0
    steps: tuple[Step, ...] = ()
    """In the order in which they were first taken."""
    marked: tuple[str, ...] = ()
    encoder: Encoder | None = None
    scaler: Scaler | None = None

    def transform(self, table: pa.Table) -> pa.Table:
        """Return a table after all steps. Raises: Refused, where a column is absent, or there is no step."""
        if not self.steps:
            raise Refused("transform: expected a table to have been normalised or encoded before, found none")
        for step in self.steps:
            table = self.take(step, table)
        return table

    def take(self, step: Step, table: pa.Table) -> pa.Table:
        """Return a table after one step. Raises: Refused, where a column is absent."""
        if step is Step.MARK_MISSING:
            return with_missing(table, list(self.marked))
        if step is Step.ENCODE and self.encoder is not None:
            return self.encoder.transform(table)
        if step is Step.NORMALIZE and self.scaler is not None:
            return _scaled(self.scaler, table)
        raise Refused(f"{step}: expected what it learned beside it, found nothing")


def floats(column: pa.ChunkedArray) -> Floats:
    """Return float64[n]; NaN where a value is absent."""
    return pc.cast(column, pa.float64(), safe=False).to_numpy()


def _scaled(scaler: Scaler, table: pa.Table) -> pa.Table:
    missing = [name for name in scaler.names if name not in table.column_names]
    if missing:
        raise Refused(f"transform: expected the normalised table's columns, {', '.join(missing)} are absent")
    for place, name in enumerate(scaler.names):
        scaled = scaler.transform_column(place, floats(table[name]))
        column = pa.array(scaled, from_pandas=True)  # NaN is absent
        table = table.set_column(table.column_names.index(name), name, column)
    return table
