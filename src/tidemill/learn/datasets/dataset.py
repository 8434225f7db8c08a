"""What is a dataset: rows of one table with what came of each, and the recipe that makes them again."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, NamedTuple

import numpy as np
import pyarrow as pa
from msgspec import Meta, Struct

from tidemill.core.arrow import pc
from tidemill.learn.arrays import Floats, Times
from tidemill.learn.datasets.categories import Encoding
from tidemill.learn.datasets.fitted import Fitted
from tidemill.learn.datasets.folds import Rows, WalkForward, parts_of
from tidemill.learn.datasets.labels import formula_of
from tidemill.learn.datasets.preparation import TIME_COLUMN as TIME
from tidemill.learn.datasets.preparation import DataPreparation
from tidemill.learn.datasets.scaling import Method
from tidemill.schema import ddl, derive
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused

PARTS = ("train", "val", "test")
_NUMBER = re.compile(r"\b(U?Int|Float|Decimal)\d*")


class Label(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What came later: a formula of a column's value at the row and after the horizon."""

    column: str
    formula: str = "log_change"
    """One of `labels.FORMULAS`."""
    horizon_ns: Annotated[int, Meta(ge=1)]
    """The first row at least so much later counts."""
    by: str | None = None
    """Rows with the same value here belong together, such as those of a pool; all rows where absent."""


class Preparing(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is done to the columns, in this order; each step learns of the training part alone."""

    mark_missing: bool = False
    encode: Encoding | None = None
    normalize: Method | None = None
    handle_outliers: bool = False


class Recipe(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is read of the store or of an export, and what is made of it."""

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
    embargo_ns: Annotated[int, Meta(ge=0)] = 0
    """Rows so soon after the part before them are in none."""
    folds: Annotated[int, Meta(ge=0, le=1_000)] = 0
    """Walk-forward tests of the later half; 0 for none."""
    preparing: Preparing = Preparing()


class Description(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A dataset that was made: its recipe, and what its file is known by."""

    recipe: Recipe
    rows: int
    parts: dict[str, int]
    sha256: str
    fitted: Fitted | None = None
    """What the preparation learned of the training part; `DataPreparation` takes further rows through it."""


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
    if TIME in recipe.columns or len({*recipe.columns}) < len(recipe.columns):
        raise Refused(
            f"columns: expected each once, and no {TIME}, which every row has, "
            f"found {', '.join(recipe.columns)}"
        )
    if label and not _NUMBER.search(types[label.column]):
        raise Refused(f"label: expected a column of numbers, {label.column} is {types[label.column]}")
    if label:
        formula_of(label.formula)
    if recipe.folds and (recipe.preparing.encode or recipe.preparing.normalize):
        raise Refused(
            "folds: expected columns as they are, each fold scales by its own training rows "
            "(learn.datasets.transformer.ColumnScaler), found encode or normalize"
        )
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

    A row is in a part only if what came of it was known before the next part begins; else in none. With
    folds, `fold` is the one that tests a row (from 1).

    Raises: Refused, where there are too few rows.
    """
    table = pa.table({name: _plain(rows[name]) for name in rows.column_names})
    times = table["at_ns"].to_numpy()
    names = [name for name in table.column_names if not name.startswith("label_")]
    columns = {TIME if name == "at_ns" else name.removeprefix("x_"): table[name] for name in names}
    known_ns = times
    if recipe.label is not None:
        came = outcomes(times, table["label_now"].to_numpy(), table["label_by"], recipe.label)
        known_ns = came.label_ns
        columns["label"] = pa.array(came.labels, from_pandas=True)
        columns["label_ns"] = pa.array(came.label_ns, mask=came.label_ns < 0)
    columns["part"] = pa.array(list(_parts(times, known_ns, recipe)), pa.string())
    if recipe.folds:
        columns["fold"] = _folds(len(times), recipe.folds)
    return pa.table(columns)


def prepared(recipe: Recipe, table: pa.Table) -> tuple[pa.Table, Fitted | None]:
    """Return the dataset with its columns prepared, and what was learned of its training part.

    Raises: Refused, where a column has too many categories, or none is a number that could be scaled.
    """
    steps = recipe.preparing
    preparation = DataPreparation(recipe.shares[0])
    columns = table.select([TIME, *recipe.columns])
    if steps.mark_missing:
        columns = preparation.mark_missing(columns)
    if steps.encode is not None:
        columns = preparation.encode(columns, method=steps.encode)
    if steps.normalize is not None:
        columns = preparation.normalize(columns, steps.normalize, steps.handle_outliers)
    if not preparation.fitted.steps:
        return table, None
    first = table.column_names.index(recipe.columns[0])
    after = table.column_names[first + len(recipe.columns) :]
    parts = (table.select(table.column_names[:first]), columns.drop_columns([TIME]), table.select(after))
    made = {name: _plain(part[name]) for part in parts for name in part.column_names}
    return pa.table(made), preparation.fitted


def fold_rows(table: pa.Table, fold: int, embargo_ns: int = 0) -> tuple[Rows, Rows]:
    """Return a dataset's rows to train on and those to test for a fold, from 1.

    A row is trained on whose label was known so long before the first that is tested.

    Raises: Refused, where the dataset has no such fold.
    """
    if "fold" not in table.column_names or not pc.any(pc.equal(table["fold"], fold)).as_py():
        raise Refused(f"fold: expected one of the dataset's, it has no {fold}")
    tested = _where(pc.equal(table["fold"], fold))
    begin_ns = table[TIME][int(tested[0])].as_py() - embargo_ns
    known_ns = table["label_ns"] if "label_ns" in table.column_names else table[TIME]
    return _where(pc.less(known_ns, begin_ns)), tested


def outcomes(times: Times, values: Floats, groups: pa.ChunkedArray, label: Label) -> Outcomes:
    """Return what came of each row in its group, of rows in the order of time."""
    of = formula_of(label.formula).of
    labels, label_ns = np.full(len(times), np.nan), np.full(len(times), -1, dtype=np.int64)
    codes = groups.combine_chunks().dictionary_encode().indices.fill_null(-1).to_numpy()
    ordered = np.argsort(codes, kind="stable")
    for rows in np.split(ordered, np.flatnonzero(np.diff(codes[ordered])) + 1):
        if len(rows) == 0 or codes[rows[0]] < 0:  # what belongs to no group has no later row
            continue
        later = np.searchsorted(times[rows], times[rows] + label.horizon_ns, side="left")
        has_later = later < len(rows)
        here, there = rows[has_later], rows[later[has_later]]
        with np.errstate(divide="ignore", invalid="ignore"):  # what cannot be said of a value is absent
            said = of(values[here], values[there])
        is_known = np.isfinite(said)
        labels[here[is_known]] = said[is_known]
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


def _parts(times: Times, known_ns: Times, recipe: Recipe) -> Iterator[str | None]:
    train, val, test = parts_of(len(times), recipe.shares, 0)
    ends = [int(times[part[0]]) if len(part) else None for part in (val, test)]
    val_ns = ends[0] if ends[0] is not None else ends[1]
    bounds: list[tuple[int, Any]] = [
        (0, val_ns),
        (0 if ends[0] is None else ends[0] + recipe.embargo_ns, ends[1]),
        (0 if ends[1] is None else ends[1] + recipe.embargo_ns, None),
    ]
    for part, rows, (begin, end) in zip(PARTS, (train, val, test), bounds, strict=True):
        for at in rows:
            is_inside = times[at] >= begin and known_ns[at] >= 0 and (end is None or known_ns[at] < end)
            yield part if is_inside else None


def _where(mask: pa.ChunkedArray) -> Rows:
    return np.flatnonzero(mask.fill_null(False).to_numpy()).astype(np.int64)


def _folds(count: int, folds: int) -> pa.Array:
    tests = np.zeros(count, dtype=np.int32)
    for number, (_, tested) in enumerate(WalkForward(folds).split(range(count)), 1):
        tests[tested] = number
    return pa.array(tests, mask=tests == 0)
