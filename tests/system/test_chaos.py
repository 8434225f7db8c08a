"""Is everything whole after faults at random: an endpoint that misbehaves, a program that is killed?"""

import asyncio
import os
import random
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tidemill.app.control import ask_sql
from tidemill.sandbox.faults.proxy import fault_proxy
from tidemill.sandbox.faults.scenario import PRESETS, Scenario
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World

from .program import assert_whole, caught_up, chain_section, kill_after, tidemill, up

SECONDS = float(os.environ.get("CHAOS_SECONDS", "10"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
_RSS_MAX_MB = 2_000


def resident_mb(process_id: int) -> float:
    lines = Path(f"/proc/{process_id}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1_024 for line in lines if line.startswith("VmRSS"))


@pytest.mark.timeout(240 + 2 * SECONDS)
async def test_after_faults_at_random_chain_store_and_export_are_the_same(
    fresh_world: World, tmp_path: Path
) -> None:
    world, dice = fresh_world, random.Random(SEED)
    print(f"CHAOS_SEED={SEED}")
    async with fault_proxy(http_url=world.http_url, ws_url=world.ws_url, seed=SEED) as proxy:
        section = chain_section(
            "storm",
            world,
            ws_url=proxy.ws_url,
            http_url=proxy.http_url,
            answer_timeout_ms=2_000,
            proof="receipts_root",  # what is left out of an answer is found out by nothing less
        )
        (tmp_path / "tidemill.toml").write_text(section)
        pace = TraderOptions(swaps_per_s=30, block_ms=200, seed=SEED)
        trading = asyncio.ensure_future(trade(world, pace, TraderCounts()))
        ends_s = time.monotonic() + SECONDS
        while time.monotonic() < ends_s:
            name = dice.choice(sorted(PRESETS))
            lives_s = dice.uniform(2, 8)
            print(f"{name} for {lives_s:.1f} s, then SIGKILL")
            await proxy.change(Scenario.parse(name))
            await kill_after(tmp_path, lives_s)
        trading.cancel()
        await asyncio.wait([trading])
        await proxy.change(Scenario())
        await world.mine()
        async with up(tmp_path) as program:
            await caught_up(tmp_path, "storm", world, timeout_s=180)
            await assert_whole(tmp_path, "storm", world)
            told = await ask_sql(tmp_path / "data", "SELECT count() AS n FROM swap_canonical")
            assert told is not None
            code, _, complaint = await tidemill(
                tmp_path, "export", "parquet", "--table", "swap", "--to", "out"
            )
            assert code == 0, complaint
            code, _, complaint = await tidemill(tmp_path, "verify", "out")
            assert code == 0, complaint
            files = (tmp_path / "out").rglob("*.parquet")
            assert sum(pq.read_metadata(file).num_rows for file in files) == told["n"][0].as_py() > 0
            assert resident_mb(program.pid) < _RSS_MAX_MB
