"""What is a format of an export: rows in, a whole file out."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
from typing_extensions import override

from tidemill._rust import export_rows
from tidemill.schema import derive
from tidemill.schema.derive import Column

NONE = "none"
"""The compression that is none."""
KIND_KEY = "tidemill.type"
"""Where an Arrow field says what its values are: the name of the logical type."""

_PIECE_ROWS = 2_048
"""Of the widest table 5 to 11 MB: enough for two cores at once."""
_STREAMED = {"gzip": ".gz", "zstd": ".zst", "lz4": ".lz4"}
"""What whole files are compressed with, and how they are then called."""


class Rows:
    """Rows of one event in batches of its Arrow schema; they can be gone through once."""

    def __init__(self, tag: str, batches: Iterable[pa.RecordBatch]) -> None:
        self.tag = tag
        self.columns: tuple[Column, ...] = derive.columns(tag)
        self.schema = annotated_schema(tag)
        self._batches = batches

    @property
    def kinds(self) -> list[str]:
        """The name of each column's logical type."""
        return [column.logical.name for column in self.columns]

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            yield pa.RecordBatch.from_arrays(batch.columns, schema=self.schema)

    def pieces(self, form: Literal["csv", "json_lines", "json_items", "tfrecord"]) -> Iterator[bytes]:
        """Yield the rows in a form that `export_rows` knows, some megabyte at a time."""
        for batch in self:
            for first in range(0, batch.num_rows, _PIECE_ROWS):
                yield from export_rows(batch.slice(first, _PIECE_ROWS), self.kinds, form)

    def tables(self, rows: int) -> Iterator[pa.Table]:
        """Yield the rows in tables of so many, the last one of fewer."""
        held: list[pa.RecordBatch] = []
        count = 0
        for batch in self._batches:  # a table says of its columns what they are made of
            at = 0
            while at < batch.num_rows:
                piece = batch.slice(at, rows - count)
                held.append(piece)
                at, count = at + piece.num_rows, count + piece.num_rows
                if count == rows:
                    yield pa.Table.from_batches(held, schema=self.schema)
                    held, count = [], 0
        if count:
            yield pa.Table.from_batches(held, schema=self.schema)


def annotated_schema(tag: str) -> pa.Schema:
    """Return the Arrow schema of the event `tag`, whose fields say what they are made of."""
    named = zip(derive.arrow_schema(tag), derive.columns(tag), strict=True)
    fields = [
        field.with_metadata(
            {KIND_KEY: column.logical.name}
            | ({"tidemill.unit": column.logical.unit} if column.logical.unit else {})
        )
        for field, column in named
    ]
    return pa.schema(fields, metadata={"tidemill.table": tag})


class Exporter:
    """One format. Override `export`, which makes bytes; or `write`, where the format wants a file."""

    suffix: ClassVar[str] = ""
    """What names of files end with."""
    compressions: ClassVar[tuple[str, ...]] = (NONE, *_STREAMED)
    """What the format allows; the first is the default."""
    batches_ahead: ClassVar[int] = 2
    """How many batches are read while one is written: with one alone, what reads waits for what writes.
    Each is some 5 MB of the widest table.
    """
    kept_as: ClassVar[Mapping[str, str]] = {}
    """How values are kept that the format has no type for, by logical type; the manifest repeats it."""

    def export(self, data: Rows) -> bytes | Iterable[bytes]:
        """Return the file's bytes, at once or in pieces."""
        raise NotImplementedError(f"{type(self).__name__} has neither `export` nor `write`")

    def write(self, data: Rows, path: Path, compression: str) -> None:
        """Write the file."""
        made = self.export(data)
        pieces = [made] if isinstance(made, bytes) else made
        with pa.OSFile(str(path), "wb") as file:
            if compression == NONE:
                _write_all(pieces, file)
            else:
                with pa.CompressedOutputStream(file, compression) as packed:
                    _write_all(pieces, packed)

    def only_appends(self) -> bool:
        """Say whether `write` never goes back in the file, so that its digest may be made beside it."""
        return type(self).write is Exporter.write

    def file_suffix(self, compression: str) -> str:
        """Return what the name of a file of that compression ends with."""
        return self.suffix + _STREAMED.get(compression, "")


class FileExporter(Exporter):
    """A format that compresses inside of the file."""

    @override
    def file_suffix(self, compression: str) -> str:
        return self.suffix


def _write_all(pieces: Iterable[bytes], file: Any) -> None:
    """Write, while the next piece is made beside it."""
    making = iter(pieces)
    with ThreadPoolExecutor(1, "export-ahead") as ahead:
        coming = ahead.submit(next, making, None)
        while (piece := coming.result()) is not None:
            coming = ahead.submit(next, making, None)
            file.write(piece)
