"""Make the records of one chain's arbitrage transactions, whatever comes late or is taken away by a reorg.

Blocks wait until an arbitrage of theirs, or of a later block, has come: a feature is made of what was before
its transaction, so that is fed before it, and nothing else. What comes for a block that was fed already is
put there: the windows are taken back to a checkpoint, and fed again.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import pyarrow as pa

from tidemill._rust import FeatureEngine
from tidemill.core.arrow import pc
from tidemill.process.features.plan import plan_of
from tidemill.process.features.words import ASKED
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind

TOPICS = ("block", "swap", "pool_state", ASKED)
"""What features are made of, with `reorg` beside it."""
RECORD = "arbitrage_transaction"
_ROWS_TO_MARK = 131_072
"""After a checkpoint the engine copies each key that it goes on with, which took a third of the time where
blocks come as fast as they are taken. To go through so many rows again takes it half a second."""
_BATCHES_TO_MARK_A_BLOCK = 2
"""As a block has two or three where blocks come one by one; to go through small batches again takes longer
than their rows say."""


class Taken(NamedTuple):
    """A batch of a topic, and where on the bus it was."""

    topic: str
    offset: int
    batch: pa.RecordBatch
    is_told: bool = False
    """Of arbitrages: whether their records were made before."""


class _Held(NamedTuple):
    taken: Taken
    first_block: int
    last_block: int


class _Checkpoint(NamedTuple):
    block: int
    """The last block that is in it; -1 where none is."""
    engine: FeatureEngine
    """The windows as they were; it is never fed."""


class _Reverted(NamedTuple):
    block: int
    offset: int
    """Where on the bus that is told."""


class FeatureBook:
    """The windows of one chain, and the records that come of them."""

    def __init__(self, late_blocks_max: int) -> None:
        self._late_blocks_max = late_blocks_max
        self._engine = FeatureEngine(plan_of())
        self._checkpoints = deque([_Checkpoint(-1, self._engine.copy())])
        self._waiting: list[_Held] = []
        """Batches with rows that are not fed."""
        self._fed: list[_Held] = []
        """Batches that are fed, and not in the oldest checkpoint."""
        self._fed_block = -1
        self._newest_block = -1
        self._asked_block = -1
        """How far arbitrages were taken."""
        self._reverted: dict[bytes, _Reverted] = {}
        """Blocks that left the chain, by hash."""
        self._loaded_block = -1
        """The last block of the checkpoint that was taken up: what is read again of those before is in it."""
        self.too_late_rows = 0
        """Rows that came later than is waited for: the windows lack them, and those of them that are records
        lack all features."""
        self.corrections = 0
        """How often the windows were taken back."""

    # --- state

    @property
    def checkpoint_block(self) -> int:
        """The last block that is in the checkpoint; -1 before the first."""
        return self._checkpoints[0].block

    def checkpoint(self) -> bytes:
        """Return everything up to that block; what was held since is read from the bus again.

        It takes some milliseconds for each thousand keys.
        """
        oldest = self._checkpoints[0]
        return oldest.block.to_bytes(8, "big", signed=True) + oldest.engine.save()

    def load(self, checkpoint: bytes) -> None:
        """Take up a checkpoint, in a book that has taken nothing. Raises: Malformed, for another plan's."""
        block = int.from_bytes(checkpoint[:8], "big", signed=True)
        self._engine.restore(checkpoint[8:])
        self._checkpoints = deque([_Checkpoint(block, self._engine.copy())])
        self._fed_block = self._newest_block = self._asked_block = self._loaded_block = block

    def needed(self) -> dict[str, int]:
        """Return the lowest offset of each topic that has something after the checkpoint."""
        offsets: dict[str, int] = {}
        for held in (*self._fed, *self._waiting):
            topic = held.taken.topic
            offsets[topic] = min(offsets.get(topic, held.taken.offset), held.taken.offset)
        if self._reverted:
            offsets["reorg"] = min(one.offset for one in self._reverted.values())
        return offsets

    @property
    def known_block(self) -> int | None:
        """The last block whose events are in the windows; None where there is none."""
        return self._fed_block if self._fed_block >= 0 else None

    def peek(self, arbitrages: pa.RecordBatch) -> pa.RecordBatch:
        """Return the records that transactions would have now; nothing is kept of them."""
        return self._engine.peek(arbitrages)

    # --- taking

    def revert(self, reorgs: pa.RecordBatch, offset: int) -> None:
        """Take note of blocks that left the chain, or came back; the windows follow with the next batch."""
        for row in derive.to_rows("reorg", reorgs):
            if row["kind"] == ReorgKind.REVERTED:
                self._reverted[row["block_hash"]] = _Reverted(row["block_number"], offset)
            else:
                self._reverted.pop(row["block_hash"], None)
            # the block's rows are fed anew, or no more
            if row["block_number"] <= self._fed_block:
                self._take_back(row["block_number"])

    def take(self, batches: Iterable[Taken], inspected_block: int | None = None) -> list[pa.RecordBatch]:
        """Take batches and return the records of their arbitrages, in order.

        All arbitrages up to `inspected_block` are here with these batches; where it is not known, blocks wait
        for theirs until so many others have come as may be late. Raises: Malformed.
        """
        asked: list[_Held] = []
        records: list[pa.RecordBatch] = []
        first_block = self._fed_block + 1
        for taken in batches:
            held, late = self._hold(taken)
            records += [_bare(late)] if late is not None and not taken.is_told else []
            if held is None:
                continue
            self._waiting.append(held)
            first_block = min(first_block, held.first_block)
            self._newest_block = max(self._newest_block, held.last_block)
            if held.taken.topic == ASKED:
                asked.append(held)
                records += [] if taken.is_told else [_bare(one) for one in self._gone(held)]
        if first_block <= self._fed_block:
            self._take_back(first_block)
        self._asked_block = max([self._asked_block, *(held.last_block for held in asked)])
        if inspected_block is None:
            inspected_block = self._newest_block - self._late_blocks_max
        up_to = max(self._asked_block, inspected_block)
        asked = [held for held in asked if not held.taken.is_told]
        if self._fed_block == self._checkpoints[-1].block:
            # a checkpoint on the way: else what is late each time is gone through from ever the same one
            records += self._feed(up_to - self._late_blocks_max, asked)
            self.mark()
        return records + self._feed(up_to, asked)

    def _hold(self, taken: Taken) -> tuple[_Held | None, pa.RecordBatch | None]:
        """Return what of a batch may still be placed, and those arbitrages that come too late."""
        blocks = taken.batch.column("block_number")
        first, last = pc.min_max(blocks).as_py().values() if taken.batch.num_rows else (None, None)
        if first is None or last is None:
            return None, None
        oldest = self._checkpoints[0].block
        late: pa.RecordBatch | None = None
        if first <= oldest:
            is_late = pc.less_equal(blocks, oldest)
            found = taken.batch.filter(is_late)
            is_known = taken.is_told or (taken.topic != ASKED and last <= self._loaded_block)
            self.too_late_rows += 0 if is_known else found.num_rows
            taken = taken._replace(batch=taken.batch.filter(pc.invert(is_late)))
            late = found if taken.topic == ASKED else None
            if last <= oldest:
                return None, late
            first = oldest + 1
        return _Held(taken, first, last), late

    def _gone(self, held: _Held) -> list[pa.RecordBatch]:
        """Return what of a batch is of blocks that left the chain; the windows never have it."""
        if not self._reverted:
            return []
        found = held.taken.batch.filter(self._is_gone(held.taken.batch))
        return [found] if found.num_rows else []

    def _is_gone(self, batch: pa.RecordBatch) -> pa.Array:
        return pc.is_in(batch.column("block_hash"), pa.array(list(self._reverted), pa.binary(32)))

    def _take_back(self, first_block: int) -> None:
        """Have the windows as they were before a block, or at the oldest checkpoint."""
        while len(self._checkpoints) > 1 and self._checkpoints[-1].block >= first_block:
            self._checkpoints.pop()
        newest = self._checkpoints[-1]
        self._engine = newest.engine.copy()
        self._fed_block = newest.block
        self._waiting = [held for held in self._fed if held.last_block > newest.block] + self._waiting
        self._fed = [held for held in self._fed if held.last_block <= newest.block]
        self.corrections += 1

    def _feed(self, up_to: int, asked: Sequence[_Held]) -> list[pa.RecordBatch]:
        """Feed what is held of the blocks after the last that was fed; return the records of `asked`."""
        if up_to <= self._fed_block:
            return []
        asked = [held for held in asked if held.last_block > self._fed_block and held.first_block <= up_to]
        new = {id(held) for held in asked}
        before = [held for held in self._waiting if id(held) not in new and held.first_block <= up_to]
        fed = [(held.taken.topic, self._piece(held, up_to)) for held in before]
        told = [(ASKED, self._piece(held, up_to)) for held in asked]
        records = self._engine.run([*fed, *told], len(fed))
        self._fed_block = up_to
        self._fed += [held for held in self._waiting if held.last_block <= up_to]
        self._waiting = [held for held in self._waiting if held.last_block > up_to]
        return records

    def _piece(self, held: _Held, up_to: int) -> pa.RecordBatch:
        batch = held.taken.batch
        if held.first_block <= self._fed_block or held.last_block > up_to:
            blocks = batch.column("block_number")
            batch = batch.filter(pc.and_(pc.greater(blocks, self._fed_block), pc.less_equal(blocks, up_to)))
        return batch.filter(pc.invert(self._is_gone(batch))) if self._reverted else batch

    def mark(self) -> None:
        """Keep a checkpoint where the last is old, and let go what no correction can reach.

        Call it after each `take`, once its records are handed on.
        """
        newest = self._checkpoints[-1].block
        if self._fed_block < newest + self._late_blocks_max:
            return
        unmarked = [held.taken.batch for held in self._fed if held.last_block > newest]
        rows = sum(batch.num_rows for batch in unmarked)
        if rows < _ROWS_TO_MARK and len(unmarked) < self._late_blocks_max * _BATCHES_TO_MARK_A_BLOCK:
            return
        self._checkpoints.append(_Checkpoint(self._fed_block, self._engine.copy()))
        if len(self._checkpoints) > 2:
            self._checkpoints.popleft()
            oldest = self._checkpoints[0].block
            self._fed = [held for held in self._fed if held.last_block > oldest]
            self._reverted = {name: one for name, one in self._reverted.items() if one.block > oldest}

    def settle(self) -> None:
        """Take what waits for all that there is, of a chain that fell silent: it holds nothing any more."""
        self._feed(self._newest_block, [])
        self._checkpoints = deque([_Checkpoint(self._fed_block, self._engine.copy())])
        self._fed.clear()
        self._reverted.clear()


def _bare(facts: pa.RecordBatch) -> pa.RecordBatch:
    """Return records without any feature."""
    schema = derive.arrow_schema(RECORD)
    absent = [pa.nulls(facts.num_rows, pa.float64())] * (len(schema) - facts.num_columns)
    return pa.RecordBatch.from_arrays([*facts.columns, *absent], schema=schema)
