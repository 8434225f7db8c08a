"""Write the query of a time range: names checked against the schema, values bound, never spliced."""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import NamedTuple

import pyarrow as pa

from tidemill.schema import ddl, derive, storage
from tidemill.schema.derive import Column
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused
from tidemill.schema.types import ADDRESS, HASH, NANOS
from tidemill.store.base import Condition, Finality, Page, Value
from tidemill.store.reverted import RevertedBlock

_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in")
VALUES_MAX = 2_500
"""So many are bound in one query: what stands for them fits a form's field, 128 KiB of a server."""
_NEAR = "INTERVAL 10 MINUTE"
"""A page is looked for within so long first: of few parts something is read at all."""
_EDGE = "fromUnixTimestamp64Nano({edge:Int64}, 'UTC')"
_BY_INDEX = {"optimize_read_in_order": "0"}
"""Where rows are read in their table's order, the engine passes over the indexes that say where they are."""


class Edge(NamedTuple):
    """How the parameter `edge` of a query is found, the time of the last row wanted."""

    questions: tuple[str, ...]
    """Asked until one finds enough rows."""
    limit: int
    """So many are wanted."""
    farthest_ns: int
    """The edge that leaves nothing out."""


class Query(NamedTuple):
    """A statement and its bound parameters."""

    sql: str
    params: dict[str, str]
    settings: Mapping[str, str] | None = None
    """What the engine is told beside, as it spells it."""
    edge: Edge | None = None


class TimeRange(NamedTuple):
    """From `start_ns` on, up to and without `end_ns`; without an end where that is None."""

    start_ns: int
    end_ns: int | None


def known_tag(tag: str) -> str:
    """Return `tag`. Raises: Refused, where there is no such event."""
    if tag not in EVENTS:
        raise Refused(f"event: expected one of {', '.join(EVENTS)}, found {tag!r}")
    return tag


def select_query(
    tag: str,
    during: TimeRange,
    names: Sequence[str] | None,
    where: Sequence[Condition],
    *,
    finality: Finality,
    newest: int | None,
    reverted: Sequence[RevertedBlock] | None = None,
) -> Query:
    """Return the query of `Store.select`; the newest first, where it is of the newest.

    `reverted` are the blocks that are not canonical, where it is known.

    Raises: Refused, where a name or a value does not fit the schema.
    """
    by_name = {column.name: column for column in derive.columns(known_tag(tag))}
    wanted = [_known(tag, by_name, name).name for name in (by_name if names is None else names)]
    if not wanted:
        raise Refused(f"{tag}: expected at least one column")
    if newest is not None and newest < 1:
        raise Refused(f"{tag}: expected one row or more of the newest, found {newest}")
    binder = _Binder()
    ends = [] if during.end_ns is None else [binder.value(by_name["event_ns"], during.end_ns)]
    tests = [
        f"event_ns >= {binder.value(by_name['event_ns'], during.start_ns)}",
        *(f"event_ns < {end}" for end in ends),
        *(_test(tag, by_name, condition, binder) for condition in where),
    ]
    table = _table(tag, finality, tests, reverted)
    keys = dict.fromkeys(("event_ns", *derive.order(tag)))
    shown, test = ", ".join(wanted), " AND ".join(tests)
    # Every spliced name is one of the schema's.
    if newest is None:
        rows = f"SELECT {shown} FROM {table} WHERE {test} ORDER BY {', '.join(keys)}"  # noqa: S608
        return Query(rows, binder.params)
    test, edge = _edged(tag, table, test, ends, int(newest), newest_first=True)
    # Not turned around by the engine: to look through all columns once more takes it as long as to read them.
    downwards = ", ".join(f"{key} DESC" for key in keys)
    rows = f"SELECT {shown} FROM {table} WHERE {test} ORDER BY {downwards} LIMIT {int(newest)}"  # noqa: S608
    return Query(rows, binder.params, edge=edge)


def page_keys(tag: str) -> tuple[str, ...]:
    """Return the columns that pages of `tag` are in the order of; their values together never repeat."""
    keys = ("event_ns", *derive.order(known_tag(tag)), *derive.identity(tag))
    return tuple(dict.fromkeys(keys))


def page_query(tag: str, page: Page, reverted: Sequence[RevertedBlock] | None = None) -> Query:
    """Return the query of `Store.page`; `reverted` are the blocks that are not canonical, where it is known.

    Raises: Refused, where a name or a value does not fit the schema.
    """
    by_name = {column.name: column for column in derive.columns(known_tag(tag))}
    keys = [by_name[name] for name in page_keys(tag)]
    wanted = [_known(tag, by_name, name).name for name in (by_name if page.columns is None else page.columns)]
    if page.limit < 1:
        raise Refused(f"{tag}: expected a page of one row or more, found {page.limit}")
    binder = _Binder()
    tests = [_test(tag, by_name, condition, binder) for condition in page.where]
    for operator, bound_ns in ((">=", page.start_ns), ("<", page.end_ns)):
        if bound_ns is not None:
            tests.append(f"event_ns {operator} {binder.value(by_name['event_ns'], bound_ns)}")
    beyond, direction = ("<", " DESC") if page.newest_first else (">", "")
    if page.after is not None:
        tests += _after(keys, page.after, beyond, binder)
    table = _table(tag, page.finality, tests, reverted)
    test = " AND ".join(tests) or "1"
    order = ", ".join(f"{term}{direction}" for key in keys for term in _terms(key))
    shown = ", ".join(dict.fromkeys((*wanted, *(key.name for key in keys))))
    limit = int(page.limit)
    edge: Edge | None = None
    if not page.where and (page.start_ns is None or page.end_ns is None):  # what is filtered, is found so
        begun_ns = (
            None if page.after is None else page.after[0],
            page.end_ns if page.newest_first else page.start_ns,
        )
        begun = [binder.value(by_name["event_ns"], one) for one in begun_ns if one is not None]
        test, edge = _edged(tag, table, test, begun, limit, newest_first=page.newest_first)
    # Every name is one of the schema's.
    rows = f"SELECT {shown} FROM {table} WHERE {test} ORDER BY {order} LIMIT {limit}"  # noqa: S608
    indexed = {one.columns for one in storage.projections(EVENTS[tag])}
    is_indexed = any(one.operator == "=" and (one.column,) in indexed for one in page.where)
    return Query(rows, binder.params, _BY_INDEX if is_indexed else None, edge)


def _edged(
    tag: str, table: str, test: str, begun: Sequence[str], limit: int, *, newest_first: bool
) -> tuple[str, Edge]:
    """Return `test` within the edge that `limit` rows reach, and how that edge is found.

    They begin at the nearest of the times `begun`. Told their times, the engine opens all columns of those
    parts alone that have such rows.
    """
    first, nearest, last, direction, within, away, farthest_ns = (
        ("max", "least", "min", " DESC", ">=", "-", -(1 << 63))
        if newest_first
        else ("min", "greatest", "max", "", "<=", "+", (1 << 63) - 1)
    )
    begins = f"{nearest}({', '.join((*begun, f'(SELECT {first}(event_ns) FROM {tag})'))})"  # noqa: S608 names of ours
    near = f"event_ns {within} {begins} {away} {_NEAR}"
    questions = tuple(
        f"SELECT count() >= {limit} AS is_enough, toUnixTimestamp64Nano({last}(event_ns)) AS edge_ns"  # noqa: S608
        f" FROM (SELECT event_ns FROM {table} WHERE {one} ORDER BY event_ns{direction} LIMIT {limit})"
        for one in (f"{test} AND {near}", test)
    )
    return f"{test} AND event_ns {within} {_EDGE}", Edge(questions, limit, farthest_ns)


def _table(
    tag: str, finality: Finality, tests: list[str], reverted: Sequence[RevertedBlock] | None = None
) -> str:
    """Return what has the rows of `tag` that are so final; add to `tests` what they are to pass besides."""
    if not derive.has_block(tag) or finality == "instant":
        return tag
    if finality == "finalized":
        return tag + ddl.FINALIZED_SUFFIX
    if reverted is not None:
        blocks = ", ".join(f"({one.chain_id}, unhex('{one.block_hash.hex()}'))" for one in reverted)
        if blocks:
            tests.append(f"({ddl.blocks_test(tag, f'(chain_id, block_hash) NOT IN ({blocks})')})")
        return tag
    # The view's own test: a view of 146 columns takes the engine 40 ms to look through.
    tests.append(f"({ddl.canonical_rows_test(tag)})")
    return tag


def _terms(key: Column) -> tuple[str, ...]:
    return (f"isNotNull({key.name})", f"ifNull({key.name}, 0)") if key.is_optional else (key.name,)


def _after(keys: Sequence[Column], after: Sequence[Value], beyond: str, binder: "_Binder") -> Iterator[str]:
    """Yield the tests that a row comes after the one with these values. Raises: Refused."""
    if len(after) != len(keys) or after[0] is None:
        raise Refused(f"cursor: expected {len(keys)} values, found {len(after)}")
    values: list[str] = []
    for key, value in zip(keys, after, strict=True):
        if key.is_optional:
            values += ["0", "0"] if value is None else ["1", binder.value(key, value)]
        else:
            values.append(binder.value(key, value))
    yield f"event_ns {beyond}= {values[0]}"
    yield f"({', '.join(term for key in keys for term in _terms(key))}) {beyond} ({', '.join(values)})"


def selected_schema(tag: str, names: Sequence[str] | None) -> pa.Schema:
    """Return the Arrow schema of the answer to `select_query`."""
    schema = derive.arrow_schema(tag)
    return schema if names is None else pa.schema([schema.field(name) for name in names])


def _known(tag: str, by_name: dict[str, Column], name: str) -> Column:
    if name not in by_name:
        raise Refused(f"{tag}: expected one of the columns {', '.join(by_name)}, found {name!r}")
    return by_name[name]


def _test(tag: str, by_name: dict[str, Column], condition: Condition, binder: "_Binder") -> str:
    if not isinstance(condition, Condition):  # pyright: ignore[reportUnnecessaryIsInstance] it comes from users
        raise Refused(f"{tag}: expected a Condition, found {condition!r}")
    column = _known(tag, by_name, condition.column)
    operator, value = condition.operator, condition.value
    if operator not in _OPERATORS:
        raise Refused(f"{tag}.{column.name}: expected one of {' '.join(_OPERATORS)}, found {operator!r}")
    if operator == "in":
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise Refused(f"{tag}.{column.name}: expected a sequence of values, found {value!r}")
        return f"{column.name} IN ({', '.join(binder.value(column, one) for one in value)})" if value else "0"
    if value is None:
        if operator not in {"=", "!="}:
            raise Refused(f"{tag}.{column.name}: expected = or != with None, found {operator}")
        return f"{column.name} IS {'NOT ' if operator == '!=' else ''}NULL"
    if not isinstance(value, int | str | bytes | Decimal):
        raise Refused(f"{tag}.{column.name}: expected one value, found {value!r}")
    return f"{column.name} {operator} {binder.value(column, value)}"


class _Binder:
    """Gives each value a parameter."""

    def __init__(self) -> None:
        self.params: dict[str, str] = {}

    def value(self, column: Column, value: Value) -> str:
        """Return the expression that stands for `value` in a test of `column`. Raises: Refused."""
        if len(self.params) >= VALUES_MAX:
            raise Refused(f"{column.name}: expected up to {VALUES_MAX} values in one query, found more")
        logical, name = column.logical, f"p{len(self.params)}"
        if logical in (HASH, ADDRESS):
            if not isinstance(value, bytes) or len(value) != logical.byte_width:
                raise Refused(f"{column.name}: expected {logical.byte_width} bytes, found {value!r}")
            self.params[name] = value.hex()
            return f"toFixedString(unhex({{{name}:String}}), {logical.byte_width})"
        if pa.types.is_string(logical.arrow):
            if not isinstance(value, str):
                raise Refused(f"{column.name}: expected text, found {value!r}")
            self.params[name] = value
            return f"{{{name}:String}}"
        if pa.types.is_decimal(logical.arrow):
            if not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
                raise Refused(f"{column.name}: expected a number, found {value!r}")
            _check_digits(column, Decimal(value))
            self.params[name] = f"{Decimal(value):f}"
            return f"{{{name}:{logical.clickhouse}}}"
        if pa.types.is_floating(logical.arrow):
            if not isinstance(value, int | Decimal) or not Decimal(value).is_finite():
                raise Refused(f"{column.name}: expected a number, found {value!r}")
            self.params[name] = repr(float(value))
            return f"{{{name}:{logical.clickhouse}}}"
        lowest, highest = _bounds(column)
        if not isinstance(value, int) or not lowest <= value <= highest:
            raise Refused(f"{column.name}: expected an integer from {lowest} to {highest}, found {value!r}")
        self.params[name] = str(value)
        if logical is NANOS:
            return f"fromUnixTimestamp64Nano({{{name}:Int64}}, 'UTC')"
        return f"{{{name}:{logical.clickhouse}}}"


def _check_digits(column: Column, value: Decimal) -> None:
    """Raises: Refused, where the engine would cut `value`, and so answer about another one."""
    kind = column.logical.arrow
    whole, (_, digits, exponent) = kind.precision - kind.scale, value.as_tuple()
    assert isinstance(exponent, int), f"{value} is not finite"
    cut = -exponent - kind.scale
    if (value and value.adjusted() >= whole) or (cut > 0 and any(digits[-cut:])):
        raise Refused(
            f"{column.name}: expected up to {whole} digits before the point and {kind.scale} after it,"
            f" found {value}"
        )


def _bounds(column: Column) -> tuple[int, int]:
    if column.logical is NANOS:
        return -(1 << 63), (1 << 63) - 1
    found = re.fullmatch(r"(U?)Int(\d+)", column.logical.clickhouse)
    assert found is not None, f"{column.name} is neither bytes, text nor an integer"
    bits = int(found.group(2))
    return (0, (1 << bits) - 1) if found.group(1) else (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
