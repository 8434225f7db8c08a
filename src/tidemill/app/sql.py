"""Put the answer to a query into the form that its reader wants: a table, JSON lines, CSV or Arrow."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa


def readable(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows with binary values as 0x…, wide integers in full digits, times in ISO 8601 with ns."""
    columns = {field.name: _values(table.column(field.name), _integer_type(field)) for field in table.schema}
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _integer_type(field: pa.Field) -> str:
    """Return the ClickHouse type of a wide integer, which Arrow has as bytes; empty for other columns."""
    spelled = (field.metadata or {}).get(b"clickhouse", b"").decode()
    found = re.search(r"\bU?Int(128|256)\b", spelled)
    return found[0] if found else ""


def _values(column: pa.ChunkedArray, integer_type: str) -> list[Any]:
    if integer_type:
        is_signed = integer_type.startswith("I")
        values = column.to_pylist()
        return [None if v is None else int.from_bytes(v, "little", signed=is_signed) for v in values]
    if pa.types.is_timestamp(column.type):
        return [None if value is None else _time(value) for value in column.cast(pa.int64()).to_pylist()]
    return [_value(value) for value in column.to_pylist()]


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list):
        return [_value(item) for item in value]
    return value


def _time(value_ns: int) -> str:
    seconds, rest_ns = divmod(value_ns, 1_000_000_000)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"


def write_table(table: pa.Table, out: BinaryIO) -> None:
    """Write the rows as a table for people."""
    from rich.console import Console
    from rich.table import Table

    text = io.TextIOWrapper(out, write_through=True)
    console = Console(file=text, width=None if out.isatty() else 100_000)
    shown = Table(*table.schema.names)
    for row in readable(table):
        shown.add_row(*("" if value is None else str(value) for value in row.values()))
    console.print(shown)
    text.detach()


def write_json(table: pa.Table, out: BinaryIO) -> None:
    """Write one JSON object a row; integers past 53 bits are strings, as other readers would round them."""
    for row in readable(table):
        out.write(
            json.dumps({name: _exact(value) for name, value in row.items()}, default=str).encode() + b"\n"
        )


def _exact(value: Any) -> Any:
    is_wide = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53
    return str(value) if is_wide else value


def write_csv(table: pa.Table, out: BinaryIO) -> None:
    """Write the rows as CSV with a header; what is absent is an empty field."""
    text = io.TextIOWrapper(out, newline="", write_through=True)
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(table.schema.names)
    rows.writerows(row.values() for row in readable(table))
    text.detach()


def write_arrow(table: pa.Table, out: BinaryIO) -> None:
    """Write an Arrow IPC stream."""
    with pa.ipc.new_stream(out, table.schema) as stream:
        stream.write_table(table)


FORMATS: dict[str, Callable[[pa.Table, BinaryIO], None]] = {
    "table": write_table,
    "json": write_json,
    "csv": write_csv,
    "arrow": write_arrow,
}
"""The forms by name."""


def chunks(table: pa.Table) -> Iterator[bytes]:
    """Yield the table as an Arrow IPC stream, a batch at a time."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        for batch in table.to_batches(max_chunksize=65_536):
            stream.write_batch(batch)
            yield sink.getvalue()
            sink.seek(0)
            sink.truncate()
    yield sink.getvalue()
