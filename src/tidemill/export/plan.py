"""Which files will an export have, and which statement reads the rows of each?

The plan is made once and kept, so that an export that was interrupted goes on with the same rows.
"""

from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any
from urllib.parse import quote

from msgspec import Struct

from tidemill.export.request import DATE, HOUR, ExportRequest
from tidemill.schema import derive
from tidemill.schema.faults import Refused
from tidemill.store.coverage import Readable, coverage_of
from tidemill.store.snapshot import Snapshot, membership

_ABSENT = "__HIVE_DEFAULT_PARTITION__"
"""What readers of such folders take for an absent value."""
_PARTITIONS_MAX = 10_000
_SLICE_VALUES = 10_000_000
"""How many values one statement reads: 69,000 rows of the widest table, some 130 MB."""
_GROUP_SQL = {
    DATE: "toString(toDate(event_ns, 'UTC'))",
    HOUR: "formatDateTime(event_ns, '%Y-%m-%dT%H', 'UTC')",
}
_EXTENT = (
    "count() AS row_count, toUnixTimestamp64Nano(min(event_ns)) AS first_ns,"
    " toUnixTimestamp64Nano(max(event_ns)) AS last_ns"
)


class Part(Struct, frozen=True, kw_only=True):
    """One file, and its rows: start_ns <= event_ns < end_ns, of one value of a column, where there is one."""

    name: str
    start_ns: int
    end_ns: int
    rows: int
    """How many are expected, for progress."""
    value: str | None = None
    is_of_value: bool = False
    """Whether the rows are those of `value`, which may be absent."""


class Plan(Struct, frozen=True, kw_only=True):
    """All that is decided before the first row is read."""

    request: ExportRequest
    snapshot: Snapshot
    since: Snapshot | None
    """Rows of this one are left out."""
    parts: list[Part]
    rows: int
    coverage: list[dict[str, Any]]
    """Of each source that has rows: what is known of their blocks, before they are read."""
    withdrawn_rows: int = 0
    """How many rows of `since` are in the snapshot no more, for their block was reverted."""


async def make_plan(
    store: Readable, request: ExportRequest, snapshot: Snapshot, since: Snapshot | None
) -> Plan:
    """Return the plan. Raises: Refused, where the column to part by has too many values."""
    rows_sql = f"FROM {request.table} WHERE {_wanted(request, snapshot, since)}"
    coverage = await _coverage(store, request.table, rows_sql)
    parts = [part async for part in _parts(store, request, rows_sql)]
    withdrawn = 0
    if since is not None:
        gone = _wanted(request, since, snapshot)
        answer = await store.query(f"SELECT count() AS gone FROM {request.table} WHERE {gone}")  # noqa: S608
        withdrawn = answer.column("gone")[0].as_py()
    return Plan(
        request=request,
        snapshot=snapshot,
        since=since,
        parts=parts,
        rows=sum(part.rows for part in parts),
        coverage=coverage,
        withdrawn_rows=withdrawn,
    )


async def slices(store: Readable, plan: Plan, part: Part, values: int = _SLICE_VALUES) -> list[str]:
    """Return statements that read the rows of `part` one after another, in the order of their table.

    Each reads about so many `values`, rows by columns.

    The engine holds some of each of a table's parts that a statement reads: 46 MB of the widest table's. Few
    reach into a slice of time.
    """
    tag = plan.request.table
    names = ", ".join(column.name for column in derive.columns(tag))
    tests = [_wanted(plan.request, plan.snapshot, plan.since)]
    if part.is_of_value:
        # in hexadecimal digits, a value cannot end the text that it is in
        column, digits = plan.request.partition_by, (part.value or "").encode().hex()
        of_value = f"toString({column}) = unhex('{digits}')"
        tests.append(f"{column} IS NULL" if part.value is None else of_value)
    rows_sql = f"FROM {tag} WHERE {' AND '.join(tests)}"
    wanted = -(-part.rows * len(derive.columns(tag)) // values)
    spans = await _spans(store, rows_sql, part.start_ns, part.end_ns, wanted)
    order = ", ".join(derive.order(tag))
    return [f"SELECT {names} {rows_sql} AND {_during(*span)} ORDER BY {order}" for span in spans]


def blocks_sql(plan: Plan) -> str | None:
    """Return the statement that tells of the rows' blocks, by chain; None where rows have none."""
    request = plan.request
    if not derive.has_block(request.table):
        return None
    wanted = _wanted(request, plan.snapshot, plan.since)
    return (
        "SELECT chain_id, length(blocks) AS block_count, blocks[1].1 AS from_block,"  # noqa: S608 names of ours
        " blocks[-1].1 AS to_block,"
        " blocks[1].2 AS first_hash, blocks[-1].2 AS last_hash,"
        " SHA256(arrayStringConcat(arrayMap(block -> block.2, blocks))) AS digest"
        " FROM (SELECT chain_id,"
        " arraySort(groupUniqArray((block_number, assumeNotNull(block_hash)))) AS blocks"
        f" FROM {request.table} WHERE {wanted} AND block_hash IS NOT NULL GROUP BY chain_id)"
        " ORDER BY chain_id"
    )


def _wanted(request: ExportRequest, snapshot: Snapshot, since: Snapshot | None) -> str:
    tests = [membership(snapshot)]
    if since is not None:
        tests.append(f"NOT {membership(since)}")
    if request.start_ns is not None:
        tests.append(f"event_ns >= {_moment(request.start_ns)}")
    if request.end_ns is not None:
        tests.append(f"event_ns < {_moment(request.end_ns)}")
    return " AND ".join(tests)


def _during(start_ns: int, end_ns: int) -> str:
    return f"event_ns >= {_moment(start_ns)} AND event_ns < {_moment(end_ns)}"


def _moment(time_ns: int) -> str:
    return f"fromUnixTimestamp64Nano(toInt64({int(time_ns)}), 'UTC')"


async def _parts(store: Readable, request: ExportRequest, rows_sql: str) -> AsyncIterator[Part]:
    by, suffix = request.partition_by, request.exporter.file_suffix(request.packing)
    value_sql = "''" if by is None else _GROUP_SQL.get(by, f"toString({by})")
    grouped = f"SELECT {value_sql} AS part_value, {_EXTENT} {rows_sql} GROUP BY part_value"
    found = await store.query(f"{grouped} ORDER BY part_value LIMIT {_PARTITIONS_MAX + 1}")
    if found.num_rows > _PARTITIONS_MAX:
        raise Refused(
            f"partition_by: expected {_PARTITIONS_MAX} values at most, found more in {by}; choose another"
        )
    for row in found.to_pylist():
        if not row["row_count"]:
            continue
        value = row["part_value"]
        folder = "" if by is None else f"{by}={_ABSENT if value is None else _quoted(value)}/"
        is_of_value = by not in {None, DATE, HOUR}
        first_ns, end_ns = row["first_ns"], row["last_ns"] + 1
        pieces = -(-row["row_count"] // request.rows_a_file)
        for number, (start, end) in enumerate(await _spans(store, rows_sql, first_ns, end_ns, pieces)):
            yield Part(
                name=f"{folder}part-{number:05d}{suffix}",
                start_ns=start,
                end_ns=end,
                rows=row["row_count"] // pieces,
                value=value if is_of_value else None,
                is_of_value=is_of_value,
            )


def _quoted(value: str) -> str:
    return _ABSENT.replace("_", "%5F") if value == _ABSENT else quote(value, safe="")


async def _spans(
    store: Readable, rows_sql: str, start_ns: int, end_ns: int, pieces: int
) -> list[tuple[int, int]]:
    """Return spans of time, one after another, with about as many of the rows in each."""
    cuts: set[int] = set()
    if pieces > 1:
        levels = ", ".join(str(number / pieces) for number in range(1, pieces))
        quantiles = f"quantiles({levels})(toUnixTimestamp64Nano(event_ns)) AS cuts"
        answer = await store.query(f"SELECT {quantiles} {rows_sql} AND {_during(start_ns, end_ns)}")
        # they come as floats: one past an end would reach into other rows
        cuts = {cut for found in answer.column("cuts")[0].as_py() if start_ns < (cut := int(found)) < end_ns}
    return list(pairwise([start_ns, *sorted(cuts), end_ns]))


async def _coverage(store: Readable, tag: str, rows_sql: str) -> list[dict[str, Any]]:
    has_blocks = any(column.name == "block_number" for column in derive.columns(tag))
    extent = ", min(block_number) AS first, max(block_number) AS last" if has_blocks else ""
    found = await store.query(f"SELECT toString(source) AS source{extent} {rows_sql} GROUP BY source")
    told: list[dict[str, Any]] = []
    for row in sorted(found.to_pylist(), key=lambda row: row["source"]):
        for one in await coverage_of(store, row["source"], row.get("first"), row.get("last")):
            told.append(one.to_json())
    return told
