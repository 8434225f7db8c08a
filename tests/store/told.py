"""Records of coverage, written as short rows."""

from collections.abc import Iterable
from typing import Any

import pyarrow as pa
from msgspec.structs import replace
from tests.store.samples import START_NS, reorg

from tidemill.schema import derive
from tidemill.schema.events import Coverage, CoverageStatus, Proof, Reorg, ReorgKind

MS = 1_000_000
Row = tuple[Any, ...]


def coverage(
    at_ms: int, first: int, last: int, status: str, proof: str = "none", cause: str = ""
) -> Coverage:
    return Coverage(
        event_ns=START_NS + at_ms * MS,
        recv_ns=START_NS + at_ms * MS,
        source="sandbox",
        connection="run",
        sequence=at_ms,
        from_block=first,
        to_block=last,
        status=CoverageStatus(status),
        proof=Proof(proof),
        log_count=0,
        cause=cause or status,
    )


def reverted(at_ms: int, number: int) -> Reorg:
    return replace(reorg(number, ReorgKind.REVERTED, at_ms), recv_ns=START_NS + at_ms * MS)


def events(rows: Iterable[Row]) -> tuple[list[Coverage], list[Reorg]]:
    """Return the events of rows (first, last, status, proof, cause), one a ms; `reverted` is of a reorg."""
    told: list[Coverage] = []
    lost: list[Reorg] = []
    for at_ms, (first, last, status, *rest) in enumerate(rows):
        if status == "reverted":
            lost += [reverted(at_ms, number) for number in range(last, first - 1, -1)]
        else:
            told.append(coverage(at_ms, first, last, status, *rest))
    return told, lost


def tables(rows: Iterable[Row]) -> tuple[pa.Table, pa.Table]:
    told, lost = events(rows)
    return table("coverage", told), table("reorg", lost)


def table(tag: str, made: list[Any]) -> pa.Table:
    return pa.Table.from_batches([derive.to_batch(made)] if made else [], schema=derive.arrow_schema(tag))
