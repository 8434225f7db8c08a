"""A reorg of 64 blocks of a live chain: until states and retractions are out, and until rows are stored."""

import asyncio
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.row import Row
from tidemill.app.chains.chain import make_book, make_follower
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.sandbox.world import world_config
from tidemill.bus import open_bus
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Reverted, Sealed, Step
from tidemill.core.clock import NS_PER_MS, SystemClock
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.node import NodeOptions
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World
from tidemill.store import Writer, open_store

_DEPTH = 64
_BLOCKS = 80
_ROUNDS = 3
_QUERY = (
    "SELECT count() FROM reorg WHERE kind = 'reverted'",
    "SELECT max(block_number) FROM block_canonical",
)


class _Watch:
    """Notes when the last of a reorg came in, and when it was out."""

    def __init__(self, pipeline: ChainPipeline) -> None:
        self._pipeline = pipeline
        self.reverted = 0
        self.tip = -1
        self.seen_ns = 0
        self.out_ns = 0
        self.changed = asyncio.Event()

    async def take(self, step: Step) -> Sequence[bytes]:
        drifted = await self._pipeline.take(step)
        out_ns = time.time_ns()
        for block in step.blocks:
            match block:
                case Reverted():
                    self.reverted += 1
                case Sealed():
                    self.tip = block.heads[-1].number
                    self.seen_ns, self.out_ns = block.first_seen_ns[-1], out_ns
                case _:
                    pass
        self.changed.set()
        return drifted

    async def until(self, reverted: int, tip: int) -> None:
        async with asyncio.timeout(60):
            while self.reverted < reverted or self.tip < tip:
                self.changed.clear()
                await self.changed.wait()


async def _measure(world: World, folder: Path) -> list[tuple[float, float]]:
    config, clock = world_config(world), SystemClock()
    async with open_bus(f"lmdb://{folder / 'bus'}") as bus, open_store(f"chdb://{folder / 'store'}") as store:
        await store.migrate()
        writer = Writer(bus, store, now_ns=clock.now_ns)
        watch = _Watch(ChainPipeline(make_book(config, []), bus, clock))
        shell = Shell(make_follower(config, {}, "bench"), watch.take, clock)
        running = [asyncio.create_task(writer.run()), asyncio.create_task(shell.run("bench", {}))]
        found: list[tuple[float, float]] = []
        for number in range(_ROUNDS):
            options = TraderOptions(swaps_per_s=500, block_ms=100, seed=number)
            trading = asyncio.create_task(trade(world, options, TraderCounts()))
            await watch.until(number * _DEPTH, max(watch.tip, world.ready_block) + _BLOCKS)
            trading.cancel()
            await asyncio.wait([trading])
            await writer.drain()
            tip = watch.tip
            await world.reorg(_DEPTH)
            await watch.until((number + 1) * _DEPTH, tip)
            out_ms = (watch.out_ns - watch.seen_ns) / NS_PER_MS
            await writer.drain()
            reverted, newest = [(await store.query(sql)).column(0)[0].as_py() for sql in _QUERY]
            assert (reverted, newest) == ((number + 1) * _DEPTH, watch.tip), "what was drained is not stored"
            found.append((out_ms, (time.time_ns() - watch.seen_ns) / NS_PER_MS))
        for task in running:
            task.cancel()
        await asyncio.wait(running)
        return found


async def _run() -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        async with open_world(options=NodeOptions(states_kept=500)) as world:
            return await _measure(world, Path(folder))


def run() -> list[Row]:
    """Trade for 80 blocks, replace the last 64; the slowest of three times."""
    found = asyncio.run(_run())
    note = f"slowest of {_ROUNDS}; from the announcement of the new branch's last block"
    return [
        Row(
            f"reorg of {_DEPTH} blocks → states and retractions out",
            max(o for o, _ in found),
            "ms",
            50,
            "lower",
            note,
        ),
        Row(
            f"reorg of {_DEPTH} blocks → rows stored and queryable",
            max(s for _, s in found),
            "ms",
            1_000,
            "lower",
            note,
        ),
    ]
