"""Read a sandbox world through the real follower, so that a benchmark has its pools as they are kept."""

import asyncio

from tidemill.app.chain import make_book, make_follower
from tidemill.app.demo import world_config
from tidemill.app.pipeline import ChainPipeline
from tidemill.bus import open_bus
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World


async def pools_of(world: World) -> PoolBook:
    """Return every pool of `world` in its state at the chain's head. Raises: TimeoutError after 60 s."""
    config = world_config(world)
    clock = SystemClock()
    async with open_bus("memory://") as bus, asyncio.timeout(60):
        pipeline = ChainPipeline(make_book(config, []), bus, clock)
        shell = Shell(make_follower(config, {}, "bench"), pipeline.take, clock)
        running = asyncio.create_task(shell.run("bench", {}))
        try:
            async with Rpc(world.http_url) as rpc:
                head = int(await rpc.call("eth_blockNumber"), 16)
            while (pipeline.tip or 0) < head:
                if running.done():
                    running.result()
                await asyncio.sleep(0.05)
        finally:
            running.cancel()
            await asyncio.wait([running])
        return pipeline.book
