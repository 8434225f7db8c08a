"""Which ClickHouse statements keep an event's figures by block, minute and day?"""

from collections.abc import Iterator

from tidemill.schema import derive, storage
from tidemill.schema.ddl import Placement, canonical_test
from tidemill.schema.events import EVENTS
from tidemill.schema.storage import Measure, Measured, Statistics

STATISTICS_SUFFIX = "_statistics"
_FEED_SUFFIX = "_statistics_feed"
_PERIODS = {"_minutely": ("minute", "minute"), "_daily": ("day", "toStartOfDay(minute)")}
_WIDER = {"UInt8": "UInt64", "UInt32": "UInt64", "Int32": "Int64"}
"""What a sum of narrow integers is."""


def statistics_ddl(tag: str, placement: Placement) -> list[str]:
    """Return the statements that make the statistics of `tag` and their views; none where it has none.

    The materialized view feeds `<tag>_statistics`, a row for each block and group; `<tag>_minutely` and
    `<tag>_daily` put together those of canonical blocks.
    """
    kept = storage.statistics(EVENTS[tag])
    if kept is None:
        return []
    table = tag + STATISTICS_SUFFIX
    keys = ", ".join(_keys(kept))
    body = ",\n".join(f"    {definition}" for definition in _definitions(tag, kept))
    return [
        f"CREATE TABLE IF NOT EXISTS {placement.local(table)}{placement.everywhere} (\n{body}\n)\n"
        f"ENGINE = {placement.engine('Aggregating')}\nPARTITION BY toYYYYMM(minute)\nORDER BY ({keys})\n"
        f"SETTINGS {placement.window}",
        *placement.spread(table, "sipHash64(chain_id, block_hash)"),
        f"CREATE MATERIALIZED VIEW IF NOT EXISTS {tag}{_FEED_SUFFIX}{placement.everywhere}"
        f" TO {placement.local(table)}\nAS {_of_rows(tag, kept, placement.local(tag), '')}",
        *(
            f"CREATE OR REPLACE VIEW {tag}{suffix}{placement.everywhere} AS\n"
            f"{_of_periods(tag, kept, column, expression)}"
            for suffix, (column, expression) in _PERIODS.items()
        ),
    ]


def settling_sql(tag: str, start_ns: int, end_ns: int) -> str | None:
    """Return the statement that makes statistics what the rows say, whatever a crash left; None without any.

    It is of the minutes that start_ns <= event_ns < end_ns touches. It adds what is missing and takes off
    what is too much, so that it may run twice.
    """
    kept = storage.statistics(EVENTS[tag])
    if kept is None:
        return None
    first, last = (f"fromUnixTimestamp64Nano({int(moment)}, 'UTC')" for moment in (start_ns, end_ns - 1))
    keys = ", ".join(_keys(kept))
    rows = _of_rows(tag, kept, tag, f"\n    WHERE toStartOfMinute(event_ns) BETWEEN {_minutes(first, last)}")
    merged = ", ".join(f"{_merge(one)} AS {one.name}" for one in kept.measures)
    held = (
        f"SELECT {keys}, {merged} FROM {tag}{STATISTICS_SUFFIX}\n"  # noqa: S608 names of ours
        f"    WHERE minute BETWEEN {_minutes(first, last)} GROUP BY {keys}"
    )
    changes = ", ".join(
        f"made.{one.name} AS {one.name}"
        if one.measured is Measured.MAXIMUM
        else f"made.{one.name} - held.{one.name} AS {one.name}"
        for one in kept.measures
    )
    count = kept.measures[0].name
    names = ", ".join((*_keys(kept), *(one.name for one in kept.measures)))
    return (
        f"INSERT INTO {tag}{STATISTICS_SUFFIX} ({names})\nSELECT {keys}, {changes}\n"
        f"FROM ({rows}) AS made\nGLOBAL LEFT JOIN ({held}) AS held USING ({keys})\n"
        f"WHERE made.{count} != held.{count}"
    )


def _minutes(first: str, last: str) -> str:
    return f"toStartOfMinute({first}) AND toStartOfMinute({last})"


def _keys(kept: Statistics) -> tuple[str, ...]:
    return ("minute", *kept.by, "block_hash")


def _definitions(tag: str, kept: Statistics) -> Iterator[str]:
    types = {column.name: derive.clickhouse_type(column) for column in derive.columns(tag)}
    yield "minute DateTime('UTC') CODEC(Delta(4), ZSTD(1))"
    for name in (*kept.by, "block_hash"):
        yield f"{name} {types[name]} CODEC(ZSTD(1))"
    for one in kept.measures:
        yield f"{one.name} SimpleAggregateFunction({_function(one)}, {_type(tag, one)}) CODEC(ZSTD(1))"


def _function(one: Measure) -> str:
    return "max" if one.measured is Measured.MAXIMUM else "sum"


def _merge(one: Measure) -> str:
    return f"{_function(one)}({one.name})"


def _type(tag: str, one: Measure) -> str:
    if one.measured not in {Measured.SUM, Measured.MAXIMUM}:
        return "UInt64"
    stored = next(column.logical.clickhouse for column in derive.columns(tag) if column.name == one.column)
    return f"Nullable({stored})" if one.measured is Measured.MAXIMUM else _WIDER.get(stored, stored)


def _of_rows(tag: str, kept: Statistics, table: str, where: str) -> str:
    figures = ", ".join(f"{_figure(tag, one)} AS {one.name}" for one in kept.measures)
    keys = ", ".join(_keys(kept))
    plain = ", ".join((*kept.by, "block_hash"))
    # The columns are the table's own, lest a figure of the same name be meant.
    return (
        f"SELECT toDateTime(toStartOfMinute(event_ns), 'UTC') AS minute, {plain}, {figures}\n"  # noqa: S608 names of ours
        f"    FROM {table} AS {tag}{where}\n    GROUP BY {keys}"
    )


def _figure(tag: str, one: Measure) -> str:
    column = f"{tag}.{one.column}"
    match one.measured:
        case Measured.ROWS:
            return "count()"
        case Measured.PRESENT:
            return f"count({column})"
        case Measured.POSITIVE:
            return f"countIf({column} > 0)"
        case Measured.SUM:
            return f"CAST(ifNull(sum({column}), 0), '{_type(tag, one)}')"
        case Measured.MAXIMUM:
            return f"CAST(max({column}), '{_type(tag, one)}')"


def _of_periods(tag: str, kept: Statistics, column: str, expression: str) -> str:
    by = ", ".join(kept.by)
    figures = ", ".join(f"{_function(one)}(blocks.{one.name}) AS {one.name}" for one in kept.measures)
    return (
        f"SELECT {expression} AS {column}, {by}, {figures}\n"
        f"FROM {tag}{STATISTICS_SUFFIX} AS blocks\nWHERE {canonical_test()}\nGROUP BY {column}, {by}"
    )
