"""Tell how many swaps each pool had in each block."""

from typing import ClassVar

import pyarrow as pa
from typing_extensions import override

from tidemill.bus.intake import Message
from tidemill.bus.processor import StreamProcessor, batch_of

_BY = ["source", "chain_id", "block_number", "block_hash", "pool", "event_ns"]


class PoolActivity(StreamProcessor):
    """Counts the swaps of a message by block and pool.

    A commit holds whole blocks, so that a block's counts are whole; one that is told again after a reorg is
    counted again, under its own hash.
    """

    name: ClassVar[str] = "pool_activity"
    reads: ClassVar[tuple[str, ...]] = ("swap",)
    writes: ClassVar[tuple[str, ...]] = ("pool_activity",)

    @override
    async def process(self, message: Message) -> None:
        swaps = pa.Table.from_batches([batch_of(message)])
        if swaps.num_rows == 0:
            return
        counted = swaps.group_by(_BY, use_threads=False).aggregate([([], "count_all")])
        (batch,) = counted.rename_columns([*_BY, "swaps"]).combine_chunks().to_batches()
        await self.forward(batch)


PROCESSOR = PoolActivity
