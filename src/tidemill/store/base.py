"""What every store backend promises: exactly-once inserts, exact values back, queries that cannot write."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping, Sequence
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple, Self

import pyarrow as pa
from msgspec import Meta, Struct

_Positive = Annotated[int, Meta(ge=1)]

Operator = Literal["=", "!=", "<", "<=", ">", ">=", "in"]
Value = int | str | bytes | Decimal | None
Finality = Literal["instant", "canonical", "finalized"]
"""Which rows: all, those of reverted blocks too; those of canonical blocks; those that no reorg is expected
to reach."""


class QueryLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one query may take; settings under [store.limits]."""

    time_max_ms: _Positive = 30_000
    """Longer than any query of the live view, short enough for a forgotten one."""
    rows_max: _Positive = 1_000_000
    """The most rows of a result, all of which are in memory at once."""
    result_max_bytes: _Positive = 512 << 20
    memory_max_bytes: _Positive = 2 << 30
    """The most memory that the engine may use while it answers."""


class StoreSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [store]."""

    deduplication_window: _Positive = 1_000
    """How many latest inserts of a table are remembered by their token. The writer repeats only the last one
    after a crash; the rest is for backfills that are repeated by hand."""
    readers: _Positive = 2
    """How many queries run at once; as many as the cores that queries may take from inserts."""
    final_blocks: _Positive = 64
    """Rows are final that have so many blocks after theirs: two epochs of Ethereum, after which a block is
    finalised; more than any reorg seen since its merge."""
    free_min_bytes: _Positive = 64 << 20
    """Inserts wait while the disk has less free: merges and other programs need some, and an insert must not
    meet the end of the disk halfway."""
    engine_max_bytes: _Positive | None = None
    """The most memory of the embedded engine in all, an eighth of it for its caches; what exceeds it fails,
    and inserts are tried again. Absent: nine tenths of the machine's. A server has its own limit."""
    limits: QueryLimits = QueryLimits()


class Condition(NamedTuple):
    """A restriction of `Store.select`: `column operator value`; for "in", the value is a sequence.

    Those of one query have up to `selecting.VALUES_MAX` values together. 256-bit integers are `int`, hashes
    and addresses `bytes`; None goes with "=" and "!=" only.
    """

    column: str
    operator: Operator
    value: Value | Sequence[Value]


class Page(Struct, frozen=True, kw_only=True):
    """Some rows of a table, by time and then by the table's order and identity."""

    columns: tuple[str, ...] | None = None
    """All by default."""
    where: tuple[Condition, ...] = ()
    start_ns: int | None = None
    end_ns: int | None = None
    """From `start_ns` on, up to and without `end_ns`."""
    finality: Finality = "canonical"
    newest_first: bool = True
    after: tuple[Value, ...] | None = None
    """The values of `selecting.page_keys` in the row that the page before ended with; rows that came since do
    not move it."""
    limit: int
    """At least 1."""


class TableSize(NamedTuple):
    """How much a table holds."""

    table: str
    rows: int
    bytes_on_disk: int


class Store(ABC):
    """Tables of events, one for each tag of `tidemill.schema.events`; use it as an async context manager."""

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Open it. Raises: Refused, where another process owns it; Unreachable, where it cannot be
        reached.
        """

    @abstractmethod
    async def __aexit__(self, *exc: object) -> None:
        """Close it; the insert that is under way is finished first."""

    @abstractmethod
    async def migrate(self) -> list[str]:
        """Bring the tables up to the schema of this version.

        Returns: the names of the changes that it made, in order; none where all was up to date.
        Raises: Refused, where a table has a column that the schema lacks or that means something else now,
        or where
            a newer version made the tables; the message names the column.
        """

    @abstractmethod
    async def insert(self, tag: str, batches: pa.Table | Sequence[pa.RecordBatch], token: str) -> int:
        """Add rows to the table `tag`; a second insert with the same token adds nothing.

        A cancelled caller does not know whether it happened: repeat it with the same token. After a crash
        the token may be known and the rows not there: ask for those that are `lacking`, and add them with
        another.

        Returns: the number of rows given. They can be queried when it returns.
        Raises: Refused, where the rows do not fit the schema; Unreachable, where there is no room: repeat it.
        """

    @abstractmethod
    async def lacking(self, tag: str, batches: pa.Table | Sequence[pa.RecordBatch]) -> pa.Table:
        """Return those of the rows whose identity no row of the table has.

        Raises: Refused, where the rows do not fit the schema; Unreachable, where it cannot be told now.
        """

    @abstractmethod
    async def settle(self, tag: str, start_ns: int, end_ns: int) -> None:
        """Make the statistics of start_ns <= event_ns < end_ns those of the rows.

        For after a crash or a failed insert: a row and what it adds to statistics are two steps. Nobody else
        may insert rows of these times meanwhile.

        Raises: Unreachable, where it cannot be done now.
        """

    @abstractmethod
    async def query(
        self, sql: str, *, params: Mapping[str, str] | None = None, limits: QueryLimits | None = None
    ) -> pa.Table:
        """Answer one statement that reads; `params` stand for `{name:Type}` in it.

        Fields of the answer that are fixed-width integers of 128 or 256 bits carry their ClickHouse type as
        the metadata `clickhouse`, since Arrow knows them as bytes, little-endian.

        Raises: Refused, where the statement would write, reach outside the store, is wrong, or passes a
        limit.
        """

    @abstractmethod
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
        """Return the rows of `tag` with start_ns <= event_ns < end_ns, by time and then by their place in
        the chain.

        `columns` are all by default; `newest` keeps only so many of the latest. The schema is that of
        `derive.arrow_schema(tag)`.

        Raises: Refused, where a name is not in the schema, a value does not fit its column, or a limit is
        passed.
        """

    @abstractmethod
    def stream(self, sql: str) -> AsyncGenerator[pa.RecordBatch]:
        """Answer one statement that reads, however long, a batch at a time; close it where it is left early.

        Raises: Refused, where the statement would write, reach outside the store, or is wrong; Unreachable,
        where it ends before its time.
        """

    @abstractmethod
    async def page(self, tag: str, page: Page) -> pa.Table:
        """Return a page's rows, in its order; the columns of `selecting.page_keys` come too.

        The schema is that of `derive.arrow_schema(tag)`.

        Raises: Refused, where a name is not in the schema, a value does not fit its column, or a limit is
        passed.
        """

    @abstractmethod
    async def stats(self) -> list[TableSize]:
        """Return the size of each table of ours, by name."""

    async def engine_bytes(self) -> int | None:
        """Return how much memory its engine has of this process; None where it runs elsewhere.

        Raises: Refused, where it does not say.
        """
        return None
