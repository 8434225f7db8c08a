"""The program against hostile nodes, disks and users: nothing lost, nothing double, others unaffected."""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path

from tests.app.until import until

from tidemill.app.control import ask_sql
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World

from .hostile_node import hostile_node
from .program import assert_whole, caught_up, chain_section, chain_status, tidemill, up


async def traded(world: World, seconds: float, **options: float) -> None:
    """Let traders trade for so long."""
    settings = TraderOptions(**{"swaps_per_s": 60, "block_ms": 100, **options})
    task = asyncio.ensure_future(trade(world, settings, TraderCounts()))
    await asyncio.wait([task], timeout=seconds)
    task.cancel()
    await asyncio.wait([task])
    await world.mine()


async def says(folder: Path, name: str, words: str) -> bool:
    """Say whether the chain's last fault has the words."""
    fault = (await chain_status(folder, name))["last_fault"]
    return bool(fault) and words in fault


async def test_of_many_bad_endpoints_each_says_what_is_wrong_and_the_good_chain_goes_on(
    fresh_world: World, tmp_path: Path
):
    world, secret = fresh_world, "k3yk3yk3yk3yk3yk3y"
    names = ["garbage", "busy", "denied", "hung", "huge", "slow", "frames"]
    async with AsyncExitStack() as opened:
        bad = {name: await opened.enter_async_context(hostile_node(world.http_url)) for name in names}
        for number, node in enumerate(bad.values()):
            node.lies["eth_chainId"] = lambda _params, _true, number=number: hex(1_000 + number)
        bad["garbage"].body = b'{"jsonrpc": "2.0", "id": 1, "result": ['
        bad["busy"].status = 429
        bad["denied"].status = 401
        bad["hung"].hangs = True
        bad["huge"].endless_bytes = 300 << 20
        bad["slow"].delay_s = 1.5
        bad["frames"].frame = b"\x00]]]}{" * 100
        sections = [
            chain_section("good", world),
            chain_section("wrong", world, chain_id=999),
            chain_section(
                "dead", world, chain_id=998, ws_url="ws://127.0.0.1:1", http_url="http://127.0.0.1:1"
            ),
        ]
        sections += [
            chain_section(
                name,
                world,
                chain_id=1_000 + number,
                ws_url=f"{node.ws_url}/v3/${{SECRET}}",
                http_url=f"{node.http_url}/v3/${{SECRET}}",
                answer_timeout_ms=2_000,
            )
            for number, (name, node) in enumerate(bad.items())
        ]
        (tmp_path / "tidemill.toml").write_text("".join(sections))
        async with up(tmp_path, "--record", SECRET=secret):
            await traded(world, 5)
            await caught_up(tmp_path, "good", world)
            await assert_whole(tmp_path, "good", world)
            expected = {
                "wrong": "999",
                "dead": "127.0.0.1:1",
                "garbage": "",
                "busy": "429",
                "denied": "401",
                "hung": "within 2000 ms",
                "huge": "exceeds",
                "frames": "",
            }
            for name, words in expected.items():
                await until(lambda name=name, words=words: says(tmp_path, name, words), 20)
            code, out, _ = await tidemill(tmp_path, "status", SECRET=secret)
            assert code == 1
            print(out)
            code, out, complaint = await tidemill(tmp_path, "doctor", SECRET=secret)
            print(code, out, complaint)
        kept = [file for file in tmp_path.rglob("*") if file.is_file()]  # noqa: ASYNC240
        assert len(kept) > 20
        assert [file for file in kept if secret.encode() in file.read_bytes()] == []


async def test_answers_that_lack_logs_are_found_out_and_asked_for_again(fresh_world: World, tmp_path: Path):
    dice = random.Random(7)
    async with hostile_node(fresh_world.http_url) as node:

        def lacking(params: list, logs: list) -> list:
            is_block = "blockHash" in params[0]
            return [log for log in logs if not is_block or dice.random() < 0.7]

        (tmp_path / "tidemill.toml").write_text(
            chain_section("sandbox", fresh_world, ws_url=node.ws_url, http_url=node.http_url)
        )
        async with up(tmp_path):
            await caught_up(tmp_path, "sandbox", fresh_world)
            node.lies["eth_getLogs"] = lacking
            await traded(fresh_world, 6)
            assert "lack" in (await chain_status(tmp_path, "sandbox"))["last_fault"]
            node.lies.clear()
            await fresh_world.mine()
            await caught_up(tmp_path, "sandbox", fresh_world)
            print(await chain_status(tmp_path, "sandbox"))
            await assert_whole(tmp_path, "sandbox", fresh_world)


async def test_a_node_that_goes_back_in_time_and_cuts_its_connections_costs_no_event(
    fresh_world: World, tmp_path: Path
):
    dice = random.Random(7)
    async with hostile_node(fresh_world.http_url) as node:

        def earlier(_params: list, number: str) -> str:
            return hex(max(0, int(number, 16) - dice.randint(0, 20)))

        def forgetful(_params: list, found: object) -> object:
            return found if dice.random() < 0.7 else None

        (tmp_path / "tidemill.toml").write_text(
            chain_section("sandbox", fresh_world, ws_url=node.ws_url, http_url=node.http_url)
        )
        async with up(tmp_path):
            await caught_up(tmp_path, "sandbox", fresh_world)
            node.lies["eth_blockNumber"] = earlier
            node.lies["eth_getBlockByHash"] = node.lies["eth_getBlockByNumber"] = forgetful
            trading = asyncio.ensure_future(traded(fresh_world, 8))
            while not trading.done():
                await asyncio.wait([trading], timeout=0.7)
                await node.cut()
            node.lies.clear()
            await fresh_world.mine()
            await caught_up(tmp_path, "sandbox", fresh_world)
            await assert_whole(tmp_path, "sandbox", fresh_world)


async def test_deep_reorgs_also_while_it_is_stopped_leave_what_the_chain_has(
    fresh_world: World, tmp_path: Path
):
    (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", fresh_world))
    async with up(tmp_path):
        await traded(fresh_world, 3)
        await fresh_world.mine(200)
        await caught_up(tmp_path, "sandbox", fresh_world)
        await fresh_world.reorg(205)
        await traded(fresh_world, 1)
        await caught_up(tmp_path, "sandbox", fresh_world)
        await assert_whole(tmp_path, "sandbox", fresh_world)
    await traded(fresh_world, 2)
    await fresh_world.reorg(12)
    await traded(fresh_world, 2)
    async with up(tmp_path):
        await caught_up(tmp_path, "sandbox", fresh_world)
        await assert_whole(tmp_path, "sandbox", fresh_world)
        assert (await chain_status(tmp_path, "sandbox"))["state"] == "running"


async def test_another_chain_at_the_same_address_is_told_and_what_is_stored_stays(
    fresh_world: World, tmp_path: Path
):
    (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", fresh_world))
    async with up(tmp_path):
        await traded(fresh_world, 2)
        await fresh_world.mine(300)
        await caught_up(tmp_path, "sandbox", fresh_world)
    async with open_world() as other:
        (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", other))
        async with up(tmp_path):
            await until(lambda: says(tmp_path, "sandbox", "its chain is another one"))
            await other.mine(400)

            async def has_stopped() -> bool:
                return (await chain_status(tmp_path, "sandbox"))["state"] == "stopped"

            await until(has_stopped)
            assert await says(tmp_path, "sandbox", "reorg")
            await assert_whole(tmp_path, "sandbox", fresh_world)


async def test_blocks_in_the_past_the_future_and_by_the_thousand_are_all_stored(
    fresh_world: World, tmp_path: Path
):
    (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", fresh_world))
    async with up(tmp_path), Rpc(fresh_world.http_url) as rpc:
        await traded(fresh_world, 1)
        await rpc.call("evm_increaseTime", 400 * 365 * 86_400)
        await traded(fresh_world, 1)
        for _ in range(10):
            await rpc.call("anvil_mine", hex(1_000), "0x0")
        await traded(fresh_world, 1)
        await caught_up(tmp_path, "sandbox", fresh_world)
        await assert_whole(tmp_path, "sandbox", fresh_world)
        head = int(await rpc.call("eth_blockNumber"), 16)
        rows = await ask_sql(
            tmp_path / "data", "SELECT count() AS c, uniqExact(block_number) AS n FROM block_canonical"
        )
        assert rows is not None
        assert rows.to_pylist() == [{"c": head, "n": head}]
