"""A world followed by the real reader for as long as a test needs it: the pools as tidemill keeps them."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager

from tidemill._rust import UniswapV2Pool, UniswapV3Pool
from tidemill.app.chains.in_memory import Followed, followed
from tidemill.app.sandbox.world import FOLLOWED, world_config
from tidemill.process.opportunities import SearchConfig
from tidemill.process.pools import Batches
from tidemill.sandbox.world import Pool, Protocol, World

Kept = UniswapV2Pool | UniswapV3Pool


class Following:
    """What the reader has seen so far."""

    def __init__(self, chain: Followed) -> None:
        self.pipeline = chain.pipeline
        self._chain = chain

    async def reach(self, number: int) -> None:
        """Wait until block `number` and its pools are committed."""
        await self._chain.reached(number, within_s=30)

    def pool(self, pool: Pool) -> Kept:
        found = self._chain.book.pools.get(bytes.fromhex(pool.address[2:]))
        assert found is not None, f"{pool.address} was never discovered"
        return found


@asynccontextmanager
async def following(
    world: World,
    *,
    search: SearchConfig | None = None,
    on_batches: Callable[[Batches], None] | None = None,
    further: Collection[Protocol] = FOLLOWED,
) -> AsyncIterator[Following]:
    """Follow `world` from its first contract on; what stops the reader ends the test."""
    config = world_config(world, further=further)
    async with followed(config, search=search, on_batches=on_batches) as chain:
        yield Following(chain)
