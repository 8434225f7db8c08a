"""What is a dataset: rows of one table with what came of each, and the recipe that makes them again."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Meta, Struct

from tidemill.learn.folds import parts_of
from tidemill.learn.gas_series import Floats, Times
from tidemill.schema import ddl, derive
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused

TIME = "event_ns"
PARTS = ("train", "val", "test")
_NUMBER = re.compile(r"\b(U?Int|Float|Decimal)\d*")


class Label(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came later: the logarithm of a column's value then over its value at the row."""

    column: str
    horizon_ns: Annotated[int, Meta(ge=1)]
    """The first row at least so much later counts."""
    by: str | None = None
    """Rows with the same value here belong together, such as those of a pool; all rows where absent."""


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is read of the store, and what is made of it."""

    format: int = 1
    table: str
    columns: tuple[str, ...]
    """Numbers come as float64; NULL stays NULL."""
    start_ns: Annotated[int, Meta(ge=0)]
    end_ns: Annotated[int, Meta(ge=0)]
    """Rows before this."""
    label: Label | None = None
    shares: tuple[float, float, float] = (0.7, 0.15, 0.15)
    """Of rows, for training, choosing and testing, in the order of time."""


class Description(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dataset that was made: its recipe, and what its file is known by."""

    recipe: Recipe
    rows: int
    parts: dict[str, int]
    sha256: str


class Outcomes(NamedTuple):
    """What came of rows, float64[n] and int64[n]; NaN and -1 where nothing did in the range."""

    labels: Floats
    label_ns: Times


def statement(recipe: Recipe) -> str:
    """Return the SQL of a recipe's rows, in the order of time and identity. Raises: Refused."""
    if recipe.table not in EVENTS:
        raise Refused(f"table: expected one of {', '.join(EVENTS)}, found {recipe.table!r}")
    types = dict(derive.clickhouse_columns(recipe.table))
    label = recipe.label
    named = {*recipe.columns, *((label.column, label.by) if label else ())} - {None}
    unknown = sorted(str(name) for name in named if name not in types)
    if unknown:
        raise Refused(f"columns: expected columns of {recipe.table}, it has no {', '.join(unknown)}")
    if label and not _NUMBER.search(types[label.column]):
        raise Refused(f"label: expected a column of numbers, {label.column} is {types[label.column]}")
    view = recipe.table + (ddl.CANONICAL_SUFFIX if derive.has_block(recipe.table) else "")
    identity = derive.identity(recipe.table)
    wanted = [f"toUnixTimestamp64Nano({TIME}) AS at_ns", *(f"{name} AS id_{name}" for name in identity)]
    wanted += [f"{_read(name, types[name])} AS x_{name}" for name in recipe.columns]
    if label:
        wanted.append(f"toFloat64({label.column}) AS label_now")
        wanted.append(f"{f'toString({label.by})' if label.by else chr(39) * 2} AS label_by")
    order = ", ".join((TIME, *identity))
    return (
        f"SELECT {', '.join(wanted)} FROM {view} WHERE {TIME} >= fromUnixTimestamp64Nano({recipe.start_ns}) "  # noqa: S608 names of ours
        f"AND {TIME} < fromUnixTimestamp64Nano({recipe.end_ns}) ORDER BY {order}"
    )


def made(recipe: Recipe, rows: pa.Table) -> pa.Table:
    """Return the dataset: the time, the rows' identity, the columns, their part, the label and its time.

    A row is in a part only if what came of it was known before the next part begins; else in none.

    Raises: Refused, where there are too few rows.
    """
    table = pa.table({name: _plain(rows[name]) for name in rows.column_names})
    times = table["at_ns"].to_numpy()
    names = [name for name in table.column_names if not name.startswith("label_")]
    columns = {TIME if name == "at_ns" else name.removeprefix("x_"): table[name] for name in names}
    known_ns = times
    if recipe.label is not None:
        came = outcomes(times, table["label_now"].to_numpy(), table["label_by"], recipe.label.horizon_ns)
        known_ns = came.label_ns
        columns["label"] = pa.array(came.labels, from_pandas=True)
        columns["label_ns"] = pa.array(came.label_ns, mask=came.label_ns < 0)
    columns["part"] = pa.array(list(_parts(times, known_ns, recipe.shares)), pa.string())
    return pa.table(columns)


def outcomes(times: Times, values: Floats, groups: pa.ChunkedArray, horizon_ns: int) -> Outcomes:
    """Return what came of each row in its group, of rows in the order of time."""
    labels, label_ns = np.full(len(times), np.nan), np.full(len(times), -1, dtype=np.int64)
    codes = groups.combine_chunks().dictionary_encode().indices.to_numpy()
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        later = np.searchsorted(times[rows], times[rows] + horizon_ns, side="left")
        has_later = later < len(rows)
        here, there = rows[has_later], rows[later[has_later]]
        is_known = (values[here] > 0) & (values[there] > 0)
        labels[here[is_known]] = np.log(values[there[is_known]] / values[here[is_known]])
        label_ns[here[is_known]] = times[there[is_known]]
    return Outcomes(labels, label_ns)


def content(table: pa.Table) -> bytes:
    """Return the dataset as an Arrow IPC file: the same rows give the same bytes."""
    out = pa.BufferOutputStream()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return out.getvalue().to_pybytes()


def difference(kept: pa.Table, rebuilt: pa.Table) -> str | None:
    """Return the first thing in which two datasets differ; None where they are the same."""
    if kept.schema != rebuilt.schema:
        return f"expected the columns {rebuilt.schema.names}, the file has {kept.schema.names}"
    if kept.num_rows != rebuilt.num_rows:
        return f"expected {rebuilt.num_rows} rows as the store has them, the file has {kept.num_rows}"
    for name in kept.column_names:
        for at, (one, other) in enumerate(
            zip(kept[name].to_pylist(), rebuilt[name].to_pylist(), strict=True)
        ):
            if one != other:
                return f"row {at}, {name}: expected {other!r} as the store has it, the file has {one!r}"
    return None


def _read(name: str, spelled: str) -> str:
    return f"toFloat64({name})" if _NUMBER.search(spelled) else f"toString({name})"


def _plain(column: pa.ChunkedArray) -> pa.Array:
    array = column.combine_chunks()
    array = array.dictionary_decode() if pa.types.is_dictionary(array.type) else array
    return array.cast(pa.float64()) if pa.types.is_floating(array.type) else array


def _parts(times: Times, known_ns: Times, shares: tuple[float, float, float]) -> Iterator[str | None]:
    train, val, test = parts_of(len(times), shares, 0)
    ends = [int(times[part[0]]) if len(part) else None for part in (val, test)]
    val_ns = ends[0] if ends[0] is not None else ends[1]
    bounds: list[tuple[int, Any]] = [
        (0, val_ns),
        (0 if ends[0] is None else ends[0], ends[1]),
        (ends[1] or 0, None),
    ]
    for part, rows, (begin, end) in zip(PARTS, (train, val, test), bounds, strict=True):
        for at in rows:
            is_inside = times[at] >= begin and known_ns[at] >= 0 and (end is None or known_ns[at] < end)
            yield part if is_inside else None
