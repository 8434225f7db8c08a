"""The program against hostile nodes, disks and users: nothing lost, nothing double, others unaffected."""

import asyncio
import random
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.app.until import until

from tidemill.app.control import ask_sql, ask_status
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.node import NodeOptions
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World

from .hostile_node import hostile_node
from .program import assert_whole, begun, caught_up, chain_section, chain_status, kill_after, tidemill, up

_YEAR_S = 365 * 86_400


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
            assert "wrong: refused" in out
            assert "good: running" in out
            code, out, complaint = await tidemill(tmp_path, "doctor", SECRET=secret)
            assert (code, complaint) == (1, "")
            for line in ("ok   chain good", "FAIL chain wrong", "FAIL chain dead", "FAIL chain hung"):
                assert line in out
            assert "answered HTTP 429: it is asked too often" in out
            assert "answered HTTP 401: correct the key in the URL" in out
            assert "correct chain_id or the URL" in out
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
            await assert_whole(tmp_path, "sandbox", fresh_world)


async def test_a_program_without_a_chain_left_to_read_ends_and_says_why(fresh_world: World, tmp_path: Path):
    (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", fresh_world, chain_id=5))
    code, _, complaint = await tidemill(tmp_path, "up")
    assert code == 1
    assert "expected chain id 5, found 31337" in complaint
    assert "nothing is left to read" in complaint


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
        await begun(tmp_path, "sandbox")
        await traded(fresh_world, 2)
        await fresh_world.mine(300)
        await caught_up(tmp_path, "sandbox", fresh_world)
    async with open_world() as other, open_world(options=NodeOptions(chain_id=4_242)) as third:
        sections = chain_section("sandbox", other) + chain_section("third", third)
        (tmp_path / "tidemill.toml").write_text(sections)
        async with up(tmp_path):
            await until(lambda: says(tmp_path, "sandbox", "its chain is another one"))
            await other.mine(400)

            async def has_stopped() -> bool:
                return (await chain_status(tmp_path, "sandbox"))["state"] == "stopped"

            await until(has_stopped)
            assert await says(tmp_path, "sandbox", "reorg")
            await assert_whole(tmp_path, "sandbox", fresh_world)


async def test_blocks_of_the_future_and_by_the_thousand_are_stored_and_an_impossible_time_is_told(
    fresh_world: World, tmp_path: Path
):
    (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", fresh_world))
    async with up(tmp_path), Rpc(fresh_world.http_url) as rpc:
        await begun(tmp_path, "sandbox")
        await traded(fresh_world, 1)
        await rpc.call("evm_increaseTime", 200 * _YEAR_S)
        await traded(fresh_world, 1)
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
        await rpc.call("evm_increaseTime", 200 * _YEAR_S)
        await fresh_world.mine()
        await until(lambda: says(tmp_path, "sandbox", "expected a time before the year 2262"))
        assert (await chain_status(tmp_path, "sandbox"))["tip"] == head


@asynccontextmanager
async def small_disk(folder: Path, size_bytes: int) -> AsyncIterator[Path]:
    """Mount a disk of its own; skip where that is not permitted."""
    await asyncio.to_thread(folder.mkdir)
    mounting = await asyncio.create_subprocess_exec(
        "mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", folder, stderr=subprocess.DEVNULL
    )
    if await mounting.wait():
        pytest.skip("a small disk cannot be mounted here: it takes root")
    try:
        yield folder
    finally:
        await (await asyncio.create_subprocess_exec("umount", "-l", folder)).wait()


async def test_a_full_disk_under_everything_is_told_and_costs_no_event(fresh_world: World, tmp_path: Path):
    section = '[data]\ndir = "disk/data"\n[store]\nfree_min_bytes = 1048576\n'
    (tmp_path / "tidemill.toml").write_text(section + chain_section("sandbox", fresh_world))
    async with small_disk(tmp_path / "disk", 160 << 20) as disk:
        async with up(tmp_path, "--record"):
            await traded(fresh_world, 2)
            await caught_up(disk, "sandbox", fresh_world)
            fill(disk / "ballast")
            await traded(fresh_world, 5)

            async def is_told() -> bool:
                status = await ask_status(disk / "data")
                return bool(status and (status["store"]["faults"] or status["chains"]["sandbox"]["faults"]))

            await until(is_told)
            (disk / "ballast").unlink()
            await traded(fresh_world, 1)
            await caught_up(disk, "sandbox", fresh_world)
            await assert_whole(disk, "sandbox", fresh_world)


def fill(file: Path) -> None:
    """Write until the disk takes no more."""
    with file.open("wb", buffering=0) as ballast, suppress(OSError):
        while True:
            ballast.write(b"x" * 4_096)


async def test_what_a_killed_start_leaves_behind_does_not_hinder_the_next(fresh_world: World, tmp_path: Path):
    (tmp_path / "tidemill.toml").write_text(chain_section("sandbox", fresh_world))
    await traded(fresh_world, 1)
    for delay_s in (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0):
        await kill_after(tmp_path, delay_s)
    async with up(tmp_path):
        await caught_up(tmp_path, "sandbox", fresh_world)
        await assert_whole(tmp_path, "sandbox", fresh_world)
        code, _, complaint = await tidemill(tmp_path, "up")
        assert (code, complaint.count("\n")) == (1, 1)
        assert "expected to be its only writer, but process" in complaint
