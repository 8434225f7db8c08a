"""Read what the store's rows cover: for each source the blocks that are complete, and what is missing."""

from collections.abc import AsyncGenerator, Collection, Iterator
from typing import Any, NamedTuple, Protocol

import pyarrow as pa

from tidemill.core.arrow import pc
from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import EVENTS, Proof
from tidemill.schema.faults import Gap, Refused
from tidemill.store.ledger import NEVER_TOLD, Complete, KnownGap, Ledger, Missing
from tidemill.store.runs import RUN_COLUMNS, read_runs

REQUIREMENT = "complete"
"""The word that asks for no block to be missing."""
METADATA_KEY = "tidemill.coverage"
"""Where an Arrow schema carries what its rows cover, as JSON."""

# The same as `runs.runs_of`, done where the rows are, so that millions of them stay there.
_RUNS_SQL = """
WITH told AS (
    SELECT source, recv_ns, 1 AS place, sequence, from_block, to_block,
        toString(status) AS status, toString(proof) AS proof, cause
    FROM coverage WHERE {during}
    UNION ALL
    SELECT source, recv_ns, 0, sequence, block_number, block_number, 'reverted', 'none', ''
    FROM reorg WHERE kind = 'reverted' AND {during}
), beside AS (
    SELECT *, lagInFrame(to_block) OVER rows AS last_to, lagInFrame(status) OVER rows AS last_status,
        lagInFrame(proof) OVER rows AS last_proof
    FROM told
    WINDOW rows AS (PARTITION BY source ORDER BY recv_ns, place, sequence
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
), marked AS (
    SELECT *, NOT (status IN ('complete', 'repaired') AND proof != 'none' AND from_block = last_to + 1
        AND status = last_status AND proof = last_proof
        AND (source, last_to) NOT IN (SELECT source, to_block FROM coverage WHERE status = 'gap')) AS begins
    FROM beside
), numbered AS (
    SELECT *, sum(begins) OVER (PARTITION BY source ORDER BY recv_ns, place, sequence
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS run
    FROM marked
)
SELECT source, min(numbered.from_block) AS from_block, max(numbered.to_block) AS to_block,
    any(numbered.status) AS status, any(numbered.proof) AS proof, max(numbered.recv_ns) AS recv_ns,
    argMax(numbered.cause, (numbered.recv_ns, numbered.place, numbered.sequence)) AS cause
FROM numbered GROUP BY source, run ORDER BY source, run
"""
_HOURS_SQL = """
SELECT toUnixTimestamp(toStartOfHour(recv_ns)) AS begin_s, count() AS records
FROM coverage GROUP BY begin_s ORDER BY begin_s
"""
_PAGE_RECORDS = 500_000
"""About so many are put in order at once: 0.2 s, a tenth of the memory that a query may take, and half of the
rows that it may answer, should no two of them belong together."""
_SOURCES_SQL = " UNION DISTINCT ".join(
    # by their numbers first: to spell them row by row takes three times as long
    f"SELECT toString(source) AS source FROM (SELECT DISTINCT source FROM {tag})"  # noqa: S608 names of ours
    for tag in EVENTS
    if tag != "health"  # which tells of connections, and keeps no rows of a chain
)


class Readable(Protocol):
    """What answers a statement that only reads: a store, or the process that owns it."""

    async def query(self, sql: str) -> pa.Table:
        """Return the answer. Raises: Refused."""
        ...


class Streamable(Readable, Protocol):
    """What also answers a statement however long, a batch at a time."""

    def stream(self, sql: str) -> AsyncGenerator[pa.RecordBatch]:
        """Yield the answer. Raises: Refused; Unreachable, where it ends before its time."""
        ...


class SourceCoverage(NamedTuple):
    """What is known of one source's blocks, in a range of them or in all."""

    source: str
    from_block: int | None
    """The first block of the range; None where nothing is known and none was asked for."""
    to_block: int | None
    level: Proof
    complete: tuple[Complete, ...]
    gaps: tuple[KnownGap, ...]
    """All that touch the range, closed ones too."""
    missing: tuple[Missing, ...]
    """What is not complete at `level`."""

    @property
    def is_complete(self) -> bool:
        """Whether something is known, no block is missing, and no pool's state."""
        return self.fault() is None

    def fault(self) -> str | None:
        """Return what is missing first; None where nothing is."""
        if self.missing:
            first = self.missing[0]
            blocks = f"blocks {first.from_block} to {first.to_block}"
            proof = "" if self.level == Proof.NONE else f" with proof {self.level}"
            return f"{self.source}: expected all blocks complete{proof}; {blocks} are not: {first.cause}"
        for gap in self.gaps:
            if gap.closed_ns is None:
                return (
                    f"{self.source}: expected no gap; one is open since block {gap.from_block}: {gap.cause}"
                )
        if self.from_block is None:
            return f"{self.source}: expected blocks that are complete, found none: {NEVER_TOLD}"
        return None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return {
            "source": self.source,
            "from_block": self.from_block,
            "to_block": self.to_block,
            "level": str(self.level),
            "is_complete": self.is_complete,
            "complete": [span._asdict() for span in self.complete],
            "gaps": [
                {**gap._asdict(), "blocks": gap.block_count, "lasted_ms": gap.lasted_ms} for gap in self.gaps
            ],
            "missing": [lack._asdict() for lack in self.missing],
        }


async def ledgers_of(store: Readable) -> dict[str, Ledger]:
    """Return the ledger of each source that has told anything, by name."""
    ledgers: dict[str, Ledger] = {}
    for during in _pages(await store.query(_HOURS_SQL)):
        found = await store.query(_RUNS_SQL.format(during=during))
        if not found.num_rows:
            continue
        names = found.column("source").cast(pa.string())
        for source in pc.unique(names).to_pylist():
            runs = read_runs(found.filter(pc.equal(names, source)).select(RUN_COLUMNS))
            ledgers.setdefault(source, Ledger()).fold(runs)
    return dict(sorted(ledgers.items()))


def _pages(hours: pa.Table) -> Iterator[str]:
    """Yield conditions on recv_ns that together hold for every time once, in its order."""
    lower, records = "1", 0
    for begin_s, count in zip(*(column.to_pylist() for column in hours.columns), strict=True):
        if records and records + count > _PAGE_RECORDS:
            edge = f"fromUnixTimestamp64Nano(toInt64({begin_s * NS_PER_S}), 'UTC')"
            yield f"{lower} AND recv_ns < {edge}"
            lower, records = f"recv_ns >= {edge}", 0
        records += count
    yield lower


async def sources_of(store: Readable) -> list[str]:
    """Return the sources that have rows."""
    found = await store.query(_SOURCES_SQL)
    names: list[str] = found.column("source").to_pylist() if found.num_rows else []
    return names


async def coverage_of(
    store: Readable,
    source: str | None = None,
    from_block: int | None = None,
    to_block: int | None = None,
    level: Proof = Proof.NONE,
    *,
    having_rows: Collection[str] | None = None,
) -> list[SourceCoverage]:
    """Return what is known of `source`, or of every source that has rows, by name.

    A bound that is None is the first or the last block that anything is known of. Ask before the rows are
    read: a gap that closes in between must count as open. `having_rows` are the sources that have some, where
    `sources_of` was asked before: it reads a column of all rows.

    Raises: Refused, where there is no such source or the range is none.
    """
    if from_block is not None and to_block is not None and from_block > to_block:
        raise Refused(f"coverage: expected a range of blocks, found {from_block} to {to_block}")
    ledgers = await ledgers_of(store)
    sources = sorted({*ledgers, *(await sources_of(store) if having_rows is None else having_rows)})
    if source is not None:
        if source not in sources:
            raise Refused(f"source: expected one of {', '.join(sources) or 'none yet'}, found {source!r}")
        sources = [source]
    return [covered(name, ledgers.get(name, Ledger()), from_block, to_block, level) for name in sources]


def covered(
    source: str, ledger: Ledger, from_block: int | None, to_block: int | None, level: Proof
) -> SourceCoverage:
    """Return what a ledger knows of a range; a bound that is None is that of what is known."""
    first = ledger.first_block if from_block is None else from_block
    last = ledger.last_block if to_block is None else to_block
    if first is None or last is None or first > last:
        # Nothing is known, or all of it lies on the other side of the one bound that was given.
        missing = _nothing(from_block, to_block)
        ends = missing[0][:2] if missing else (None, None)
        return SourceCoverage(source, *ends, level, (), () if missing else ledger.gaps(), missing)
    complete = tuple(
        Complete(max(span.from_block, first), min(span.to_block, last), span.proof)
        for span in ledger.complete()
        if span.from_block <= last and span.to_block >= first
    )
    gaps = tuple(gap for gap in ledger.gaps() if _touches(gap, first, last))
    return SourceCoverage(source, first, last, level, complete, gaps, ledger.missing(first, last, level))


def _nothing(from_block: int | None, to_block: int | None) -> tuple[Missing, ...]:
    first = from_block if from_block is not None else to_block
    last = to_block if to_block is not None else from_block
    return () if first is None or last is None else (Missing(first, last, NEVER_TOLD, None),)


def _touches(gap: KnownGap, first: int, last: int) -> bool:
    """Say whether a gap bears on a range; a pool's state is missing from its block on."""
    lasts = gap.pool is not None and gap.closed_ns is None
    return gap.from_block <= last and (lasts or gap.to_block >= first)


def require_complete(coverage: list[SourceCoverage]) -> None:
    """Pass where every source is complete at its level.

    Raises: Gap, naming the source, the first blocks that are missing and why.
    """
    if not coverage:
        raise Gap("coverage: expected at least one source, found none")
    for one in coverage:
        fault = one.fault()
        if fault is not None:
            raise Gap(fault)


def level_of(requirement: str, option: str) -> Proof:
    """Return the level that `complete` or `complete:LEVEL` asks for. Raises: ValueError, naming `option`."""
    word, _, level = requirement.partition(":")
    if word != REQUIREMENT or (not level and ":" in requirement):
        raise ValueError(f"{option}: expected complete or complete:LEVEL, found {requirement!r}")
    return proof_of(level, option) if level else Proof.NONE


def proof_of(level: str, option: str) -> Proof:
    """Return the proof of that name. Raises: ValueError, naming the option."""
    if level not in set(Proof):
        raise ValueError(f"{option}: expected a level of {', '.join(Proof)}, found {level!r}")
    return Proof(level)
