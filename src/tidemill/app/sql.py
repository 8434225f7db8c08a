"""Put the answer to a query into the form that its reader wants: a table, JSON lines, CSV or Arrow."""

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any, BinaryIO

import pyarrow as pa

from tidemill.store.coverage import METADATA_KEY


def readable(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows with binary values as 0x…, wide integers in full digits, times in ISO 8601 with ns.

    Of columns with the same name the later ones are called `name_2`, `name_3` and so on.
    """
    names = column_names(table)
    return [dict(zip(names, row, strict=True)) for row in _rows(table)]


def column_names(table: pa.Table) -> list[str]:
    """Return the columns' names, each once."""
    taken, numbers = set(table.schema.names), dict[str, Iterator[int]]()
    names: list[str] = []
    for name in table.schema.names:
        if name not in numbers:
            numbers[name] = count(2)
            names.append(name)
        else:
            names.append(next(free for number in numbers[name] if (free := f"{name}_{number}") not in taken))
            taken.add(names[-1])
    return names


def _rows(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    columns = [
        _values(column, _integer_type(field))
        for field, column in zip(table.schema, table.columns, strict=True)
    ]
    return zip(*columns, strict=True)


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
    try:
        return [_value(value) for value in column.to_pylist()]
    except UnicodeDecodeError:  # the engine's strings are bytes, and a contract may say anything
        return [_value(_readable(scalar)) for scalar in column]


def _readable(scalar: Any) -> Any:
    """Return a scalar's value, with bytes in the place of text that is none."""
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
        if isinstance(scalar, pa.StructScalar):
            return {name: _readable(item) for name, item in scalar.items()}
        if isinstance(scalar, pa.ListScalar):  # a map is one too
            return [_readable(item) for item in scalar.values]
        return scalar.as_buffer().to_pybytes()


def _value(value: Any) -> Any:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    if isinstance(value, list | tuple):
        return [_value(item) for item in value]
    if isinstance(value, dict):
        return {name: _value(item) for name, item in value.items()}
    return value


def _time(value_ns: int) -> str:
    seconds, rest_ns = divmod(value_ns, 1_000_000_000)
    return f"{dt.datetime.fromtimestamp(seconds, dt.UTC):%Y-%m-%dT%H:%M:%S}.{rest_ns:09d}Z"


def write_table(table: pa.Table, out: BinaryIO) -> None:
    """Write the rows as a table for people."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    text = io.TextIOWrapper(out, write_through=True)
    console = Console(file=text, width=None if out.isatty() else 100_000)
    shown = Table()
    for name in table.schema.names:
        shown.add_column(Text(printable(name, kept="\n\t")))
    for row in _rows(table):  # Text: what a token calls itself must not be taken for markup
        shown.add_row(*(Text("" if value is None else printable(str(value), kept="\n\t")) for value in row))
    console.print(shown)
    text.detach()


def printable(text: str, *, kept: str = "") -> str:
    """Return `text` with what would steer a terminal spelled out, but for the characters `kept`."""
    return "".join(char if char.isprintable() or char in kept else ascii(char)[1:-1] for char in text)


def write_json(table: pa.Table, out: BinaryIO) -> None:
    """Write one JSON object a row; integers past 53 bits are strings, as other readers would round them."""
    for row in readable(table):
        out.write(
            json.dumps({name: exact(value) for name, value in row.items()}, default=str).encode() + b"\n"
        )


def write_coverage(told: list[dict[str, Any]], out: BinaryIO) -> None:
    """Write what the rows cover, as one JSON line before theirs."""
    out.write(json.dumps({METADATA_KEY: told}).encode() + b"\n")


def exact(value: Any) -> Any:
    """Return an integer past 53 bits as text, and any other value as it is."""
    is_wide = isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 53
    return str(value) if is_wide else value


def write_csv(table: pa.Table, out: BinaryIO) -> None:
    """Write the rows as CSV with a header; what is absent is an empty field."""
    text = io.TextIOWrapper(out, newline="", write_through=True)
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(column_names(table))
    rows.writerows(_rows(table))
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
