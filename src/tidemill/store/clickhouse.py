"""Do in ClickHouse's SQL what every store does; a backend says how statements and bytes reach an engine."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncGenerator, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import IO

import pyarrow as pa
from msgspec import structs
from typing_extensions import override

from tidemill.core.priority import give_way
from tidemill.schema import ddl, derive
from tidemill.schema.ddl import Placement
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused
from tidemill.schema.statistics import settling_sql, statistics_ddl
from tidemill.store.base import Condition, Finality, Page, QueryLimits, Store, StoreSettings, TableSize
from tidemill.store.drift import LiveColumn, additions, check_whole, indexings, repackings, resettings
from tidemill.store.migrations import SCHEMA_TABLE_DDL, migrations
from tidemill.store.reverted import RevertedBlock
from tidemill.store.selecting import Query, TimeRange, known_tag, page_query, select_query, selected_schema
from tidemill.store.statement import NORMALISE_SQL, check_reading, has_columns

# One insert is one block, hence one part for each month and one atomic step; a token then names all of it.
_ONE_BLOCK = {
    "max_insert_block_size": "16777216",
    "min_insert_block_size_rows": "16777216",
    "min_insert_block_size_bytes": "0",
    "max_partitions_per_insert_block": "0",
}
# Nothing is gained by more for one block, and a small insert costs 40% less CPU without them.
_ONE_THREAD = {"max_threads": "1", "max_insert_threads": "1"}
# What was inserted before is passed on to the statistics all the same; they know themselves what they have.
_ONCE = {"insert_deduplicate": "1", "deduplicate_blocks_in_dependent_materialized_views": "1"}
_IS_DONE_SQL = "SELECT name FROM schema_migration WHERE name = {name:String} LIMIT 1"
_COLUMNS_SQL = (
    "SELECT table, name, type, default_kind AS kind, compression_codec AS codec FROM system.columns"
    " WHERE database = currentDatabase() ORDER BY table, position"
)
_PROJECTIONS_SQL = "SELECT table, name, query FROM system.projections WHERE database = currentDatabase()"
_TIMED_SQL = (
    "SELECT table FROM system.data_skipping_indices"
    " WHERE database = currentDatabase() AND name = {name:String}"
)
_ENGINES_SQL = "SELECT name, engine_full AS engine FROM system.tables WHERE database = currentDatabase()"
_SIZES_SQL = (
    "SELECT table, sum(rows) AS rows, sum(bytes_on_disk) AS bytes FROM system.parts"
    " WHERE database = currentDatabase() AND active GROUP BY table"
)
_ANY_SIZE = QueryLimits(rows_max=1 << 62, result_max_bytes=1 << 62, time_max_ms=600_000)
"""For the rare question what a crash left: identities within the times of one insert."""
_STREAM_TIME_MAX_MS = 86_400_000
"""What is streamed may be all that there is."""
_STREAM_NICE = 5
"""As the engine's other threads: what is read in bulk waits for what is written."""
_STREAMED = {"max_block_size": "2048", "read_in_order_use_buffering": "0"}
"""A batch of the widest table is some 5 MB; of 10 MB each the engine takes 90 MB more. Rows in the order of
their table are merged as they come: to hold some of each part before takes 170 MB more of that table."""
_FOREVER_NS = 1 << 62
_WIDE = {pa.binary(16), pa.binary(32)}


class ClickHouseStore(Store):
    """A store whose engine is ClickHouse, wherever it runs."""

    def __init__(self, settings: StoreSettings) -> None:
        self._settings = settings
        self._placement = Placement(settings.deduplication_window)

    async def _reverted_blocks(self) -> Sequence[RevertedBlock] | None:
        """Return the blocks that are not canonical; None where a query is to ask itself."""
        return None

    @abstractmethod
    async def _execute(self, sql: str) -> None:
        """Run a statement that writes. Raises: Refused, Unreachable."""

    @abstractmethod
    async def _append(self, tag: str, rows: pa.Table, settings: Mapping[str, str]) -> None:
        """Insert `rows`, of the schema of `tag`, under the engine's `settings`.

        Raises: Refused, Unreachable.
        """

    @abstractmethod
    async def _ask(
        self,
        sql: str,
        params: Mapping[str, str],
        limits: QueryLimits,
        settings: Mapping[str, str] | None = None,
    ) -> pa.Table:
        """Answer a statement under the engine's read-only mode, `limits` and `settings`.

        `params` are bound as they are: a backend escapes them as its transport wants.

        Raises: Refused; Unreachable, where no engine answers.
        """

    @abstractmethod
    def _batches(self, sql: str, settings: Mapping[str, str]) -> Generator[pa.RecordBatch]:
        """Yield the answer to a statement under the engine's read-only mode and `settings`, in one thread.

        Raises: Refused, Unreachable.
        """

    # --- schema

    @override
    async def migrate(self) -> list[str]:
        await self._execute(SCHEMA_TABLE_DDL)
        done = await self._numbered_migrations()
        done += await self._follow_schema()
        for tag in EVENTS:
            for statement in ddl.block_views_ddl(tag, self._settings.final_blocks, self._placement):
                await self._execute(statement)
        for tag in EVENTS:
            done += await self._keep_statistics(tag)
            for statement in ddl.also_named_ddl(tag, self._placement):
                await self._execute(statement)
        return done

    async def _keep_statistics(self, tag: str) -> list[str]:
        statements, name = statistics_ddl(tag, self._placement), f"add statistics of {tag}"
        for statement in statements:
            await self._execute(statement)
        answer = await self._ask(_IS_DONE_SQL, {"name": name}, self._settings.limits)
        if not statements or answer.num_rows:
            return []
        # of the rows that are there already; recorded afterwards, lest a crash leave them out
        await self.settle(tag, 0, _FOREVER_NS)
        await self._record(_newest_version(self._settings), name, "")
        return [name]

    async def _numbered_migrations(self) -> list[str]:
        answer = await self._own("SELECT version, checksum FROM schema_migration WHERE name NOT LIKE 'add %'")
        applied = {row["version"]: row["checksum"] for row in answer.to_pylist()}
        known = list(migrations(self._settings.deduplication_window))
        newest = max(applied, default=0)
        if newest > known[-1].version:
            raise Refused(
                f"store: expected migrations up to {known[-1].version}, found {newest}; use a newer tidemill"
            )
        done: list[str] = []
        for migration in known:
            if migration.version not in applied:
                for statement in migration.statements:
                    await self._execute(statement)
                await self._record(migration.version, migration.name, migration.checksum)
                done.append(migration.name)
            elif not migration.is_derived and applied[migration.version] != migration.checksum:
                raise Refused(
                    f"store: expected migration {migration.version} as it was applied, its file was edited"
                )
        return done

    async def _follow_schema(self) -> list[str]:
        version = _newest_version(self._settings)
        changes = await self._changes()
        for name, sql in changes:
            await self._execute(sql)
            await self._record(version, name, "")
        return [name for name, _ in changes]

    async def _changes(self) -> list[tuple[str, str]]:
        """Return what would make the tables those of the schema: names and statements, in order."""
        live: dict[str, list[LiveColumn]] = {}
        for row in (await self._own(_COLUMNS_SQL)).to_pylist():
            column = LiveColumn(row["name"], row["type"], row["kind"], row["codec"])
            live.setdefault(row["table"], []).append(column)
        indexed: dict[str, dict[str, str]] = {}
        for row in (await self._own(_PROJECTIONS_SQL)).to_pylist():
            indexed.setdefault(row["table"], {})[row["name"]] = row["query"]
        timed = set((await self._own(_TIMED_SQL, {"name": ddl.TIME_INDEX})).column("table").to_pylist())
        engines = {row["name"]: row["engine"] for row in (await self._own(_ENGINES_SQL)).to_pylist()}
        changes: list[tuple[str, str]] = []
        for tag in EVENTS:
            if tag not in live:
                changes += [(f"add table {tag}", sql) for sql in ddl.table_ddl(tag, self._placement)]
                continue
            added = additions(tag, live[tag])
            if engines[tag].startswith("Distributed"):
                check_whole(tag, added)
                continue
            changes += [(f"add column {tag}.{name}", sql) for name, sql in added]
            changes += [(f"add codecs of {tag}", sql) for sql in repackings(tag, live[tag])]
            changes += [(f"add settings of {tag}", sql) for sql in resettings(tag, engines[tag])]
            indexing = indexings(tag, indexed.get(tag, {}), has_time_index=tag in timed)
            changes += [(f"add indexes of {tag}", sql) for sql in indexing]
        return changes

    async def _record(self, version: int, name: str, checksum: str) -> None:
        # None of these comes from outside: file names, column names and a digest.
        values = f"({version}, '{name}', '{checksum}', now64(9))"
        await self._execute(f"INSERT INTO schema_migration VALUES {values}")  # noqa: S608 (see above)

    # --- write

    @override
    async def insert(self, tag: str, batches: pa.Table | Sequence[pa.RecordBatch], token: str) -> int:
        rows = aligned(known_tag(tag), batches)
        if rows.num_rows == 0:
            return 0
        if not token or not token.isascii() or not token.isprintable() or "'" in token or "\\" in token:
            raise Refused(f"{tag}: expected a token of plain characters, found {token!r}")
        once = {**_ONCE, "insert_deduplication_token": token}
        await self._append(tag, rows, {**once, **_ONE_BLOCK, **_ONE_THREAD})
        return rows.num_rows

    @override
    async def lacking(self, tag: str, batches: pa.Table | Sequence[pa.RecordBatch]) -> pa.Table:
        rows = aligned(known_tag(tag), batches)
        identity = derive.identity(tag)
        times = rows.column("event_ns").cast(pa.int64()).to_pylist()
        if not times:
            return rows
        during = TimeRange(min(times), None)  # after the last time that there can be, none is
        until = Condition("event_ns", "<=", max(times))
        query = select_query(tag, during, identity, (until,), finality="instant", newest=None)
        held = (await self._ask(query.sql, query.params, _ANY_SIZE)).cast(selected_schema(tag, identity))
        known = set(_keys(held, identity))
        return rows.filter(pa.array([key not in known for key in _keys(rows, identity)]))

    @override
    async def settle(self, tag: str, start_ns: int, end_ns: int) -> None:
        sql = settling_sql(known_tag(tag), start_ns, end_ns)
        if sql is not None:
            await self._execute(sql)

    # --- read

    @override
    async def query(
        self, sql: str, *, params: Mapping[str, str] | None = None, limits: QueryLimits | None = None
    ) -> pa.Table:
        bind = params or {}
        limits = limits or self._settings.limits
        normal = await self._checked(sql)
        table = await self._ask(normal, bind, limits)
        if not has_columns(normal) or not any(field.type in _WIDE for field in table.schema):
            return table
        described = await self._ask(_describing(normal, table.schema), bind, self._settings.limits)
        types = dict(
            zip(described.column("name").to_pylist(), described.column("type").to_pylist(), strict=True)
        )
        fields = [
            field.with_metadata({"clickhouse": types[field.name]}) if field.name in types else field
            for field in table.schema
        ]
        return table.cast(pa.schema(fields))

    async def _checked(self, sql: str) -> str:
        """Return the engine's spelling of a statement that reads. Raises: Refused."""
        answer = await self._ask(NORMALISE_SQL, {"q": sql}, self._settings.limits)
        normal: str = answer.column("normal")[0].as_py()
        check_reading(normal)
        return normal

    @override
    async def stream(self, sql: str) -> AsyncGenerator[pa.RecordBatch]:
        normal = await self._checked(sql)
        unbounded = {"rows_max": 1 << 62, "result_max_bytes": 1 << 62, "time_max_ms": _STREAM_TIME_MAX_MS}
        limits = limit_settings(structs.replace(self._settings.limits, **unbounded))
        batches = self._batches(normal, {**limits, **_STREAMED})
        thread = ThreadPoolExecutor(1, "store-stream", give_way, (_STREAM_NICE,))
        loop = asyncio.get_running_loop()
        try:
            while (batch := await loop.run_in_executor(thread, next, batches, None)) is not None:
                yield batch
        finally:
            await asyncio.shield(loop.run_in_executor(thread, batches.close))
            thread.shutdown(wait=False)

    @override
    async def select(
        self,
        tag: str,
        start_ns: int,
        end_ns: int,
        columns: Sequence[str] | None = None,
        where: Sequence[Condition] = (),
        *,
        finality: Finality = "canonical",
        newest: int | None = None,
    ) -> pa.Table:
        during = TimeRange(start_ns, end_ns)
        reverted = await self._reverted_blocks()
        query = select_query(tag, during, columns, where, finality=finality, newest=newest, reverted=reverted)
        answer = await self._answer(query)
        if newest is not None:
            answer = answer[::-1]
        return answer.cast(selected_schema(tag, columns))

    @override
    async def page(self, tag: str, page: Page) -> pa.Table:
        query = page_query(tag, page, await self._reverted_blocks())
        answer = await self._answer(query)
        return answer.cast(selected_schema(tag, answer.schema.names))

    async def _answer(self, query: Query) -> pa.Table:
        limits, edge = self._settings.limits, query.edge
        if edge is None:
            return await self._ask(query.sql, query.params, limits, query.settings)
        edge_ns, is_enough = edge.farthest_ns, False
        for question in edge.questions:
            [told] = (await self._ask(question, query.params, limits)).to_pylist()
            edge_ns, is_enough = told["edge_ns"], told["is_enough"]
            if is_enough:
                break
        answer = await self._ask(query.sql, {**query.params, "edge": str(edge_ns)}, limits, query.settings)
        if is_enough and answer.num_rows < edge.limit:
            # a reorg came between: what takes the place of the rows that left lies beyond the edge
            opened = {**query.params, "edge": str(edge.farthest_ns)}
            answer = await self._ask(query.sql, opened, limits, query.settings)
        return answer

    @override
    async def stats(self) -> list[TableSize]:
        held = {row["table"]: row for row in (await self._own(_SIZES_SQL)).to_pylist()}
        empty = {"rows": 0, "bytes": 0}
        return [
            TableSize(tag, held.get(tag, empty)["rows"], held.get(tag, empty)["bytes"])
            for tag in sorted(EVENTS)
        ]

    async def _own(self, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
        return await self._ask(sql, params or {}, self._settings.limits)


def _describing(sql: str, schema: pa.Schema) -> str:
    """Return the question what an answer's columns are: of all, where their names do not tell them apart.

    Of those alone that need it, it takes a third of the time where there are 146.
    """
    if len(set(schema.names)) == len(schema.names):
        names = (field.name for field in schema if field.type in _WIDE)
        quoted = ("`" + name.replace("\\", "\\\\").replace("`", "\\`") + "`" for name in names)
        sql = f"SELECT {', '.join(quoted)} FROM ({sql})"  # noqa: S608 names of an answer, quoted
    return f"DESCRIBE TABLE ({sql})"


def _newest_version(settings: StoreSettings) -> int:
    return max(migration.version for migration in migrations(settings.deduplication_window))


def limit_settings(limits: QueryLimits) -> dict[str, str]:
    """Return the engine's settings for a query that may take so much."""
    return {
        "max_execution_time": str(limits.time_max_ms / 1000),
        "max_result_rows": str(limits.rows_max),
        "max_result_bytes": str(limits.result_max_bytes),
        "result_overflow_mode": "throw",
        "max_memory_usage": str(limits.memory_max_bytes),
        "output_format_arrow_compression_method": "none",
    }


def _keys(rows: pa.Table, names: Sequence[str]) -> Iterator[tuple[object, ...]]:
    columns = (rows.column(name) for name in names)
    # without pandas, pyarrow has no value for a nanosecond
    plain = (one.cast(pa.int64()) if pa.types.is_timestamp(one.type) else one for one in columns)
    return zip(*(one.to_pylist() for one in plain), strict=True)


def write_stream(rows: pa.Table, into: IO[bytes]) -> None:
    """Write `rows` as an Arrow IPC stream of one batch."""
    with pa.ipc.new_stream(into, rows.schema) as stream:
        stream.write_table(rows.combine_chunks())


def aligned(tag: str, batches: pa.Table | Sequence[pa.RecordBatch]) -> pa.Table:
    """Return the rows as one table of the schema of `tag`; an optional column that a batch lacks is null.

    Raises: Refused, naming the column, where one is unknown, missing or of another type.
    """
    schema = derive.arrow_schema(tag)
    parts = list(batches.to_batches() if isinstance(batches, pa.Table) else batches)  # pyright: ignore[reportAttributeAccessIssue] pyarrow has no types
    whole = [part if part.schema == schema else _widened(tag, schema, part) for part in parts]
    return pa.Table.from_batches(whole, schema=schema)


def _widened(tag: str, schema: pa.Schema, part: pa.RecordBatch) -> pa.RecordBatch:
    for field in part.schema:
        if field.name not in schema.names:
            raise Refused(f"{tag}.{field.name}: expected no such column")
        if field.type != schema.field(field.name).type:
            raise Refused(f"{tag}.{field.name}: expected {schema.field(field.name).type}, found {field.type}")
    arrays: list[pa.Array] = []
    for field in schema:
        if field.name in part.schema.names:
            array = part.column(field.name)
        elif field.nullable:
            array = pa.nulls(part.num_rows, field.type)
        else:
            raise Refused(f"{tag}.{field.name}: expected the column, the batch lacks it")
        if array.null_count and not field.nullable:
            raise Refused(
                f"{tag}.{field.name}: expected a value in every row, found {array.null_count} without"
            )
        arrays.append(array)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)
