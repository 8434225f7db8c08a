"""Which events will no reorg take back: they are held until enough canonical blocks follow theirs."""

from collections.abc import Mapping

import pyarrow as pa

from tidemill.process.pools import Batches
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind


class Finality:
    """The held events of one chain.

    Give it the batches of the bus in their order; it returns the same events later, block by block, without
    those of blocks that left the canonical chain. An event that belongs to no block is final at once; so is
    `reorg` itself, which tells nothing to who never heard of the block.
    """

    def __init__(self, final_blocks: int) -> None:
        """Have `final_blocks` canonical blocks follow before a block's events are returned."""
        self._final_blocks = final_blocks
        self._held: dict[tuple[int, bytes], Batches] = {}
        """By number and hash of the block; within a block, as they came."""
        self._reverted: set[bytes] = set()
        self._newest = -1

    @property
    def held_blocks(self) -> int:
        """How many blocks wait, those that left the canonical chain included."""
        return len(self._held)

    def add(self, batches: Batches) -> Batches:
        """Take what came next; return what is final now, by block."""
        final: Batches = []
        for topic, batch in batches:
            if topic == "reorg":
                self._reorganise(batch)
            elif derive.has_block(topic):
                final += self._hold(topic, batch)
            else:
                final.append((topic, batch))
        return final + self._release()

    def _hold(self, topic: str, batch: pa.RecordBatch) -> Batches:
        """Keep the rows by their blocks; return those that belong to none."""
        numbers, hashes = batch.column("block_number").to_pylist(), batch.column("block_hash").to_pylist()
        places: dict[tuple[int, bytes], list[int]] = {}
        blockless: list[int] = []
        for at, block in enumerate(zip(numbers, hashes, strict=True)):
            rows = blockless if block[1] is None else places.setdefault(block, [])
            rows.append(at)
        for block, rows in places.items():
            self._held.setdefault(block, []).append((topic, batch.take(pa.array(rows))))
            if topic == "block":
                self._newest = max(self._newest, block[0])
        return [(topic, batch.take(pa.array(blockless)))] if blockless else []

    def _reorganise(self, batch: pa.RecordBatch) -> None:
        for row in derive.to_rows("reorg", pa.Table.from_batches([batch])):
            self._move(row)

    def _move(self, row: Mapping[str, object]) -> None:
        block_hash, number = row["block_hash"], row["block_number"]
        assert isinstance(block_hash, bytes)
        assert isinstance(number, int)
        if row["kind"] == ReorgKind.REVERTED:
            self._reverted.add(block_hash)
            self._newest = min(self._newest, number - 1)
        else:
            self._reverted.discard(block_hash)
            self._newest = max(self._newest, number)

    def _release(self) -> Batches:
        final: Batches = []
        for number, block_hash in sorted(
            key for key in self._held if key[0] + self._final_blocks <= self._newest
        ):
            held = self._held.pop((number, block_hash))
            if block_hash in self._reverted:
                self._reverted.discard(block_hash)
            else:
                final += held
        return final
