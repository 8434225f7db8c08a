"""How are events spelt in InfluxDB's line protocol: exactly, or not at all.

Source: docs.influxdata.com/influxdb/v2/reference/syntax/line-protocol.
"""

from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any, NamedTuple

import pyarrow as pa

from tidemill.core.clock import NS_PER_MS
from tidemill.schema import derive
from tidemill.schema.faults import Malformed
from tidemill.schema.types import NAME
from tidemill.store.plain import decimal_text

Value = str | int | float | Decimal | bytes | None
_INT64 = range(-(1 << 63), 1 << 63)
_ROWS_OF_A_MESSAGE = 1_024
_MEASUREMENT = str.maketrans({",": "\\,", " ": "\\ "})
_KEY = str.maketrans({",": "\\,", " ": "\\ ", "=": "\\="})
_TEXT = str.maketrans({"\\": "\\\\", '"': '\\"'})


class Lines(NamedTuple):
    """What a batch is in line protocol."""

    lines: list[bytes]
    """Each without its line end."""
    faults: list[Malformed]
    """One for each row that line protocol cannot carry."""


def lines_of(topic: str, batch: pa.RecordBatch) -> Lines:
    """Return a line for each row: names are tags, all else are fields, absent values are left out.

    A line of the same tags and time would replace another. Venues tell their times in whole ms, so the
    digits below are the number of the message and the row in it; the field `event_ns` has the time itself.
    """
    found = Lines([], [])
    tags, fields, time_ns = _layout(topic)
    for row in derive.to_rows(topic, batch):
        try:
            line = point(
                topic, {name: row[name] for name in tags}, {name: row[name] for name in fields}, time_ns(row)
            )
        except Malformed as fault:
            found.faults.append(fault)
        else:
            found.lines.append(line)
    return found


def point(
    measurement: str, tags: Mapping[str, str | None], fields: Mapping[str, Value], time_ns: int
) -> bytes:
    """Return one line. Raises: Malformed, where line protocol cannot carry a value, or there is no field."""
    head = [_named(measurement, _MEASUREMENT)]
    head += [f"{_named(name, _KEY)}={_named(value, _KEY)}" for name, value in tags.items() if value]
    values = [(name, _value(value)) for name, value in fields.items()]
    told = [f"{_named(name, _KEY)}={text}" for name, text in values if text is not None]
    if not told:
        raise Malformed(f"{measurement}: expected a field at least, found none")
    try:
        return f"{','.join(head)} {','.join(told)} {time_ns}".encode()
    except UnicodeEncodeError as error:
        raise Malformed(f"{measurement}: expected text that UTF-8 has: {error.reason}") from None


def _named(text: str, escapes: dict[int, str]) -> str:
    """Return a name or a tag's value.

    A backslash stands for itself, but at the end it would escape what follows, and nothing can prevent that.
    """
    if not text or text[-1] == "\\" or "\n" in text or (escapes is _MEASUREMENT and text[0] == "#"):
        raise Malformed(f"expected a name or tag that line protocol can carry, found {text[:80]!r}")
    return text.translate(escapes)


def _value(value: Value) -> str | None:
    match value:
        case None:
            return None
        case str():
            return f'"{value.translate(_TEXT)}"'
        case bytes():
            return f'"0x{value.hex()}"'
        case int():
            if value not in _INT64:
                raise Malformed(f"expected an integer of 64 bits, found {value}")
            return f"{value}i"
        case float():
            return repr(value) if isfinite(value) else None
        case Decimal():
            return decimal_text(value)


@cache
def _layout(topic: str) -> tuple[tuple[str, ...], tuple[str, ...], Callable[[dict[str, Any]], int]]:
    """Return which columns of a topic are tags, which are fields, and what a row's time is."""
    columns = derive.columns(topic)
    tags = tuple(column.name for column in columns if column.logical is NAME or column.name == "instrument")
    fields = tuple(column.name for column in columns if column.name not in tags)
    names = {column.name for column in columns}
    if "sequence" not in names:
        return tags, fields, lambda row: row["event_ns"] + row.get("log_index", 0)

    def numbered(row: dict[str, Any]) -> int:
        number = row["sequence"] * _ROWS_OF_A_MESSAGE + row.get("row", 0)
        return row["event_ns"] // NS_PER_MS * NS_PER_MS + number % NS_PER_MS

    return tags, fields, numbered
