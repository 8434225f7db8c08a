"""When does the sandbox's node reorganise: between two blocks of the traders, again and again."""

import asyncio

from tidemill.sandbox.faults.spelling import Reorg
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World


class Reorgs:
    """Replaces the last blocks at set times; `count` says how often it did."""

    def __init__(self, world: World, reorg: Reorg) -> None:
        self._world = world
        self._reorg = reorg
        self._due_s: float | None = None
        self.count = 0

    async def between_blocks(self) -> None:
        """Reorganise if it is time; called where no block is being made, which a reorg would spoil.

        Where the chain has fewer blocks after its set-up than the reorg is deep, it waits for them.

        Raises: Refused where the node no longer keeps the state that deep, Unreachable.
        """
        now_s = asyncio.get_running_loop().time()
        if self._due_s is None:
            self._due_s = now_s + self._reorg.every_ms / 1_000
        if now_s < self._due_s:
            return
        async with Rpc(self._world.http_url) as rpc:
            newest = int(await rpc.call("eth_blockNumber"), 16)
        if newest - self._reorg.depth_blocks < self._world.ready_block:
            return
        await self._world.reorg(self._reorg.depth_blocks)
        self.count += 1
        self._due_s = now_s + self._reorg.every_ms / 1_000
