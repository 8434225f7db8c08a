"""Do pools of further kinds, read from a real node and followed, answer what their own contracts answer."""

import asyncio
import contextlib
import random
from typing import Any

import pytest

from tidemill._rust import PoolError
from tidemill.app.chains.chain import make_book
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Began, Reread, Sealed, Step
from tidemill.core.clock import SystemClock
from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.faults import Fault

venues = pytest.importorskip("tidemill.sandbox.venues", reason="the sandbox has no further pools yet")

KINDS = {"algebra_v1": "v1", "algebra_v2": "v2", "algebra_integral": "integral", "uniswap_v4": None}
ROUNDS = 12


def config_of(world: Any, pools: list[Any], **changes: Any) -> EvmConfig:
    factories = {
        pool.factory or pool.vault: FactoryConfig(
            address=pool.factory or pool.vault,
            protocol="uniswap_v4" if pool.protocol == "uniswap_v4" else "algebra",
            dex=pool.dex,
            rules=KINDS[pool.protocol],  # pyright: ignore[reportArgumentType]
        )
        for pool in pools
    }
    urls = {"ws_url": world.ws_url, "http_url": world.http_url, "multicall": world.multicall}
    plain = {"source": "sandbox", "chain_id": world.chain_id, "factories": tuple(factories.values())}
    return EvmConfig(**(plain | urls | changes))


class Followed:
    """A book of pools that takes what a follower says."""

    def __init__(self, book: PoolBook) -> None:
        self.book = book
        self.tip = -1
        self.faults: list[str] = []
        self._moved = asyncio.Event()

    async def take(self, step: Step) -> tuple[bytes, ...]:
        self.faults += [str(fault) for fault in step.faults]
        for block in step.blocks:
            if isinstance(block, Began):
                self.book.snapshot(block.pools)
            elif isinstance(block, Sealed):
                self.book.seal(block.heads, block.logs, block.recv_ns)
                self.tip = block.heads[-1].number
            elif isinstance(block, Reread):
                self.book.reread(block.pools, block.sequence)
        self.faults += [str(fault) for fault in self.book.take().faults]
        self._moved.set()
        return self.book.take_drifted()

    async def caught_up(self, rpc: Rpc) -> None:
        """Mine until a new block is followed: the one that a follower starts after it does not tell."""
        async with asyncio.timeout(60):
            while True:
                await rpc.call("evm_mine")
                newest = int(await rpc.call("eth_blockNumber"), 16)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(2):
                        while self.tip < newest:
                            self._moved.clear()
                            await self._moved.wait()
                        return

    def pool(self, pool: Any) -> Any:
        address = pool.pool_id[2:42] if pool.protocol == "uniswap_v4" else pool.address[2:]
        return self.book.pools.get(bytes.fromhex(address))


async def told(rpc: Rpc, pool: Any, leg: Any, is_out: bool) -> int | None:
    """Return what the pool's own quoter says, None where it refuses."""
    venue = venues.VENUES[pool.protocol]
    data = venue.ask_out(pool, leg) if is_out else venue.ask_in(pool, leg)
    try:
        answer = await rpc.call("eth_call", {"to": pool.quoter, "data": data}, "latest")
    except Fault:
        return None
    read = venue.read_out if is_out else venue.read_in
    return read(bytes.fromhex(answer[2:]), leg)


def computed(ours: Any, zero_for_one: bool, size: int, is_out: bool) -> int | None:
    try:
        return ours.amount_out(zero_for_one, size) if is_out else ours.amount_in(zero_for_one, size)
    except PoolError:
        return None


@pytest.mark.parametrize("start_block", ["latest", 1])
async def test_pools_of_further_kinds_answer_what_their_contracts_answer(
    fresh_world: Any, start_block: Any
) -> None:
    world, dice = fresh_world, random.Random(7)
    pools = [pool for pool in world.further_pools if pool.protocol in KINDS]
    config = config_of(world, pools, start_block=start_block)
    followed = Followed(make_book(config, []))
    shell = Shell(EvmFollower(config, None, "run"), followed.take, SystemClock())
    task = asyncio.create_task(shell.run("run", {}))
    unequal: list[object] = []
    try:
        async with Rpc(world.http_url) as rpc:
            async with asyncio.timeout(60):
                while not all(ours is not None and ours.is_complete for ours in map(followed.pool, pools)):
                    await followed.caught_up(rpc)
            for _ in range(ROUNDS):
                for pool in pools:
                    zero_for_one, size = dice.random() < 0.5, int(10 ** dice.uniform(0, 26))
                    leg = venues.Leg(int(not zero_for_one), int(zero_for_one), size)
                    for is_out in (True, False):
                        theirs = await told(rpc, pool, leg, is_out)
                        ours = computed(followed.pool(pool), zero_for_one, size, is_out)
                        # before Integral the fee moves with a block's first swap, which the quoter's is
                        moves = pool.protocol in ("algebra_v1", "algebra_v2")
                        if ours != theirs and not moves:
                            unequal.append((pool.protocol, is_out, leg, ours, theirs))
                    sender, sold = world.accounts.traders[0], venues.Leg(leg.token_in, leg.token_out, 10**6)
                    data = venues.VENUES[pool.protocol].swap(pool, sold, sender)
                    call = {"from": sender, "to": pool.router, "data": data, "gas": hex(5_000_000)}
                    await rpc.call("eth_sendTransaction", call)
                await followed.caught_up(rpc)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
    assert unequal == []
    assert followed.faults == []
