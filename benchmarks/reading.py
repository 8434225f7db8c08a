"""Read a sandbox world through the real follower, so that a benchmark has its pools as they are kept."""

from tidemill.app.chains.in_memory import followed
from tidemill.app.sandbox.world import world_config
from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World


async def pools_of(world: World) -> PoolBook:
    """Return every pool of `world` in its state at the chain's head. Raises: TimeoutError after 60 s."""
    async with followed(world_config(world)) as following, Rpc(world.http_url) as rpc:
        await following.reached(int(await rpc.call("eth_blockNumber"), 16))
        return following.book
