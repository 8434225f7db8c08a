"""Do pools stay what their contracts are where a reorg goes below the block that the chain began after."""

import asyncio
import contextlib
from pathlib import Path

import pytest
from tests.app.until import until

from tidemill._rust import UniswapV2Pool, UniswapV3Pool
from tidemill.app.chains.chain import make_book, make_follower
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.recording.digest import Digest
from tidemill.bus import open_bus
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.replay import replay
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.core.recording import Recorder
from tidemill.process.pools import PoolBook
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World

from .contracts import reserves, ticked


async def trade_blocks(world: World, blocks: int) -> None:
    """Have traders trade for so many blocks, and leave none of their swaps waiting."""
    counts = TraderCounts()
    trading = asyncio.create_task(trade(world, TraderOptions(swaps_per_s=200, block_ms=50), counts))
    try:

        async def are_mined() -> bool:
            return counts.blocks >= blocks

        await until(are_mined, timeout_s=60)
    finally:
        trading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await trading
    await world.mine()


async def caught_up(world: World, follower: EvmFollower, pipeline: ChainPipeline) -> None:
    async with Rpc(world.http_url) as rpc:
        block = await rpc.call("eth_getBlockByNumber", "latest", False)
    tip = int(block["number"], 16), bytes.fromhex(block["hash"][2:])

    async def is_taken() -> bool:
        return follower.tip == tip and pipeline.tip in (None, tip[0])

    await until(is_taken, timeout_s=60)


async def assert_are_the_contracts(world: World, book: PoolBook) -> None:
    async with Rpc(world.http_url) as rpc:
        for pool in world.pools:
            ours = book.pools.get(bytes.fromhex(pool.address[2:]))
            if isinstance(ours, UniswapV2Pool):
                assert (ours.reserve0, ours.reserve1) == await reserves(rpc, pool)
            else:
                assert isinstance(ours, UniswapV3Pool)
                theirs = await ticked(rpc, world, pool)
                assert (ours.sqrt_price_x96, ours.tick, ours.liquidity, ours.ticks) == (
                    theirs.sqrt_price_x96,
                    theirs.tick,
                    theirs.liquidity,
                    theirs.ticks,
                )


@pytest.mark.parametrize("sealed", [0, 5])
async def test_pools_are_their_contracts_after_a_reorg_below_the_first_block(
    fresh_world: World, tmp_path: Path, sealed: int
) -> None:
    factories = tuple(
        FactoryConfig(address=one.address, protocol=one.protocol, dex=one.dex)
        for one in fresh_world.factories
        if one.protocol in ("uniswap_v2", "uniswap_v3")
    )
    config = EvmConfig(
        source="sandbox",
        chain_id=fresh_world.chain_id,
        ws_url=fresh_world.ws_url,
        http_url=fresh_world.http_url,
        factories=factories,
        multicall=fresh_world.multicall,
    )
    await trade_blocks(fresh_world, 8)
    digest, path = Digest(), tmp_path / "run.tidemill"
    async with open_bus("memory://") as bus, Recorder(path) as recorder:
        pipeline = ChainPipeline(make_book(config, ()), bus, SystemClock(), digest=digest)
        follower = make_follower(config, {}, "run")
        shell = Shell(follower, pipeline.take, SystemClock(), recorder=recorder)
        running = asyncio.create_task(shell.run("run", {}))
        try:
            await caught_up(fresh_world, follower, pipeline)
            first = follower.tip
            if sealed:
                await trade_blocks(fresh_world, sealed)
                await caught_up(fresh_world, follower, pipeline)
            await fresh_world.reorg(await fresh_world.head() - first[0] + 3)
            await trade_blocks(fresh_world, 5)
            await caught_up(fresh_world, follower, pipeline)
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        assert any("it begins anew" in str(fault) for fault in pipeline.faults)
        await assert_are_the_contracts(fresh_world, pipeline.book)
    replayed = Digest()
    async with open_bus("memory://") as bus:
        again = ChainPipeline(make_book(config, ()), bus, SystemClock(), digest=replayed)

        def refuse(fault: Exception) -> None:
            raise fault

        for step in replay(path, lambda start: None, refuse):
            await again.take(step)
    assert (replayed.hex(), replayed.counts) == (digest.hex(), digest.counts)
