"""Put the answer to a query into the form that its reader wants: a table, JSON lines, CSV or Arrow."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO

import pyarrow as pa

from tidemill.store.answer import column_names, readable, rows_of
from tidemill.store.coverage import METADATA_KEY


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
    for row in rows_of(table):  # Text: what a token calls itself must not be taken for markup
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
    rows.writerows(rows_of(table))
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
