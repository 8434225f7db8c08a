"""Turn an event into the schema of each layer: Arrow, ClickHouse, JSON Schema; a pure function each."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
from msgspec import Struct
from msgspec import inspect as mi

from tidemill.schema.events import EVENTS
from tidemill.schema.types import CHOICE, NANOS, Logical


class Column(NamedTuple):
    """One field of an event, as the layers see it."""

    name: str
    logical: Logical
    is_optional: bool
    choices: tuple[str, ...] = ()
    """The allowed values of an enum field."""


@cache
def columns(tag: str) -> tuple[Column, ...]:
    """Return the columns of the event `tag`, in the order of its fields.

    Raises: TypeError, where a field is made of something other than a logical type or an enum.
    """
    return tuple(_columns(EVENTS[tag]))


def _columns(event: type[Struct]) -> Iterator[Column]:
    for field in msgspec.structs.fields(event):
        spelled = mi.type_info(field.type)
        options = spelled.types if isinstance(spelled, mi.UnionType) else (spelled,)
        present = [option for option in options if not isinstance(option, mi.NoneType)]
        is_optional = len(options) > len(present)
        match present:
            case [mi.Metadata(extra={"logical": Logical() as logical})]:
                yield Column(field.name, logical, is_optional)
            case [mi.EnumType(cls=choice)]:
                yield Column(field.name, CHOICE, is_optional, tuple(str(value) for value in choice))
            case _:
                raise TypeError(f"{event.__name__}.{field.name}: use a type of tidemill.schema.types")


def identity(tag: str) -> tuple[str, ...]:
    """Return the names of the fields whose values together never repeat."""
    names: tuple[str, ...] = EVENTS[tag].IDENTITY  # pyright: ignore[reportAttributeAccessIssue] every event has one, a test checks it
    return names


def order(tag: str) -> tuple[str, ...]:
    """Return the names of the fields that rows are stored in the order of."""
    names: tuple[str, ...] = EVENTS[tag].ORDER  # pyright: ignore[reportAttributeAccessIssue] every event has one, a test checks it
    return names


def has_block(tag: str) -> bool:
    """Say whether rows of `tag` belong to a block, and so can be reverted with it.

    Where the block is optional, rows without one are never reverted.
    """
    return tag != "reorg" and any(column.name == "block_hash" for column in columns(tag))


def is_block_optional(tag: str) -> bool:
    """Say whether some rows of `tag` belong to no block."""
    return any(column.name == "block_hash" and column.is_optional for column in columns(tag))


# --- Arrow


@cache
def arrow_schema(tag: str) -> pa.Schema:
    """Return the Arrow schema of the event `tag`."""
    return pa.schema([pa.field(c.name, c.logical.arrow, nullable=c.is_optional) for c in columns(tag)])


def to_batch(events: Sequence[Struct]) -> pa.RecordBatch:
    """Return `events`, all of one kind, as one batch; for the few, the bulk is built in Rust.

    Raises: ValueError, where there are none.
    """
    if not events:
        raise ValueError("expected at least one event")
    tag = str(events[0].__struct_config__.tag)
    fields = columns(tag)
    if len(events) >= _MANY:
        values = zip(*map(msgspec.structs.astuple, events), strict=True)
        arrays = [
            pa.array(_values(c.logical, of_all), c.logical.arrow)
            for c, of_all in zip(fields, values, strict=True)
        ]
        return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(tag))
    rows = [{c.name: _to_arrow(c.logical, getattr(event, c.name)) for c in fields} for event in events]
    # one conversion of whole rows: for one row twice as fast as one for each column
    return pa.RecordBatch.from_struct_array(pa.array(rows, _row_type(tag)))


_MANY = 8
"""From so many rows on, one conversion of each column is faster."""


def _values(logical: Logical, values: Sequence[Any]) -> Sequence[Any]:
    width, is_signed = logical.byte_width, logical.is_signed
    if not width:
        return values
    return [
        one.to_bytes(width, "little", signed=is_signed) if isinstance(one, int) else one for one in values
    ]


@cache
def _row_type(tag: str) -> pa.StructType:
    return pa.struct(list(arrow_schema(tag)))


def _to_arrow(logical: Logical, value: Any) -> Any:
    if isinstance(value, int) and logical.byte_width:
        return value.to_bytes(logical.byte_width, "little", signed=logical.is_signed)
    return value


def to_rows(tag: str, table: pa.Table | pa.RecordBatch) -> list[dict[str, Any]]:
    """Return the rows with wide integers as `int` and bytes as `bytes`; times as ns."""
    out: dict[str, list[Any]] = {}
    names = set(table.schema.names)
    for column in columns(tag):
        if column.name not in names:
            continue
        array = table.column(column.name)
        if column.logical is NANOS:  # a view of a batch's column takes a tenth of a cast
            array = array.view(pa.int64()) if isinstance(array, pa.Array) else array.cast(pa.int64())
        values = array.to_pylist()
        out[column.name] = [_from_arrow(column.logical, value) for value in values]
    return [dict(zip(out, row, strict=True)) for row in zip(*out.values(), strict=True)]


def _from_arrow(logical: Logical, value: Any) -> Any:
    if isinstance(value, bytes) and logical.json.get("pattern") == "^-?[0-9]+$":
        return int.from_bytes(value, "little", signed=logical.is_signed)
    return value


# --- ClickHouse


def clickhouse_type(column: Column) -> str:
    """Return the column's ClickHouse type."""
    spelled = column.logical.clickhouse
    if not column.is_optional:
        return spelled
    if spelled.startswith("LowCardinality("):  # ClickHouse refuses Nullable around it
        return f"LowCardinality(Nullable({spelled.removeprefix('LowCardinality(')})"
    return f"Nullable({spelled})"


def clickhouse_columns(tag: str) -> tuple[tuple[str, str], ...]:
    """Return name and definition of every stored column, then of the readable twins of the binary ones.

    A hash or address `x` has an alias column `x_hex`, computed when read, that prints as 0x….
    """
    stored = [(column.name, clickhouse_type(column)) for column in columns(tag)]
    readable = [
        (
            f"{c.name}_hex",
            f"{'Nullable(String)' if c.is_optional else 'String'} ALIAS concat('0x', lower(hex({c.name})))",
        )
        for c in columns(tag)
        if c.logical.name in {"Hash", "Address"}
    ]
    return (*stored, *readable)


# --- JSON Schema


def json_schema(tag: str) -> dict[str, object]:
    """Return the JSON Schema (2020-12) of the event `tag` as text formats carry it."""
    properties: dict[str, object] = {}
    for column in columns(tag):
        spelled: dict[str, object] = dict(column.logical.json)
        if column.choices:
            spelled["enum"] = [*column.choices, None] if column.is_optional else list(column.choices)
        if column.is_optional:
            spelled["type"] = [spelled["type"], "null"]
        if column.logical.unit:
            spelled["description"] = column.logical.unit
        properties[column.name] = spelled
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": tag,
        "description": (EVENTS[tag].__doc__ or "").strip(),
        "type": "object",
        "properties": properties,
        "required": [column.name for column in columns(tag) if not column.is_optional],
        "additionalProperties": False,
    }
