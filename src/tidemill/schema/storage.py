"""What can an event say of how its rows are kept in ClickHouse, beside its fields and their order?

An event's class may have PROJECTIONS, a tuple of `Projection`; STATISTICS, one `Statistics`; and ALSO_NAMED,
the `database.name` of a view of its canonical rows, where ALSO_NAMED_COLUMNS gives columns other names too.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from msgspec import Struct


class Projection(NamedTuple):
    """An index: where the rows are, in the order of other columns than the table's."""

    name: str
    columns: tuple[str, ...]


class Measured(StrEnum):
    """What a measure says of some rows."""

    ROWS = "rows"
    """How many there are."""
    PRESENT = "present"
    """How many have the column's value."""
    POSITIVE = "positive"
    """In how many the column is above zero."""
    SUM = "sum"
    """The column's sum over the rows that have it."""
    MAXIMUM = "maximum"
    """The column's largest value; absent where none has it."""


class Measure(NamedTuple):
    """One figure of some rows; figures of parts are put together to the figure of the whole."""

    name: str
    measured: Measured
    column: str | None = None
    """None of `ROWS` alone."""


class Statistics(NamedTuple):
    """Figures that the engine keeps of each block's rows as they come, to be put together.

    The event has a block: a block that is reverted counts no longer. The first measure is `ROWS`.
    """

    by: tuple[str, ...]
    """Columns whose values are told apart."""
    measures: tuple[Measure, ...]


def projections(event: type[Struct]) -> tuple[Projection, ...]:
    """Return the event's projections."""
    return getattr(event, "PROJECTIONS", ())


def statistics(event: type[Struct]) -> Statistics | None:
    """Return the event's statistics."""
    return getattr(event, "STATISTICS", None)


def also_named(event: type[Struct]) -> tuple[str, Mapping[str, str]] | None:
    """Return the other name of the event's canonical rows, and its own names for columns, with theirs."""
    name: str | None = getattr(event, "ALSO_NAMED", None)
    return None if name is None else (name, getattr(event, "ALSO_NAMED_COLUMNS", {}))
