"""`kill -9` of `tidemill up` at random moments: afterwards the store has exactly what the chain has."""

import asyncio
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.servers.kafka import Broker

from tidemill.app.chains.verify import TABLES, compare, logs_on_chain, stored_keys
from tidemill.app.control import ask_sql, ask_status
from tidemill.sandbox.faults.proxy import FaultProxy, fault_proxy
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema.faults import Unreachable

from .conftest import FREE_PORTS, ROOT, chain_toml
from .crowd import TradingCrowd
from .until import until

KILLS = int(os.environ.get("KILLS", "25"))
LIVES_S = (0.2, 2.0)
"""How long a process lives that is killed while it starts: from before it has opened anything."""
LIVE_S = 1.0
"""How long at most one lives on that has caught up with the chain."""
REORG_EVERY = 5


@asynccontextmanager
async def running_up(folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidemill.app.cli",
        "up",
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **FREE_PORTS},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def lived(process: asyncio.subprocess.Process, seconds: float) -> None:
    """Wait; a process that ends by itself meanwhile is a failure."""
    try:
        async with asyncio.timeout(seconds):
            _, complaint = await process.communicate()
    except TimeoutError:
        return
    pytest.fail(f"`up` ended by itself with {process.returncode}: {complaint.decode()[-2000:]}")


async def stored_something(data: Path, process: asyncio.subprocess.Process) -> None:
    """Wait until a run has committed its first block."""

    async def is_there() -> bool:
        status = None
        with suppress(Unreachable):  # it has just begun, on a machine that has much to do
            status = await ask_status(data)
        return process.returncode is not None or bool(
            status and status["chains"]["sandbox"]["tip"] is not None
        )

    await until(is_there, 60)


async def caught_up(data: Path, head: int) -> None:
    async def is_there() -> bool:
        status = await ask_status(data)
        return bool(status and status["chains"]["sandbox"]["tip"] == head and status["store"]["is_stored"])

    await until(is_there, 60)


@pytest.mark.timeout(60 + 8 * KILLS)
async def test_after_kills_at_random_moments_the_store_has_what_the_chain_has(
    fresh_world: World, tmp_path: Path
):
    await killed_and_whole(fresh_world, tmp_path, KILLS)


@pytest.mark.timeout(60 + 8 * KILLS)
async def test_kills_behind_an_endpoint_that_misbehaves_cost_nothing_either(
    fresh_world: World, tmp_path: Path
):
    scenario = Scenario.parse(
        "drop_log=1/100,drop=1/300,duplicate=1/200,reorder=1/200,garbage=1/500,disconnect=1/1000,slow_ms=3"
    )
    world = fresh_world
    async with fault_proxy(http_url=world.http_url, ws_url=world.ws_url, scenario=scenario) as proxy:
        await killed_and_whole(world, tmp_path, max(KILLS // 4, 1), proxy)


@pytest.mark.timeout(240 + 8 * KILLS)
async def test_kills_over_kafka_cost_nothing_either(fresh_world: World, tmp_path: Path, broker: Broker):
    settings = f'[bus]\nurl = "{broker.url("up")}"\n[kafka.producer]\ntransaction_timeout_ms = 2000\n'
    await killed_and_whole(fresh_world, tmp_path, max(KILLS // 12, 1), settings=settings)


async def killed_and_whole(
    fresh_world: World, tmp_path: Path, kills: int, through: FaultProxy | None = None, settings: str = ""
) -> None:
    (tmp_path / "tidemill.toml").write_text(chain_toml(fresh_world, through=through) + settings)
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    async with TradingCrowd(fresh_world, swaps_per_s=60, block_ms=100, liquidity_percent=10) as crowd:
        for kill in range(kills):
            async with running_up(tmp_path) as process:
                if kill % 3:
                    await stored_something(tmp_path / "data", process)
                    await lived(process, dice.uniform(0, LIVE_S))
                else:
                    await lived(process, dice.uniform(*LIVES_S))
                process.send_signal(signal.SIGKILL)
            if kill % REORG_EVERY == REORG_EVERY - 1:
                await crowd.reorg(dice.randint(1, 5))
    await fresh_world.mine()
    data = tmp_path / "data"
    async with running_up(tmp_path) as process, Rpc(fresh_world.http_url) as rpc:
        head = int(await rpc.call("eth_blockNumber"), 16)
        await caught_up(data, head)

        async def query(sql: str):
            answer = await ask_sql(data, sql)
            assert answer is not None
            return answer

        for table, topics in TABLES.items():
            proof = compare(
                await logs_on_chain(rpc, fresh_world, topics),
                await stored_keys(query, table, fresh_world.chain_id),
            )
            assert (proof.missing, proof.double, proof.unknown) == (0, 0, 0), f"{table}: {proof}, seed {seed}"
        assert proof.on_chain > 0
        runs = await query("SELECT uniqExact(connection) AS runs FROM coverage")
        assert runs["runs"][0].as_py() > kills / 4, "the kills came too early to hit anything"
        await blocks_are_whole(query, rpc, fresh_world.deploy_block, head)
        await states_are_the_contracts(query, rpc, fresh_world)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(5):
            await process.communicate()
        assert process.returncode == 0


async def blocks_are_whole(query, rpc: Rpc, first: int, head: int) -> None:
    """Every block of the chain is stored once, under its own hash."""
    stored = await query("SELECT block_number, block_hash FROM block_canonical ORDER BY block_number")
    assert stored["block_number"].to_pylist() == list(range(first, head + 1))
    for number, found in zip(
        stored["block_number"].to_pylist(), stored["block_hash"].to_pylist(), strict=True
    ):
        if number % 10 == 0 or number == head:
            block = await rpc.call("eth_getBlockByNumber", hex(number), False)
            assert "0x" + found.hex() == block["hash"]


async def states_are_the_contracts(query, rpc: Rpc, world: World) -> None:
    """The newest stored state of every pool is its contract's, and no state is stored twice."""
    twice = await query(
        "SELECT count() AS c FROM (SELECT 1 FROM pool_state"
        " GROUP BY chain_id, block_hash, log_index, pool, cause, sequence HAVING count() > 1)"
    )
    assert twice["c"][0].as_py() == 0
    newest = await query(
        "SELECT pool, argMax(tuple(reserve0, reserve1, sqrt_price_x96, liquidity, tick),"
        " (block_number, sequence)) AS s,"
        " toString(s.1) AS r0, toString(s.2) AS r1, toString(s.3) AS p, toString(s.4) AS l, s.5 AS t"
        " FROM pool_state_canonical GROUP BY pool"
    )
    found = {row["pool"]: row for row in newest.select(["pool", "r0", "r1", "p", "l", "t"]).to_pylist()}
    for pool in world.pools:
        row = found[bytes.fromhex(pool.address[2:])]
        if pool.protocol == "uniswap_v2":
            data = await rpc.call("eth_call", {"to": pool.address, "data": "0x0902f1ac"}, "latest")
            assert (int(row["r0"]), int(row["r1"])) == (int(data[2:66], 16), int(data[66:130], 16)), pool
        else:
            slot0 = await rpc.call("eth_call", {"to": pool.address, "data": "0x3850c7bd"}, "latest")
            liquidity = await rpc.call("eth_call", {"to": pool.address, "data": "0x1a686502"}, "latest")
            assert (int(row["p"]), int(row["l"])) == (int(slot0[2:66], 16), int(liquidity, 16)), pool
