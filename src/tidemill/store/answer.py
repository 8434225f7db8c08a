"""How are the rows of an answer to any statement read: exact, and as JSON has them."""

import datetime as dt
import re
from collections.abc import Iterator
from itertools import count
from typing import Any

import pyarrow as pa

_UNITS_NS = {"s": 1_000_000_000, "ms": 1_000_000, "us": 1_000, "ns": 1}


def readable(table: pa.Table) -> list[dict[str, Any]]:
    """Return the rows with binary values as 0x…, wide integers in full digits, times in ISO 8601 with ns.

    Of columns with the same name the later ones are called `name_2`, `name_3` and so on.
    """
    names = column_names(table)
    return [dict(zip(names, row, strict=True)) for row in rows_of(table)]


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


def rows_of(table: pa.Table) -> Iterator[tuple[Any, ...]]:
    """Yield the rows' values as `readable` has them."""
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
        unit_ns = _UNITS_NS[column.type.unit]
        times = column.cast(pa.int64()).to_pylist()
        return [None if value is None else _time(value * unit_ns) for value in times]
    if pa.types.is_nested(column.type):  # times among them: pyarrow needs pandas for those of nanoseconds
        return [_value(_readable(scalar)) for scalar in column]
    try:
        return [_value(value) for value in column.to_pylist()]
    except UnicodeDecodeError:  # the engine's strings are bytes, and a contract may say anything
        return [_value(_readable(scalar)) for scalar in column]


def _readable(scalar: Any) -> Any:
    """Return a scalar's value, with bytes in the place of text that is none, and times as text."""
    if not scalar.is_valid:
        return None
    if isinstance(scalar, pa.TimestampScalar):
        return _time(scalar.value * _UNITS_NS[scalar.type.unit])
    if isinstance(scalar, pa.StructScalar):
        return {name: _readable(item) for name, item in scalar.items()}
    if isinstance(scalar, pa.MapScalar):
        return [[_readable(item) for item in pair.values()] for pair in scalar.values]
    if isinstance(scalar, pa.ListScalar):
        return [_readable(item) for item in scalar.values]
    try:
        return scalar.as_py()
    except UnicodeDecodeError:
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
