"""Draw together records of coverage that follow each other block by block: millions become a few runs."""

from collections.abc import Collection, Iterator
from typing import NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill.core.arrow import pc
from tidemill.schema.events import Coverage, CoverageStatus, Proof, Reorg, ReorgKind

REVERTED = str(ReorgKind.REVERTED)
"""The status of blocks that left the canonical chain."""
RUN_COLUMNS = ("from_block", "to_block", "status", "proof", "recv_ns", "cause")


class Run(NamedTuple):
    """Records in order of time, each beginning after the last block of the one before, and else alike."""

    from_block: int
    to_block: int
    status: str
    """A coverage status, or REVERTED."""
    proof: str
    recv_ns: int
    """Of its last record."""
    cause: str
    """Of its last record."""


def run_of(event: Struct) -> Run | None:
    """Return what one event tells of blocks; None where it tells nothing of them."""
    match event:
        case Coverage(from_block=first, to_block=last):
            return Run(first, last, event.status, event.proof, event.recv_ns, event.cause)
        case Reorg(kind=ReorgKind.REVERTED, block_number=number):
            return Run(number, number, REVERTED, Proof.NONE, event.recv_ns, "")
        case _:
            return None


def runs_of(
    coverage: pa.Table, reorgs: pa.Table | None = None, gap_ends: Collection[int] = ()
) -> Iterator[Run]:
    """Yield the runs of one source's records, which may be in any order.

    A run ends where a gap ends, one of these records or one of `gap_ends`, so that its time is the time at
    which that gap closed.
    """
    told = _in_order(coverage, reorgs)
    if told.num_rows:
        ends = _union(told.column("to_block").filter(_is(told, CoverageStatus.GAP)), gap_ends)
        yield from read_runs(_drawn_together(told, ends))


def read_runs(table: pa.Table) -> Iterator[Run]:
    """Yield the rows of a table of RUN_COLUMNS."""
    columns = [table.column(name) for name in RUN_COLUMNS]
    columns[RUN_COLUMNS.index("recv_ns")] = table.column("recv_ns").cast(pa.int64())
    return map(Run, *(column.to_pylist() for column in columns))


def _in_order(coverage: pa.Table, reorgs: pa.Table | None) -> pa.Table:
    """Return both as RUN_COLUMNS, by time; a block is reverted before its number is told of again."""
    parts = [_plain(coverage.select([*RUN_COLUMNS, "sequence"]), 1)]
    if reorgs is not None and reorgs.num_rows:
        lost = reorgs.filter(pc.equal(reorgs.column("kind"), REVERTED))
        count, numbers = lost.num_rows, lost.column("block_number")
        status, nothing = pa.array([REVERTED] * count, pa.string()), pa.array([""] * count, pa.string())
        proof = pa.array([str(Proof.NONE)] * count, pa.string())
        values = [numbers, numbers, status, proof, lost.column("recv_ns"), nothing, lost.column("sequence")]
        parts.append(_plain(pa.table(values, [*RUN_COLUMNS, "sequence"]), 0))
    told = pa.concat_tables(parts)
    keys = [("recv_ns", "ascending"), ("place", "ascending"), ("sequence", "ascending")]
    if len(parts) == 1 and _is_sorted(told):
        return told.combine_chunks()
    return told.sort_by(keys).combine_chunks()


def _plain(table: pa.Table, place: int) -> pa.Table:
    """Return the columns with the types that all of them have here."""
    schema = {"status": pa.string(), "proof": pa.string(), "cause": pa.string(), "recv_ns": pa.int64()}
    fields = [(name, schema.get(name, pa.uint64())) for name in table.schema.names]
    plain = table.cast(pa.schema(fields))
    return plain.append_column("place", pa.repeat(pa.scalar(place, pa.uint8()), table.num_rows))


def _is_sorted(told: pa.Table) -> bool:
    """Say whether times never fall and the sequence rises within one time."""
    times, places = told.column("recv_ns").combine_chunks(), told.column("sequence").combine_chunks()
    later = pc.greater(times.slice(1), times.slice(0, max(len(times) - 1, 0)))
    same = pc.equal(times.slice(1), times.slice(0, max(len(times) - 1, 0)))
    next_one = pc.greater_equal(places.slice(1), places.slice(0, max(len(places) - 1, 0)))
    return pc.all(pc.or_(later, pc.and_(same, next_one)), min_count=0).as_py()


def _drawn_together(told: pa.Table, gap_ends: pa.Array) -> pa.Table:
    count = told.num_rows
    first_blocks = told.column("from_block").combine_chunks()
    ends = told.column("to_block").combine_chunks().slice(0, count - 1)
    goes_on = pc.equal(first_blocks.slice(1), pc.add(ends, 1))
    for name in ("status", "proof"):
        values = told.column(name).combine_chunks()
        goes_on = pc.and_(goes_on, pc.equal(values.slice(1), values.slice(0, count - 1)))
    whole = pc.or_(_is(told, CoverageStatus.COMPLETE), _is(told, CoverageStatus.REPAIRED))
    proven = pc.not_equal(told.column("proof"), str(Proof.NONE))
    joins = pc.and_(whole, proven).combine_chunks().slice(1)
    goes_on = pc.and_(pc.and_(goes_on, joins), pc.invert(pc.is_in(ends, gap_ends)))
    if len(gap_ends):
        # What is left of a gap ends where it ends itself, or before blocks that came earlier: before a run.
        before = pc.subtract(first_blocks.take(_firsts(goes_on)), 1)
        goes_on = pc.and_(goes_on, pc.invert(pc.is_in(ends, before)))
    firsts = _firsts(goes_on)
    lasts = pa.concat_arrays([pc.subtract(firsts.slice(1), 1), pa.array([count - 1], pa.int64())])
    return told.take(lasts).set_column(0, "from_block", first_blocks.take(firsts))


def _firsts(goes_on: pa.Array) -> pa.Array:
    """Return the places of the records that begin a run; `goes_on` speaks of all records but the first."""
    begins = pc.indices_nonzero(pc.invert(goes_on)).cast(pa.int64())
    return pa.concat_arrays([pa.array([0], pa.int64()), pc.add(begins, 1)])


def _is(told: pa.Table, status: CoverageStatus) -> pa.ChunkedArray:
    return pc.equal(told.column("status"), str(status))


def _union(found: pa.ChunkedArray, more: Collection[int]) -> pa.Array:
    return pa.concat_arrays([found.combine_chunks(), pa.array(sorted(more), pa.uint64())])
