"""Does a pool whose ticks are wrong become what its contract is, on a real node, live and in a replay."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

from msgspec import structs

from tidemill._rust import UniswapV3Pool
from tidemill.app.chains.chain import make_book, make_follower
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.recording.digest import Digest
from tidemill.bus import open_bus
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.replay import replay
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Began, PoolSnapshot, Reread, Step
from tidemill.core.clock import SystemClock
from tidemill.core.recording import Recorder
from tidemill.process.pools import Batches
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import Pool, World
from tidemill.schema import derive

QUOTE = "quoteExactInputSingle((address,address,uint256,uint24,uint160))"


def config_of(world: World) -> EvmConfig:
    factories = tuple(
        FactoryConfig(address=one.address, protocol=one.protocol, dex=one.dex) for one in world.factories
    )
    return EvmConfig(
        source="sandbox",
        chain_id=world.chain_id,
        ws_url=world.ws_url,
        http_url=world.http_url,
        factories=factories,
        multicall=world.multicall,
        heals_per_hour_max=100,
    )


def without_ticks(step: Step) -> Step:
    """Falsify what was read at the start: as if every position of the V3 pools had been missed."""
    step.blocks = [
        Began(tuple(map(_without_ticks, block.pools))) if isinstance(block, Began) else block
        for block in step.blocks
    ]
    return step


def _without_ticks(pool: PoolSnapshot) -> PoolSnapshot:
    return pool if pool.tick_spacing is None else structs.replace(pool, ticks=(), liquidity=0)


class Run:
    """A follower on a world with a pipeline behind it that begins with wrong ticks."""

    def __init__(self, world: World, pipeline: ChainPipeline, recorder: Recorder | None) -> None:
        self.pipeline = pipeline
        self.steps: list[Step] = []
        self.follower = make_follower(config_of(world), {}, "run")
        self.shell = Shell(self.follower, self.take, SystemClock(), recorder=recorder)
        self.tip_taken: tuple[int, bytes] | None = None
        """The newest block whose changes the pools have, not merely the follower."""
        self._changed = asyncio.Event()

    async def take(self, step: Step) -> tuple[bytes, ...]:
        self.steps.append(step)
        drifted = await self.pipeline.take(without_ticks(step))
        self.tip_taken = self.follower.tip
        self._changed.set()
        return drifted

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    def v3(self, pool: Pool) -> UniswapV3Pool:
        found = self.pipeline.book.pools.get(bytes.fromhex(pool.address[2:]))
        assert isinstance(found, UniswapV3Pool)
        return found

    def reread(self) -> set[bytes]:
        blocks = [block for step in self.steps for block in step.blocks if isinstance(block, Reread)]
        return {pool.address for block in blocks for pool in block.pools}


async def tip_of(world: World) -> tuple[int, bytes]:
    async with Rpc(world.http_url) as rpc:
        block = await rpc.call("eth_getBlockByNumber", "latest", False)
    return int(block["number"], 16), bytes.fromhex(block["hash"][2:])


async def swap_all(world: World, run: Run, pools: list[Pool]) -> None:
    """Have traders trade until every one of `pools` has been read anew."""
    wanted = {bytes.fromhex(pool.address[2:]) for pool in pools}
    trading = asyncio.create_task(trade(world, TraderOptions(swaps_per_s=300, block_ms=50), TraderCounts()))
    try:
        await run.until(lambda: wanted <= run.reread())
    finally:
        trading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await trading
    await world.mine()


async def quotes_of_contract(world: World, pool: Pool, sizes: list[int]) -> list[int]:
    async with Rpc(world.http_url) as rpc:
        asked = [abi.flat_call(QUOTE, pool.token0, pool.token1, size, pool.fee_ppm, 0) for size in sizes]
        answers = [await rpc.call("eth_call", {"to": world.quoter, "data": data}, "latest") for data in asked]
    return [int(answer[2:66], 16) for answer in answers]


async def ticks_of_contract(world: World, pool: Pool, ticks: list[int]) -> list[tuple[int, int, int]]:
    """Return what the contract has at `ticks`, and at every further tick that its bitmap names."""
    spacing = pool.tick_spacing or 1
    words = range((-887_272 // spacing) >> 8, ((887_272 // spacing) >> 8) + 1)
    async with Rpc(world.http_url) as rpc:

        async def ask(signature: str, value: int) -> str:
            data = abi.flat_call(signature, value)
            return await rpc.call("eth_call", {"to": pool.address, "data": data}, "latest")

        bitmap = {word: int(await ask("tickBitmap(int16)", word), 16) for word in words}
        named = {
            (word * 256 + bit) * spacing for word in words for bit in range(256) if bitmap[word] >> bit & 1
        }
        found: list[tuple[int, int, int]] = []
        for tick in sorted(named | set(ticks)):
            gross, net = abi.decode(["uint128", "int128"], (await ask("ticks(int24)", tick))[:130])
            found.append((tick, gross, net))
    return found


async def test_pools_with_wrong_ticks_become_what_their_contracts_are(
    fresh_world: World, tmp_path: Path
) -> None:
    pools = [pool for pool in fresh_world.pools if pool.protocol == "uniswap_v3"]
    config, digest, told = config_of(fresh_world), Digest(), Told()
    path = tmp_path / "run.tidemill"
    async with open_bus("memory://") as bus, Recorder(path) as recorder:
        pipeline = ChainPipeline(
            make_book(config, ()), bus, SystemClock(), digest=digest, on_batches=told.take
        )
        run = Run(fresh_world, pipeline, recorder)
        running = asyncio.create_task(run.shell.run("run", {}))
        try:
            await run.until(lambda: bool(pipeline.book.pools))
            await swap_all(fresh_world, run, pools)
            # No swaps are taken back: before the one that told of wrong ticks, they are right again.
            for _ in range(3):
                await fresh_world.mine()
            await fresh_world.reorg(3)
            await fresh_world.mine()
            tip = await tip_of(fresh_world)
            await run.until(lambda: run.tip_taken == tip and all(run.v3(p).is_complete for p in pools))
        finally:
            running.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await running
        for pool in pools:
            ours = run.v3(pool)
            ticks = [tick for tick, _, _ in ours.ticks]
            assert ours.ticks == await ticks_of_contract(fresh_world, pool, ticks)
            sizes = [10**6, 10**12, 10**18, 10**22]
            expected = await quotes_of_contract(fresh_world, pool, sizes)
            assert [ours.amount_out(True, size) for size in sizes] == expected
    assert told.repaired >= len(pools)
    assert [fault for fault in pipeline.faults if "expected liquidity" in str(fault)]
    assert await replayed(path) == (digest.hex(), digest.counts)


class Told:
    """Counts the pools that the coverage events say were repaired."""

    def __init__(self) -> None:
        self.repaired = 0

    def take(self, batches: Batches) -> None:
        for topic, batch in batches:
            if topic == "coverage":
                rows = derive.to_rows(topic, batch)
                self.repaired += sum("read anew after block" in row["cause"] for row in rows)


async def replayed(path: Path) -> tuple[str, dict[str, int]]:
    """Return the digest of a recording's replay, which begins with the same wrong ticks."""
    digest, pipelines = Digest(), list[ChainPipeline]()
    async with open_bus("memory://") as bus:
        for step in replay(
            path,
            lambda start: pipelines.append(
                ChainPipeline(make_book(start.config, start.state_items()), bus, SystemClock(), digest=digest)
            ),
            lambda fault: None,
        ):
            await pipelines[0].take(without_ticks(step))
    return digest.hex(), digest.counts
