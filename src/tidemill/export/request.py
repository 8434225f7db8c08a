"""What is asked of an export, and is it possible?"""

import datetime as dt
from typing import Annotated

from msgspec import Meta, Struct

from tidemill.core.clock import NS_PER_S
from tidemill.export.config import DEFAULT_TABLE
from tidemill.export.exporter import Exporter
from tidemill.export.registered import exporter_of
from tidemill.schema import derive
from tidemill.schema.faults import Refused
from tidemill.store.base import Finality
from tidemill.store.selecting import known_tag

DATE, HOUR = "date", "hour"
"""What rows may be parted by beside columns: the day, or the hour, of `event_ns` in UTC."""
_ROWS_A_FILE = 1_000_000
_DAY_S = 86_400
_PARTING_KINDS = frozenset({"Name", "U8", "U32", "U64", "I32"})
"""The logical types of few values."""


class ExportRequest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which rows are written, and how."""

    format: str
    table: str = DEFAULT_TABLE
    start_ns: int | None = None
    """The first time; None is the first that there is."""
    end_ns: int | None = None
    """The first time that is left out."""
    compression: str | None = None
    """None is the format's default."""
    partition_by: str | None = None
    """`date`, `hour` or a column of few values: each value becomes a folder `name=value`."""
    finality: Finality = "canonical"
    is_incremental: bool = False
    """Whether only those rows are written that the target lacks."""
    rows_a_file: Annotated[int, Meta(ge=1)] = _ROWS_A_FILE
    """About so many rows are in a file."""

    @property
    def packing(self) -> str:
        """The compression in force."""
        return self.compression or self.exporter.compressions[0]

    @property
    def exporter(self) -> Exporter:
        """The format."""
        return exporter_of(self.format)


def check_request(request: ExportRequest) -> None:
    """Raise Refused, naming what is not possible."""
    known_tag(request.table)
    allowed = exporter_of(request.format).compressions
    if request.compression not in {None, *allowed}:
        raise Refused(
            f"compression: expected one of {', '.join(allowed)} for {request.format},"
            f" found {request.compression!r}"
        )
    if request.partition_by not in {None, DATE, HOUR}:
        _check_parting(request.table, str(request.partition_by))
    if request.start_ns is not None and request.end_ns is not None and request.start_ns >= request.end_ns:
        raise Refused("end: expected a time after start")


def _check_parting(tag: str, name: str) -> None:
    fitting = [column.name for column in derive.columns(tag) if column.logical.name in _PARTING_KINDS]
    if name not in fitting:
        raise Refused(f"partition_by: expected {DATE}, {HOUR} or one of {', '.join(fitting)}, found {name!r}")


def begin_ns(text: str) -> int:
    """Return the time that a day or a moment in ISO 8601 begins at; UTC where it names no zone.

    Example:
        >>> begin_ns("1970-01-02"), begin_ns("1970-01-01T00:00:01+00:00")
        (86400000000000, 1000000000)

    Raises: Refused, where it is neither.
    """
    return _moment_s(text) * NS_PER_S


def end_ns(text: str) -> int:
    """Return the first time after a day; a moment is itself the first that is left out. Raises: Refused.

    Example:
        >>> end_ns("1970-01-01"), end_ns("1970-01-01T00:00:01Z")
        (86400000000000, 1000000000)
    """
    is_day = len(text) == len("1970-01-01")
    return (_moment_s(text) + (_DAY_S if is_day else 0)) * NS_PER_S


def _moment_s(text: str) -> int:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"date: expected a day such as 2024-01-31 or an ISO 8601 time, found {text!r}"
        ) from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).timestamp())
