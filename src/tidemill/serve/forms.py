"""In which form are events sent: JSON, lines of JSON, CSV or an Arrow stream; each exact."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from tidemill.schema import derive
from tidemill.schema.derive import Column
from tidemill.schema.faults import Refused
from tidemill.schema.types import NANOS
from tidemill.store.plain import decimal_text

JSON = "application/json"
NDJSON = "application/x-ndjson"
CSV = "text/csv"
ARROW = "application/vnd.apache.arrow.stream"
_CSV_SPECIAL = re.compile(r"[,\"\r\n]")


class Rows(NamedTuple):
    """Some events of one kind, and where the next ones begin."""

    tag: str
    table: pa.Table
    next: str | None
    """The cursor; None where there are no more."""


def json_schema(tag: str) -> dict[str, Any]:
    """Return the JSON Schema of a page of events in JSON; an event has the fields that were asked for."""
    event = dict(derive.json_schema(tag))
    event.pop("$schema")
    event["required"] = []
    return {
        "type": "object",
        "properties": {"events": {"type": "array", "items": event}, "next": {"type": ["string", "null"]}},
        "required": ["events", "next"],
        "additionalProperties": False,
    }


def plain_rows(tag: str, table: pa.Table | pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows as `derive.json_schema` has them: wide integers and decimals as text, bytes as 0x…."""
    columns = {column.name: column for column in derive.columns(tag)}
    names = table.schema.names
    values = [_plain(columns[name], table.column(name)) for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*values, strict=True)]


def _plain(column: Column, array: Any) -> list[Any]:
    logical = column.logical
    if logical is NANOS:
        return array.cast(pa.int64()).to_pylist()
    values = array.to_pylist()
    if pa.types.is_decimal(logical.arrow):
        return [None if value is None else decimal_text(value) for value in values]
    if not logical.byte_width:
        return values
    if logical.name in {"Hash", "Address"}:
        return [None if value is None else f"0x{value.hex()}" for value in values]
    is_signed = logical.is_signed
    return [
        None if value is None else str(int.from_bytes(value, "little", signed=is_signed)) for value in values
    ]


def _json(rows: Rows) -> bytes:
    return msgspec.json.encode({"events": plain_rows(rows.tag, rows.table), "next": rows.next})


def _ndjson(rows: Rows) -> bytes:
    return msgspec.json.Encoder().encode_lines(plain_rows(rows.tag, rows.table))


def _csv(rows: Rows) -> bytes:
    values = (row.values() for row in plain_rows(rows.tag, rows.table))
    return csv_bytes(rows.table.schema.names, values)


def csv_bytes(names: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Return rows as CSV with a line of names; what is absent is an empty field, empty text is `""`."""
    return "".join(",".join(map(_csv_field, row)) + "\n" for row in chain([names], rows)).encode()


def _csv_field(value: Any) -> str:
    # The csv module leaves a carriage return unquoted, and writes empty text like what is absent.
    if value is None:
        return ""
    text = str(value)
    return text if text and not _CSV_SPECIAL.search(text) else '"' + text.replace('"', '""') + '"'


def _arrow(rows: Rows) -> bytes:
    return table_bytes(rows.table)


def table_bytes(table: pa.Table) -> bytes:
    """Return a table as an Arrow IPC stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue().to_pybytes()


FORMS: dict[str, Callable[[Rows], bytes]] = {JSON: _json, NDJSON: _ndjson, CSV: _csv, ARROW: _arrow}


def wanted_form(accept: str, known: Sequence[str] = tuple(FORMS)) -> str:
    """Return the form that the header `Accept` likes best of `known`; the first where it has none.

    Raises: Refused, where it accepts none of them.
    """
    if not accept.strip():
        return known[0]
    best: tuple[float, str] | None = None
    for part in accept.split(","):
        name, *parameters = (word.strip() for word in part.split(";"))
        weight = next((_weight(one[2:]) for one in parameters if one.startswith("q=")), 1.0)
        kind = name.partition("/")[0]
        fits = [one for one in known if name.lower() in {one, "*/*"} or name == f"{one.partition('/')[0]}/*"]
        if fits and kind and weight > 0 and (best is None or weight > best[0]):
            best = (weight, fits[0])
    if best is None:
        raise Refused(f"Accept: expected one of {', '.join(known)}, found {accept[:200]!r}")
    return best[1]


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
