"""HDF5: a group named after the table, with a dataset for each column.

Beside a column `x` there may be `_present/x`, false where the value is absent, and `_length/x`, the bytes of
a text that ends with NUL, which a fixed width would lose; each only where some value needs it.
"""

from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pyarrow as pa
from typing_extensions import override

from tidemill.core.arrow import pc
from tidemill.export.exporter import NONE, FileExporter, Rows
from tidemill.schema.derive import Column
from tidemill.schema.faults import Refused

_CHUNK_ROWS = 8_192
_WRITE_ROWS = _CHUNK_ROWS
"""A chunk each time, which is handed to the library as it is."""
_ROOM_ROWS = 32 * _CHUNK_ROWS
"""So much a dataset grows at once: it is cut to its length at the end."""
_CACHE_BYTES = 1 << 16
"""Of each column: one chunk of doubles. The library's own 1 MB would be 300 MB for the widest table."""
_WIDTH_MIN, _WIDTH_MAX = 8, 65_536
_AS_STORED = -1
_WORDS = "uint64[rows, {}], the least significant word first"


class Hdf5Exporter(FileExporter):
    """Datasets of one fixed type each: text of a column is as wide as its longest."""

    suffix = ".h5"
    compressions = (NONE, "gzip", "lzf")
    kept_as = {  # noqa: RUF012 a Mapping
        "Nanos": "int64, ns since 1970-01-01 UTC",
        "U128": _WORDS.format(2),
        "U256": _WORDS.format(4),
        "I256": f"{_WORDS.format(4)}, two's complement",
        "Hash": "uint8[rows, 32]",
        "Address": "uint8[rows, 20]",
        "Fixed18": f"10^-18: {_WORDS.format(2)}, two's complement",
        "Name": "UTF-8 of fixed width",
        "Text": "UTF-8 of fixed width",
    }

    @override
    def write(self, data: Rows, path: Path, compression: str) -> None:
        packing = None if compression == NONE else compression
        with h5py.File(path, "w", libver="latest", rdcc_nbytes=_CACHE_BYTES) as file:
            group = file.create_group(data.tag)
            columns = [_Written(group, column, packing) for column in data.columns]
            for table in data.tables(_WRITE_ROWS):
                for place, column in enumerate(columns):
                    # one after another: all of them together would be in memory twice
                    column.append(table.column(place).combine_chunks())
            for column in columns:
                column.finish()


class _Growing:
    """A dataset that is written from its begin to its end."""

    def __init__(self, dataset: h5py.Dataset) -> None:
        self.dataset = dataset
        self._room = dataset.shape[0]

    def put(self, first: int, values: np.ndarray) -> None:
        """Write values from row `first` on, where a chunk begins."""
        end = first + len(values)
        if end > self._room:
            self._room = end + _ROOM_ROWS
            self.dataset.resize(self._room, axis=0)
        if self.dataset.compression is None and len(values) == _CHUNK_ROWS:
            # spares what the library does for each slice
            place = (first, *(0 for _ in values.shape[1:]))
            self.dataset.id.write_direct_chunk(place, np.ascontiguousarray(values, self.dataset.dtype))
        else:
            self.dataset[first:end] = values

    def finish(self, rows: int) -> None:
        """Make it `rows` long."""
        self.dataset.resize(rows, axis=0)


class _Written:
    """One column's datasets, as long as the rows that were written."""

    def __init__(self, group: h5py.Group, column: Column, packing: str | None) -> None:
        self._group = group
        self._column = column
        self._packing = packing
        self._rows = 0
        self._is_bytes = column.logical.name in ("Hash", "Address")
        self._is_text = pa.types.is_string(column.logical.arrow)
        if self._is_text:
            main = self._made(column.name, _text_type(_WIDTH_MIN))
        else:
            empty = self._numbers(pa.array([], column.logical.arrow))
            main = self._made(column.name, empty.dtype, empty.shape[1:])
        main.attrs["type"] = column.logical.name
        main.attrs["unit"] = column.logical.unit
        self._main = _Growing(main)
        self._beside: dict[str, _Growing] = {}

    def append(self, array: pa.Array) -> None:
        """Write more values."""
        if self._is_text:
            self._append_texts(array.fill_null("").dictionary_encode())
        else:
            self._main.put(self._rows, self._numbers(array))
        if array.null_count:
            self._put_beside("_present", array.is_valid().to_numpy(zero_copy_only=False), fill=True)
        self._rows += len(array)

    def finish(self) -> None:
        """Make all datasets as long as what was written."""
        for one in (self._main, *self._beside.values()):
            one.finish(self._rows)

    def _put_beside(self, name: str, values: np.ndarray, *, fill: Any) -> None:
        if name not in self._beside:
            self._beside[name] = _Growing(self._made(f"{name}/{self._column.name}", values.dtype, fill=fill))
        self._beside[name].put(self._rows, values)

    def _made(
        self, name: str, kind: np.dtype, shape: tuple[int, ...] = (), *, fill: Any = None
    ) -> h5py.Dataset:
        return self._group.create_dataset(
            name,
            shape=(0, *shape),
            maxshape=(None, *shape),
            chunks=(_CHUNK_ROWS, *shape),
            dtype=kind,
            fillvalue=fill,
            compression=self._packing,
            shuffle=self._packing is not None,
        )

    def _append_texts(self, texts: pa.DictionaryArray) -> None:
        """Write texts in a fixed width: what they need is looked for in each different one once."""
        words = texts.dictionary.cast(pa.binary())
        lengths = pc.binary_length(words)
        widest = pc.max(lengths).as_py() or 0
        if widest > self._main.dataset.dtype.itemsize:
            self._widen(widest)
        numbers = texts.indices.to_numpy(zero_copy_only=False)
        fixed = np.array(words.to_pylist() or [b""], self._main.dataset.dtype)
        self._main.put(self._rows, fixed.take(numbers))
        if (ends := pc.ends_with(words, b"\0")).true_count:
            told = pc.if_else(ends, lengths, _AS_STORED).to_numpy(zero_copy_only=False)
            self._put_beside("_length", told.take(numbers), fill=_AS_STORED)

    def _numbers(self, array: pa.Array) -> np.ndarray:
        """Return numbers as they are, wide integers and decimals in words, other bytes as such."""
        kind = array.type
        if pa.types.is_fixed_size_binary(kind) or pa.types.is_decimal(kind):
            return _octets(array, kind.byte_width).view(np.uint8 if self._is_bytes else np.uint64)
        if pa.types.is_timestamp(kind):
            array = array.cast(pa.int64())
        return array.fill_null(0).to_numpy(zero_copy_only=False)

    def _widen(self, widest: int) -> None:
        """Copy what is written into a dataset of wider text."""
        if widest > _WIDTH_MAX:
            raise Refused(
                f"hdf5: expected texts of {_WIDTH_MAX} bytes at most, for a column is as wide as its longest,"
                f" found {widest} in {self._column.name}; choose another format"
            )
        width = 1 << (widest - 1).bit_length()
        wider = self._made(f"_wider/{self._column.name}", _text_type(width))
        written = self._main.dataset
        wider.resize(self._rows, axis=0)
        for first in range(0, self._rows, _WRITE_ROWS):
            end = min(first + _WRITE_ROWS, self._rows)
            wider[first:end] = written[first:end].astype(wider.dtype)
        wider.attrs.update(written.attrs)
        del self._group[self._column.name]
        self._group.move(wider.name, self._column.name)
        del self._group["_wider"]
        self._main = _Growing(cast(h5py.Dataset, self._group[self._column.name]))


def _text_type(width: int) -> np.dtype:
    return h5py.string_dtype("utf-8", width)


def _octets(array: pa.Array, width: int) -> np.ndarray:
    """Return uint8[rows, width], the memory of the array itself."""
    held = array.buffers()[1]
    first, end = array.offset * width, (array.offset + len(array)) * width
    octets = np.empty(0, np.uint8) if held is None else np.frombuffer(held, np.uint8)[first:end]
    return octets.reshape(-1, width)


EXPORTER = Hdf5Exporter()
