import asyncio
from itertools import pairwise

import pytest

from tidemill.sandbox.faults.reorgs import Reorgs
from tidemill.sandbox.faults.spelling import Reorg
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World


@pytest.mark.parametrize("depth_blocks", [1, 6])
async def test_the_chain_stays_linked_while_traders_trade_and_the_node_reorganises(
    fresh_world: World, depth_blocks: int
) -> None:
    reorgs = Reorgs(fresh_world, Reorg(depth_blocks, every_ms=150))
    counts = TraderCounts()
    done = asyncio.Event()

    async def between() -> None:
        if reorgs.count == 3:
            done.set()
            await asyncio.Event().wait()
        await reorgs.between_blocks()

    options = TraderOptions(swaps_per_s=200, block_ms=20)
    trading = asyncio.create_task(trade(fresh_world, options, counts, between))
    await asyncio.wait_for(done.wait(), 30)
    trading.cancel()
    await asyncio.gather(trading, return_exceptions=True)
    async with Rpc(fresh_world.http_url) as rpc:
        newest = int(await rpc.call("eth_blockNumber"), 16)
        blocks = [await rpc.call("eth_getBlockByNumber", hex(n), False) for n in range(newest + 1)]
    for parent, block in pairwise(blocks):
        assert block["parentHash"] == parent["hash"]
    assert newest < fresh_world.ready_block + counts.blocks + 1
    assert counts.refused_blocks == 0


async def test_a_chain_that_is_not_deep_enough_is_left_alone(world: World) -> None:
    reorgs = Reorgs(world, Reorg(100_000, every_ms=1))
    await reorgs.between_blocks()
    await asyncio.sleep(0.01)
    await reorgs.between_blocks()
    assert reorgs.count == 0
