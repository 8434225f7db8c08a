"""Is everything whole after faults at random: endpoints that misbehave, reorgs, programs that are killed?"""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import psutil
import pytest
from tests.app import test_sei
from tests.app.test_api import addresses, samples
from tests.app.until import until
from tests.execute.arena import Arena, open_arena
from tests.servers.sei import SeiServer, sei_server
from tests.services import need_node

from tidemill.app.control import ask_sql, ask_status
from tidemill.app.settings import read_settings
from tidemill.bus import open_bus
from tidemill.sandbox.faults.proxy import FaultProxy, fault_proxy
from tidemill.sandbox.faults.scenario import PRESETS, Scenario
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.store import Writer, open_store

from .chaos_proofs import (
    assert_books_are_venues,
    assert_files_are_chain,
    assert_ledger_is_chain,
    assert_store_is_bus,
    ledger_rows,
)
from .chaos_trading import trading_live
from .program import assert_whole, begun, caught_up, chain_section, kill_after, tidemill, up

SECONDS = float(os.environ.get("CHAOS_SECONDS", "10"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
CALMS = max(3, int(SECONDS / 60))
"""How often the last program, which is not killed, is looked at between faults."""
_REORG_ONE_IN = 40
_REORG_MAX = 3
_FINAL_BLOCKS = _REORG_MAX + 2
_PATIENCE_S = 180 + SECONDS
"""What came while the reader was killed again and again is to be read too."""
_RSS_MAX_MB = 2_000
_TASKS_SLACK = 4
"""A question may be under way."""
_FILES_SLACK = 16
"""The engine opens what it merges; a file lost with each storm is more in an hour."""
_THREADS_SLACK = 64
"""The engine's pools fill up, to their bounds, as merges and questions happen to coincide; each of their
threads holds three files of `/proc` open, which are not counted as files.
"""
_RSS_GROWTH_MAX_MB = 300
"""Of the last program from its first calm to its last: caches fill, blocks and events are not kept."""
_VENUE_FAULTS: tuple[dict[str, Any], ...] = (
    {"drop_percent": 20},
    {"garbage_percent": 20},
    {"heads_left_out_percent": 30},
    {"slow_ms": 300},
    {"is_silent": True},
    {"is_dead": True},
)
_NO_FAULT: dict[str, Any] = {name: 0 for one in _VENUE_FAULTS[:4] for name in one} | {
    "is_silent": False,
    "is_dead": False,
}


class Storm(NamedTuple):
    """The world outside, and what goes wrong in it."""

    arena: Arena
    node: FaultProxy
    venue: SeiServer
    dice: random.Random
    reorg_dice: random.Random
    """Of their own: how many blocks there are is the machine's affair, and faults are to be the seed's."""

    async def blow(self) -> str:
        """Have other faults from now on; return which."""
        name = self.dice.choice(sorted(PRESETS))
        fault = self.dice.choice(_VENUE_FAULTS)
        await self.node.change(Scenario.parse(name))
        await self.venue.control(**_NO_FAULT | fault)
        return f"{name}, {fault}"

    async def calm(self) -> None:
        """Have no faults."""
        await self.node.change(Scenario())
        await self.venue.control(**_NO_FAULT)

    async def reorganise(self) -> None:
        """Replace the newest blocks, perhaps: to be awaited between two of them."""
        if self.reorg_dice.randrange(_REORG_ONE_IN) == 0:
            await self.arena.world.reorg(self.reorg_dice.randint(1, _REORG_MAX))


@asynccontextmanager
async def storm(folder: Path) -> AsyncIterator[Storm]:
    """Open chain, venue and their faults, and write the settings that read both."""
    async with (
        open_arena() as arena,
        sei_server() as venue,
        fault_proxy(http_url=arena.world.http_url, ws_url=arena.world.ws_url, seed=SEED) as node,
    ):
        file = test_sei.settings_file(folder, venue)
        section = chain_section(
            "storm",
            arena.world,
            ws_url=node.ws_url,
            http_url=node.http_url,
            answer_timeout_ms=2_000,
            proof="receipts_root",  # what is left out of an answer is found out by nothing less
        )
        file.write_text(file.read_text() + section)
        yield Storm(arena, node, venue, random.Random(SEED), random.Random(SEED))


@asynccontextmanager
async def going_on(*works: Any) -> AsyncIterator[None]:
    """Have coroutines run while the context is open; one that ends fails."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    for task in tasks:
        assert task.cancelled(), task.exception()


class Held(NamedTuple):
    """What a program holds at rest."""

    resident_mb: float
    files: int
    threads: int
    tasks: int


async def held(folder: Path, process_id: int) -> Held:
    process = psutil.Process(process_id)
    _, metrics = await addresses(folder)
    tasks = (await samples(metrics))["tidemill_tasks", frozenset()]
    files = [file for file in opened_by(process_id) if not file.startswith("/proc/")]
    return Held(process.memory_info().rss / 2**20, len(files), process.num_threads(), int(tasks))


def opened_by(process_id: int) -> Iterator[str]:
    """Yield what the process has open: files, sockets and pipes."""
    for descriptor in Path(f"/proc/{process_id}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since
            yield str(descriptor.readlink())


async def venue_is_read(folder: Path, height: int) -> bool:
    status = await ask_status(folder / "data")
    return (
        bool(status) and (status["venues"]["sei"]["proven"] or 0) >= height and status["store"]["is_stored"]
    )


async def everything_is_read(folder: Path, outside: Storm) -> dict[str, Any]:
    """Wait until all of the chain and of the venue, which is paused, is stored; return what the venue has."""
    await outside.venue.control(is_paused=True)
    truth = await outside.venue.truth()
    await outside.arena.world.mine()
    await caught_up(folder, "storm", outside.arena.world, timeout_s=_PATIENCE_S)
    await until(lambda: venue_is_read(folder, truth["height"]), _PATIENCE_S)
    return truth


def assert_nothing_grows(found: list[Held]) -> None:
    """What is held at rest is what was held at rest before."""
    print(*found, sep="\n")
    first, last = found[0], found[-1]
    assert min(one.tasks for one in found[1:]) <= first.tasks + _TASKS_SLACK
    assert min(one.files for one in found[-2:]) <= first.files + _FILES_SLACK
    assert last.threads <= first.threads + _THREADS_SLACK
    assert last.resident_mb < _RSS_MAX_MB
    assert last.resident_mb - first.resident_mb < _RSS_GROWTH_MAX_MB


@pytest.mark.timeout(400 + 4 * SECONDS)
async def test_after_faults_at_random_nothing_is_lost_double_unequal_or_leaked(tmp_path: Path) -> None:
    need_node()
    print(f"CHAOS_SEED={SEED}")
    async with storm(tmp_path) as outside:
        arena, dice = outside.arena, outside.dice
        async with trading_live(arena, tmp_path, random.Random(SEED), _FINAL_BLOCKS) as live:
            pace = TraderOptions(swaps_per_s=30, block_ms=200, seed=SEED, arbitrage_percent=0)
            crowd = trade(arena.world, pace, TraderCounts(), outside.reorganise)
            async with up(tmp_path):
                await begun(tmp_path, "storm")
            async with going_on(crowd, live.run()):
                ends_s = time.monotonic() + SECONDS
                while time.monotonic() < ends_s or not live.is_tried:
                    lives_s = dice.uniform(2, 8)
                    print(f"{await outside.blow()} for {lives_s:.1f} s, then SIGKILL")
                    await kill_after(tmp_path, lives_s)
            await outside.calm()
            await live.settle()
        print(dict(live.ends))
        rows = await ledger_rows(tmp_path / "data")
        async with up(tmp_path) as program:
            found: list[Held] = []
            for number in range(CALMS):
                if number:
                    await outside.venue.control(is_paused=False)
                    await outside.blow()
                    crowd = trade(arena.world, pace, TraderCounts(), outside.reorganise)
                    async with going_on(crowd):
                        await asyncio.sleep(dice.uniform(1, 3))  # of faults
                    await outside.calm()
                truth = await everything_is_read(tmp_path, outside)
                found.append(await held(tmp_path, program.pid))
            assert_nothing_grows(found)
            await assert_whole(tmp_path, "storm", arena.world)
            told = await ask_sql(tmp_path / "data", "SELECT count() AS n FROM execution")
            assert told is not None
            assert told["n"].to_pylist() == [len(rows)]
            for command in (("export", "parquet", "--table", "swap", "--to", "out"), ("verify", "out")):
                code, _, complaint = await tidemill(tmp_path, *command)
                assert code == 0, complaint
        await assert_files_are_chain((tmp_path / "out").rglob("*.parquet"), arena.world)
        states = await assert_ledger_is_chain(rows, arena.world, live.account, arena.executor)
        assert live.accepted <= {"0x" + row["execution_id"].hex() for row in rows}
        assert states["final"] > 0, states
        await assert_stored(tmp_path, truth)


async def assert_stored(folder: Path, truth: dict[str, Any]) -> None:
    """The store has what the bus has, and of the venue what the venue has."""
    environment = read_settings(folder / "tidemill.toml", folder / "data", {})
    settings = environment.settings
    async with (
        open_bus(environment.bus_url, settings.bus) as bus,
        open_store(environment.store_url, settings.store) as store,
    ):
        writer = Writer(bus, store, now_ns=time.time_ns, settings=settings.store.writer)
        async with going_on(writer.run()):
            await writer.drain()  # what came to the bus as the program ended
        counts = await assert_store_is_bus(bus, store)
        assert counts["execution"] > 0
        await assert_books_are_venues(store, truth)
