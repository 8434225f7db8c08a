"""Fold what one source told of its blocks into what is complete, how it is proven, and what is missing."""

import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import pyarrow as pa
from msgspec import Struct

from tidemill.schema.events import CoverageStatus, Proof
from tidemill.store.blockmap import BlockMap
from tidemill.store.runs import REVERTED, Run, run_of, runs_of

LEVELS = tuple(Proof)
"""Proofs, the weakest first; the place of one is its strength."""
NEVER_TOLD = "nothing was told of these blocks"
_STRENGTH = {str(proof): strength for strength, proof in enumerate(LEVELS)}
_POOL = re.compile(r"^pool (0x[0-9a-f]{40}): ")
_NS_PER_MS = 1_000_000


class Complete(NamedTuple):
    """Blocks whose logs are all here, as far as one proof shows."""

    from_block: int
    to_block: int
    proof: Proof


class KnownGap(NamedTuple):
    """Blocks that were told to be missing."""

    from_block: int
    to_block: int
    cause: str
    noticed_ns: int
    closed_ns: int | None
    """When the last of its blocks came; None while one is missing."""
    closed_by: str | None
    """The cause of the record that closed it."""
    pool: str | None
    """Whose state is not known, as 0x…, where all logs are here and only that is missing."""

    @property
    def block_count(self) -> int:
        """How many blocks it spans."""
        return self.to_block - self.from_block + 1

    @property
    def lasted_ms(self) -> int | None:
        """How long it was open; None while it is."""
        return None if self.closed_ns is None else (self.closed_ns - self.noticed_ns) // _NS_PER_MS


class Missing(NamedTuple):
    """Blocks that are not complete at the level that was asked for."""

    from_block: int
    to_block: int
    cause: str
    proof: Proof | None
    """What they have instead; None where their logs are not here."""


class _OpenGap(Struct):
    number: int
    remaining: BlockMap


class Ledger:
    """What is known of one source's blocks.

    The strongest record of a block counts. It is void once its block was reverted, or once a later record
    says that the block is missing; then only what is told after that counts.
    """

    def __init__(self) -> None:
        self._blocks = BlockMap()  # a proof's strength, or -1 - the number of the gap
        self._gaps: list[KnownGap] = []
        self._open: list[_OpenGap] = []
        self._open_pools: dict[str, int] = {}

    def add(self, coverage: pa.Table, reorgs: pa.Table | None = None) -> None:
        """Take rows of `coverage` and `reorg` of this source, in any order, later than all taken before.

        Of `coverage`, these columns are read: recv_ns, sequence, from_block, to_block, status, proof, cause;
        of `reorg`: recv_ns, sequence, block_number, kind.
        """
        ends = {piece.to_block for gap in self._open for piece in gap.remaining.pieces()}
        self.fold(runs_of(coverage, reorgs, ends))

    def tell(self, events: Iterable[Struct]) -> None:
        """Take events of this source as they come, in their order; those of other kinds change nothing."""
        self.fold(run for event in events if (run := run_of(event)) is not None)

    def fold(self, runs: Iterable[Run]) -> None:
        """Take records in their order."""
        for run in runs:
            if run.status == REVERTED:
                self._blocks.change(run.from_block, run.to_block, _reverted)
            elif run.status == CoverageStatus.GAP:
                self._missed(run)
            else:
                self._came(run)

    @property
    def first_block(self) -> int | None:
        """The lowest block that anything is known of."""
        return self._blocks.first

    @property
    def last_block(self) -> int | None:
        """The highest block that anything is known of."""
        return self._blocks.last

    def complete(self) -> tuple[Complete, ...]:
        """Return the blocks that are complete, ascending."""
        return tuple(
            Complete(piece.from_block, piece.to_block, LEVELS[piece.value])
            for piece in self._blocks.pieces()
            if piece.value >= 0
        )

    def gaps(self) -> tuple[KnownGap, ...]:
        """Return every gap that was told, in the order in which they were noticed."""
        return tuple(self._gaps)

    def missing(
        self, from_block: int | None = None, to_block: int | None = None, level: Proof = Proof.NONE
    ) -> tuple[Missing, ...]:
        """Return what keeps a range from being complete at `level`, ascending; all known blocks by default.

        Blocks that nothing was told of are missing, outside of what is known too.
        """
        first = self.first_block if from_block is None else from_block
        last = self.last_block if to_block is None else to_block
        if first is None or last is None:
            return ()
        needed = _STRENGTH[level]
        return tuple(
            self._lack(*piece)
            for piece in self._blocks.between(first, last)
            if piece[2] is None or piece[2] < needed
        )

    def is_complete(self, from_block: int, to_block: int, level: Proof = Proof.NONE) -> bool:
        """Say whether every block of a range is complete at `level` or a stronger one."""
        return not self.missing(from_block, to_block, level)

    def _lack(self, first: int, last: int, value: int | None) -> Missing:
        if value is None:
            return Missing(first, last, NEVER_TOLD, None)
        if value < 0:
            return Missing(first, last, self._gaps[-1 - value].cause, None)
        return Missing(first, last, f"their proof is {LEVELS[value]}", LEVELS[value])

    # --- fold

    def _missed(self, run: Run) -> None:
        pool = _pool(run)
        if pool is not None:
            if pool not in self._open_pools:
                self._open_pools[pool] = self._noticed(run, pool)
            return
        gap = self._same_gap(run)
        if gap is None:
            gap = _OpenGap(self._noticed(run, None), BlockMap())
            self._open.append(gap)
        else:
            known = self._gaps[gap.number]
            self._gaps[gap.number] = known._replace(
                from_block=min(known.from_block, run.from_block), to_block=max(known.to_block, run.to_block)
            )
        gap.remaining.change(run.from_block, run.to_block, lambda _: 0)
        value = -1 - gap.number
        self._blocks.change(run.from_block, run.to_block, lambda _: value)

    def _same_gap(self, run: Run) -> _OpenGap | None:
        """Return the open gap that the record tells again, or more of."""
        for gap in self._open:
            known = self._gaps[gap.number]
            overlaps = known.from_block <= run.to_block and run.from_block <= known.to_block
            if overlaps and known.cause == run.cause:
                return gap
        return None

    def _noticed(self, run: Run, pool: str | None) -> int:
        self._gaps.append(KnownGap(run.from_block, run.to_block, run.cause, run.recv_ns, None, None, pool))
        return len(self._gaps) - 1

    def _came(self, run: Run) -> None:
        pool = _pool(run)
        if pool is not None:
            number = self._open_pools.pop(pool, None)
            if number is not None:
                self._close(number, run)
            return
        strength = _STRENGTH[run.proof]
        self._blocks.change(
            run.from_block, run.to_block, lambda value: strength if value is None else max(value, strength)
        )
        for gap in self._open:
            gap.remaining.change(run.from_block, run.to_block, _gone)
            if not len(gap.remaining):
                self._close(gap.number, run)
        self._open = [gap for gap in self._open if len(gap.remaining)]

    def _close(self, number: int, run: Run) -> None:
        self._gaps[number] = self._gaps[number]._replace(closed_ns=run.recv_ns, closed_by=run.cause)


def summary(ledger: Ledger) -> dict[str, Any]:
    """Return a ledger in a few numbers, as `status` tells it: block counts by proof, gaps open and closed."""
    proven = dict.fromkeys(map(str, LEVELS), 0)
    for piece in ledger.complete():
        proven[piece.proof] += piece.to_block - piece.from_block + 1
    gaps, missing = ledger.gaps(), ledger.missing()
    still_open = [gap for gap in gaps if gap.closed_ns is None]
    return {
        "from_block": ledger.first_block,
        "to_block": ledger.last_block,
        "complete_blocks": {proof: count for proof, count in proven.items() if count},
        "missing_blocks": sum(lack.to_block - lack.from_block + 1 for lack in missing),
        "open_gaps": len(still_open),
        "closed_gaps": len(gaps) - len(still_open),
        "last_gap": still_open[-1].cause if still_open else None,
    }


def _pool(run: Run) -> str | None:
    """Return the pool whose state, and nothing else, the record speaks of."""
    found = _POOL.match(run.cause) if run.proof == Proof.NONE else None
    return found[1] if found is not None else None


def _reverted(value: int | None) -> int | None:
    return value if value is not None and value < 0 else None


def _gone(_: int | None) -> int | None:
    return None
