"""Which ClickHouse statements make an event's table and views, on one server or on a cluster?"""

from typing import NamedTuple

from tidemill.schema import derive, storage
from tidemill.schema.events import EVENTS

CANONICAL_SUFFIX = "_canonical"
FINALIZED_SUFFIX = "_finalized"
"""What the view of a table without reverted blocks is called."""
LOCAL_SUFFIX = "_local"
"""What a cluster's table is called on each of its servers."""

MERGE_AT_ONCE = 20
"""Parts are merged by twenty at the least: a part of some rows comes many times a second, and merging them
by five costs as much CPU again as inserting them (8.0 ms of CPU an insert by default, 5.4 ms by thirty)."""
_WIDE_MIN_BYTES = 64 << 20
"""Smaller parts are one file each, larger ones have two for each column: an insert of 8,000 records of 145
columns takes a third less CPU in one file, under load half (17 MB; the engine's own limit is 10 MB)."""
_LARGE_COLUMNS = 100
"""A row of more is large: all of it is read to its next mark."""
_MARK_BYTES = 4 << 20
"""A mark stands for so much of a table of large rows: of 145 columns some 2,000 rows are read for one of them
(5,000 by the engine's default). The engine never changes it of a table that is there."""
_PACKED_MIN_BYTES = 16 << 10
"""Marks so near are of use where what is packed at once ends with them; the table is 2% larger for both.
Tables of small rows have the engine's own, which is less work where much comes."""
REVERTED = (
    "SELECT chain_id, block_hash FROM {reorgs} GROUP BY chain_id, block_hash\n"
    "    HAVING argMax(kind, sequence) = 'reverted'"
)
"""Asks for the blocks that are reverted now."""


class Placement(NamedTuple):
    """Where tables are kept, and how long they know an insert again."""

    deduplication_window: int
    """The number of a table's latest inserts whose tokens are remembered."""
    cluster: str | None = None
    """The cluster's name in the servers' configuration, where each has the macros `shard` and `replica`; None
    for one server.
    """

    database: str = "default"
    """Where a cluster's tables are, on all of its servers."""

    def local(self, table: str) -> str:
        """Return the name of the table that holds the rows."""
        return table if self.cluster is None else table + LOCAL_SUFFIX

    @property
    def everywhere(self) -> str:
        """The clause that runs a statement on all servers."""
        return "" if self.cluster is None else f" ON CLUSTER {self.cluster}"

    def engine(self, merging: str = "") -> str:
        """Return the engine clause of a table that holds rows; `merging` is the kind before `MergeTree`."""
        if self.cluster is None:
            return f"{merging}MergeTree"
        path = "'/clickhouse/tables/{shard}/{database}/{table}', '{replica}'"
        return f"Replicated{merging}MergeTree({path})"

    @property
    def window(self) -> str:
        """The setting that remembers inserts."""
        name = "non_replicated" if self.cluster is None else "replicated"
        return f"{name}_deduplication_window = {self.deduplication_window}"

    def spread(self, table: str, key: str) -> list[str]:
        """Return the statement that makes `table` the whole of a cluster's, its rows placed by `key`.

        There is none for one server.
        """
        if self.cluster is None:
            return []
        engine = f"Distributed({self.cluster}, {self.database}, {self.local(table)}, {key})"
        like = f"CREATE TABLE IF NOT EXISTS {table}{self.everywhere} AS {self.local(table)}"
        return [f"{like}\nENGINE = {engine}"]


def table_ddl(tag: str, placement: Placement) -> list[str]:
    """Return the statements that make the table `tag` where it is missing."""
    stored = {column.name: f" CODEC({column.logical.codec})" for column in derive.columns(tag)}
    parts = [f"{name} {kind}{stored.get(name, '')}" for name, kind in derive.clickhouse_columns(tag)]
    if (index := time_index_ddl(tag)) is not None:
        parts.append(f"INDEX {index}")
    parts += [f"PROJECTION {projection_ddl(one)}" for one in storage.projections(EVENTS[tag])]
    body = ",\n".join(f"    {part}" for part in parts)
    settings = [placement.window, *kept_settings(tag)]
    if _has_large_rows(tag):
        settings.append(f"index_granularity_bytes = {_MARK_BYTES}")
    local = (
        f"CREATE TABLE IF NOT EXISTS {placement.local(tag)}{placement.everywhere} (\n{body}\n)\n"
        f"ENGINE = {placement.engine()}\n"
        f"PARTITION BY toYYYYMM(event_ns)\nORDER BY ({', '.join(derive.order(tag))})\n"
        f"SETTINGS {', '.join(settings)}"
    )
    return [local, *placement.spread(tag, _sharding_key(tag))]


def _has_large_rows(tag: str) -> bool:
    return len(derive.columns(tag)) > _LARGE_COLUMNS


def kept_settings(tag: str) -> list[str]:
    """Return how a table's parts are kept, as the engine spells it."""
    return [
        f"min_parts_to_merge_at_once = {MERGE_AT_ONCE}",
        f"min_bytes_for_wide_part = {_WIDE_MIN_BYTES}",
        *([f"min_compress_block_size = {_PACKED_MIN_BYTES}"] if _has_large_rows(tag) else []),
        # rows keep the number of their insert, by which an export knows what is new
        "enable_block_number_column = 1",
        # least and greatest value of each column in a part; to count how many differ, which no query of
        # ours asks, took a seventh of what it costs to insert and merge records of 145 columns
        "auto_statistics_types = 'basic'",
    ]


TIME_INDEX = "event_ns_extent"
"""What the index of times is called, in tables that have one."""


def time_index_ddl(tag: str) -> str | None:
    """Return the definition of the index that says which rows are of a time; None where their order does.

    Rows of other orders come in the order of time all the same: some thousand of them span a short one.
    """
    if derive.order(tag)[0] == "event_ns":
        return None
    return f"{TIME_INDEX} event_ns TYPE minmax GRANULARITY 1"


def projection_ddl(projection: storage.Projection) -> str:
    """Return the definition of a projection.

    Its marks stand for fewer rows than the table's: each part is read for one mark to find a row.
    """
    return f"{projection.name} ({projection_query(projection)}) WITH SETTINGS (index_granularity = 1024)"


def projection_query(projection: storage.Projection) -> str:
    """Return the query of a projection, as the engine spells it: rows' places, in another order."""
    return f"SELECT _part_offset ORDER BY {', '.join(projection.columns)}"


def _sharding_key(tag: str) -> str:
    """Keep a block's rows together, and a repeated row in its place."""
    optional = {column.name for column in derive.columns(tag) if column.is_optional}
    names = (
        ("chain_id", "block_hash")
        if derive.has_block(tag) and not derive.is_block_optional(tag)
        else [name for name in derive.identity(tag) if name not in optional]
    )
    return f"sipHash64({', '.join(names)})"


def block_views_ddl(tag: str, final_blocks: int, placement: Placement) -> list[str]:
    """Return the statements of both views of an event that belongs to blocks; none of another."""
    if not derive.has_block(tag):
        return []
    return [canonical_view_ddl(tag, placement), finalized_view_ddl(tag, final_blocks, placement)]


def canonical_view_ddl(tag: str, placement: Placement) -> str:
    """Return the CREATE VIEW statement of the rows of `tag` whose block is canonical.

    Raises: ValueError, where the event does not belong to a block.
    """
    if not derive.has_block(tag):
        raise ValueError(f"{tag} does not belong to a block")
    names = ", ".join(name for name, _ in derive.clickhouse_columns(tag))
    return (
        f"CREATE OR REPLACE VIEW {tag}{CANONICAL_SUFFIX}{placement.everywhere} AS SELECT {names} FROM {tag}\n"  # noqa: S608 names of ours
        f"WHERE {canonical_rows_test(tag)}"
    )


def canonical_rows_test(tag: str) -> str:
    """Return the test that a row of `tag` belongs to a canonical block, or to none."""
    return blocks_test(tag, canonical_test())


def blocks_test(tag: str, test: str) -> str:
    """Return the test that a row of `tag` belongs to a block that passes `test`, or to none."""
    return f"block_hash IS NULL OR {test}" if derive.is_block_optional(tag) else test


def canonical_test(reorgs: str = "reorg") -> str:
    """Return the test that a row's block is canonical, as the rows of `reorgs` tell."""
    # GLOBAL: asked once where the tables are a cluster's, and nothing else on one server
    return f"(chain_id, block_hash) GLOBAL NOT IN (\n    {REVERTED.format(reorgs=reorgs)})"


def finalized_view_ddl(tag: str, final_blocks: int, placement: Placement) -> str:
    """Return the CREATE VIEW statement of the canonical rows of `tag` that no reorg is expected to reach.

    They have at least `final_blocks` canonical blocks of their chain after their own.

    Raises: ValueError, where the event does not belong to a block.
    """
    if not derive.has_block(tag):
        raise ValueError(f"{tag} does not belong to a block")
    names = ", ".join(name for name, _ in derive.clickhouse_columns(tag))
    newest = f"SELECT chain_id, max(block_number) AS newest FROM block{CANONICAL_SUFFIX} GROUP BY chain_id"  # noqa: S608 names of ours
    join, blockless = ("LEFT", "block_hash IS NULL OR ") if derive.is_block_optional(tag) else ("INNER", "")
    return (
        f"CREATE OR REPLACE VIEW {tag}{FINALIZED_SUFFIX}{placement.everywhere} AS"  # noqa: S608 names of ours
        f" SELECT {names} FROM {tag}{CANONICAL_SUFFIX}\n"
        f"GLOBAL {join} JOIN ({newest}) AS tips USING (chain_id)\n"
        f"WHERE {blockless}block_number + {int(final_blocks)} <= newest"
    )


def also_named_ddl(tag: str, placement: Placement) -> list[str]:
    """Return the statements that make the other name of the canonical rows of `tag`; none without one."""
    found = storage.also_named(EVENTS[tag])
    if found is None:
        return []
    name, spelled = found
    names = [f"{column} AS {other}" for other, column in spelled.items()]
    names += [column for column, _ in derive.clickhouse_columns(tag)]
    return [
        f"CREATE DATABASE IF NOT EXISTS {name.partition('.')[0]}{placement.everywhere}",
        f"CREATE OR REPLACE VIEW {name}{placement.everywhere} AS SELECT {', '.join(names)}\n"
        f"FROM {tag}{CANONICAL_SUFFIX}",
    ]
