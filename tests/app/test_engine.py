"""Everything in one process, on a real node: reorgs, restarts, a bad chain beside a good one."""

from contextlib import asynccontextmanager
from functools import partial

import msgspec
import pytest

from tidemill.app.chains.verify import is_read, prove
from tidemill.app.sandbox.world import followed_pools, world_config, world_search
from tidemill.app.settings import read_settings
from tidemill.chains.evm.config import FactoryConfig
from tidemill.sandbox.rpc import Rpc
from tidemill.schema import derive
from tidemill.store import open_store

from .crowd import TradingCrowd
from .running import running_engine
from .until import until

SOURCE = "sandbox"


@asynccontextmanager
async def running(tmp_path, chains, **more):
    environment = read_settings(None, tmp_path / "data", {})
    async with running_engine(environment, chains, **more) as engine:
        yield engine


async def caught_up(engine, world):
    head = await world.head()

    async def is_there():
        return (
            bool(engine.pipelines)
            and engine.pipelines[SOURCE].tip == head
            and is_read(world, engine.pipelines[SOURCE].book)
            and engine.pipelines[SOURCE].is_pursued
            and await engine.is_stored()
        )

    await until(is_there)


async def swaps_seen(engine, count):
    async def is_there():
        return await engine.bus.head("swap") > 0 and (await engine.rows())["swap"] >= count

    await until(is_there)


async def proven(engine, world):
    proof = await prove(world, engine.pipelines[SOURCE].book, engine.query)
    assert proof.is_whole, proof
    return proof


async def test_reorgs_while_running_and_while_stopped_leave_the_store_and_the_pools_right(
    fresh_world, tmp_path
):
    chains = {SOURCE: world_config(fresh_world)}
    async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100, liquidity_percent=10) as crowd:
        async with running(tmp_path, chains) as engine:
            for turn, depth in enumerate((1, 6, 64, 2)):
                await swaps_seen(engine, 40 * (turn + 1))
                await fresh_world.mine(max(0, depth - 8))  # so that there are so many, the oldest with swaps
                await crowd.reorg(depth, partial(caught_up, engine, fresh_world))
            seen = engine.pipelines[SOURCE].tip
        unseen = await fresh_world.head() - seen
        await crowd.reorg(unseen + 12)  # so deep that it reaches what was seen before the stop
    await fresh_world.mine(2)
    async with running(tmp_path, chains) as engine:
        await caught_up(engine, fresh_world)
        proof = await proven(engine, fresh_world)
        assert proof.tables["swap"].on_chain > 50
        rows = await engine.rows()
        assert rows["reorg"] >= 5
        assert rows["swap"] > proof.tables["swap"].stored, "rows of reverted blocks stay"
        again = await engine.query(
            "SELECT uniqExact(chain_id, block_hash, log_index) AS swaps, count() AS rows FROM swap"
        )
        assert again["swaps"][0].as_py() == again["rows"][0].as_py()


async def test_a_chain_that_starts_at_the_newest_block_reads_its_pools_from_the_node(fresh_world, tmp_path):
    config = msgspec.structs.replace(world_config(fresh_world), start_block="latest")
    async with running(tmp_path, {SOURCE: config}) as engine:
        async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100, liquidity_percent=20):
            await swaps_seen(engine, 150)
        await fresh_world.mine()
        await caught_up(engine, fresh_world)
        pools = followed_pools(fresh_world)
        proof = await prove(fresh_world, engine.pipelines[SOURCE].book, engine.query)
        assert proof.pools.equal == proof.pools.checked == len(pools)
        rows = await engine.rows()
        assert rows["pool"] == len(pools)
        assert rows["token"] == len(fresh_world.tokens)


async def test_a_refused_chain_ends_alone_and_says_why(fresh_world, tmp_path):
    good = world_config(fresh_world)
    wrong = msgspec.structs.replace(good, source="wrong", chain_id=1)
    async with running(tmp_path, {SOURCE: good, "wrong": wrong}) as engine:
        await fresh_world.mine(3)
        await caught_up(engine, fresh_world)

        async def is_refused():
            return engine.statuses["wrong"].state == "refused"

        await until(is_refused)
        status = await engine.status()
        assert status["chains"]["wrong"]["state"] == "refused"
        assert "expected chain id 1, found 31337" in status["chains"]["wrong"]["last_fault"]
        assert status["chains"][SOURCE]["state"] == "running"
        await proven(engine, fresh_world)


async def test_an_endpoint_that_is_down_does_not_stop_the_other_chain(fresh_world, tmp_path):
    good = world_config(fresh_world)
    down = msgspec.structs.replace(
        good, source="down", ws_url="ws://127.0.0.1:9", http_url="http://127.0.0.1:9", retry_first_ms=20
    )
    async with running(tmp_path, {SOURCE: good, "down": down}) as engine:
        await fresh_world.mine(3)
        await caught_up(engine, fresh_world)

        async def has_failed():
            return engine.pipelines["down"].fault_count > 0 and (await engine.rows())["health"] > 1

        await until(has_failed)
        status = await engine.status()
        assert "127.0.0.1:9" in status["chains"]["down"]["last_fault"]
        found = await engine.query("SELECT DISTINCT state FROM health WHERE source = 'down'")
        assert "down" in found["state"].to_pylist()


@pytest.mark.parametrize("speed", [None, 20.0])
async def test_a_recording_gives_the_same_events_to_the_byte_at_any_speed(fresh_world, tmp_path, speed):
    from tidemill.app.recording.replay import ReplayOptions, replay

    chains = {SOURCE: world_config(fresh_world)}
    async with running(tmp_path, chains, record=True) as engine:
        async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100) as crowd:
            await swaps_seen(engine, 50)
            await crowd.reorg(3)
            await swaps_seen(engine, 100)
        await fresh_world.mine()
        await caught_up(engine, fresh_world)
        status = await engine.status()
    (recording,) = (tmp_path / "data" / "recordings").iterdir()
    options = ReplayOptions(
        file=recording, speed=speed, into=None, form="recording", chain_id=None, pools=(), is_json=True
    )
    replayed = await replay(read_settings(None, tmp_path, {}), options)
    assert replayed.digest == status["chains"][SOURCE]["digest"]
    assert replayed.rows["reorg"] >= 1


async def test_pools_of_odd_tokens_are_left_out_of_the_search_and_named(fresh_world, tmp_path):
    odd = {one.pair: one.oddity for one in fresh_world.odd_tokens}
    async with Rpc(fresh_world.http_url) as rpc:
        (factory,) = {
            "0x" + (await rpc.call("eth_call", {"to": pair, "data": "0xc45a0155"}, "latest"))[-40:]
            for pair in odd
        }
    config = world_config(fresh_world)
    followed = FactoryConfig(
        address=factory, protocol="uniswap_v2", dex="odd", from_block=fresh_world.deploy_block
    )
    chains = {SOURCE: msgspec.structs.replace(config, factories=(*config.factories, followed))}
    search = {SOURCE: world_search(fresh_world)}
    for _ in range(2):  # the second run knows, and tries nothing again
        async with running(tmp_path, chains, search=search) as engine:
            tokens = len(fresh_world.tokens) + len(odd)
            await fresh_world.mine()

            async def all_named(engine=engine):
                await fresh_world.mine()  # what was tried is searched, or left out, after the next block
                named = (await engine.status())["chains"][SOURCE].get("unpriced", {})
                return len(set(named) & set(odd)) == 3

            await until(all_named)
            named = (await engine.status())["chains"][SOURCE]["unpriced"]
            await caught_up(engine, fresh_world)
            assert (await engine.rows())["token_trial"] == tokens
        for pair, oddity in odd.items():
            nature = {"lying_decimals": None, "reverting_views": "unmovable"}.get(oddity, oddity)
            if nature is None:
                assert pair not in named
            else:
                assert f": {nature}: " in named[pair]


SEARCHED = ("opportunity", "opportunity_hop", "opportunity_autopsy")


async def test_a_replay_finds_and_follows_what_the_recorded_run_did(fresh_world, tmp_path):
    from tidemill.app.recording.replay import ReplayOptions, replay

    chains, search = {SOURCE: world_config(fresh_world)}, {SOURCE: world_search(fresh_world)}
    told = {table: [] for table in SEARCHED}

    def take(batches):
        for topic, batch in batches:
            if topic in told:
                told[topic] += derive.to_rows(topic, batch)

    async def ended(count):
        return len(told["opportunity_autopsy"]) >= count

    async with running(tmp_path, chains, search=search) as engine:
        async with TradingCrowd(fresh_world, swaps_per_s=60, block_ms=100):
            await swaps_seen(engine, 100)  # what it follows then is followed on by the run that is recorded
        await caught_up(engine, fresh_world)
    async with running(tmp_path, chains, search=search, record=True, on_batches=take) as engine:
        async with TradingCrowd(fresh_world, swaps_per_s=60, block_ms=100) as crowd:
            await until(lambda: ended(20))
            await crowd.reorg(3)
            before = len(told["opportunity_autopsy"])
            await until(lambda: ended(before + 20))
        await fresh_world.mine(2)
        await caught_up(engine, fresh_world)
    (recording,) = (tmp_path / "data" / "recordings").iterdir()
    again = tmp_path / "again"
    options = ReplayOptions(
        file=recording,
        speed=None,
        into=again,
        form="recording",
        chain_id=None,
        pools=(),
        with_search=True,
        is_json=True,
    )
    replayed = await replay(read_settings(None, again, {}), options)
    assert [replayed.rows[table] for table in SEARCHED] == [len(told[table]) for table in SEARCHED]
    async with open_store(f"chdb://{again}/store") as store:
        for table in SEARCHED:
            found = await store.select(table, 0, 1 << 62, finality="instant")
            rows = [row for batch in found.to_batches() for row in derive.to_rows(table, batch)]
            assert ordered(rows) == ordered(told[table])
    assert {row["cause"] for row in told["opportunity_autopsy"]} >= {"closed_by_trade"}
    assert "token_trial" not in replayed.rows, "the first run's trials are part of what the second began with"


def ordered(rows):
    return sorted(sorted(row.items()).__repr__() for row in rows)
