"""Rows of every event that try a format: extremes, what text formats must quote, and what is absent."""

from decimal import Decimal

import pyarrow as pa

from tidemill.schema import derive

_TEXTS = [
    "plain",
    "",
    'a,"b"',
    "line\nend\r\n",
    "tail\0",
    "ü€😀",
    "null",
    "NaN",
    " spaced ",
    "\\N",
    "\x01\t",
    "0",
]
_VALUES = {
    "Nanos": [0, 1, 1_767_225_600_123_456_789, (1 << 63) - 1],
    "U8": [0, 255, 7],
    "U32": [0, (1 << 32) - 1, 7],
    "U64": [0, (1 << 64) - 1, (1 << 53) + 1],
    "I32": [0, -(1 << 31), (1 << 31) - 1],
    "F64": [0.1, -0.0, float("nan"), float("inf"), -float("inf"), 1e300, 5e-324, 1e16, -123456.789],
    "U128": [0, (1 << 128) - 1, 10**30],
    "U256": [0, (1 << 256) - 1, 1 << 128, 10**30],
    "I256": [0, -1, -(1 << 255), (1 << 255) - 1, -(10**30)],
    "Hash": [bytes(32), b"\xff" * 32, bytes(range(32))],
    "Address": [bytes(20), b"\xff" * 20, bytes(range(20))],
    "Name": _TEXTS,
    "Text": [*_TEXTS, "x" * 3_000],
    "Fixed18": [
        Decimal(text) for text in ("0", "-0.000000000000000001", "0.5", "99999999999999999999", "-12.340")
    ],
}


def batches_of(tag: str, rows: int = 40, rows_a_batch: int = 16) -> list[pa.RecordBatch]:
    """Return rows in which each column takes all of its values, and each third optional one is absent."""
    schema = derive.arrow_schema(tag)
    arrays = []
    for place, (column, field) in enumerate(zip(derive.columns(tag), schema, strict=True)):
        values = column.choices or _VALUES[column.logical.name]
        made = [
            None
            if column.is_optional and (row + place) % 3 == 0
            else _kept(column, values[row % len(values)])
            for row in range(rows)
        ]
        arrays.append(pa.array(made, field.type))
    return pa.Table.from_arrays(arrays, schema=schema).to_batches(max_chunksize=rows_a_batch)


def _kept(column, value):
    width = column.logical.byte_width
    if isinstance(value, int) and width:
        return value.to_bytes(width, "little", signed=column.logical.is_signed)
    return value


def rows_of(tag: str, batches: list[pa.RecordBatch]) -> list[dict]:
    """Return rows as Python has them; wide integers as `int`, times in ns."""
    return derive.to_rows(tag, pa.Table.from_batches(batches, schema=derive.arrow_schema(tag)))


def comparable(rows: list[dict]) -> list[dict]:
    """Return rows of which equal ones are equal: a NaN is, and zeros have a sign."""
    return [
        {name: repr(value) if isinstance(value, float) else value for name, value in row.items()}
        for row in rows
    ]
