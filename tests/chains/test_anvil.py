"""Does a follower on a real node end with what the node has: blocks, logs and pool states."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill._rust import Logs, parse_logs
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.replay import replay
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Restored, Reverted, Sealed, Step
from tidemill.chains.evm.topics import TRACKED_TOPICS, log_filter
from tidemill.core.clock import SystemClock
from tidemill.core.recording import Recorder
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World
from tidemill.schema.events import Token
from tidemill.schema.faults import Malformed

from .driver import begun, encoded


def config_of(world: World, **changes: Any) -> EvmConfig:
    factories = tuple(
        FactoryConfig(
            address=factory.address,
            protocol=factory.protocol,
            dex=factory.dex,
            fee_numerator=factory.fee_denominator
            - (factory.fee_numerator or 0),  # kept, where the world says taken
            fee_denominator=factory.fee_denominator,
        )
        for factory in world.factories
    )
    plain: dict[str, Any] = {
        "source": "sandbox",
        "chain_id": world.chain_id,
        "ws_url": world.ws_url,
        "http_url": world.http_url,
        "start_block": 0,
        "factories": factories,
        "multicall": world.multicall,
    }
    return EvmConfig(**(plain | changes))


class Seen:
    """Keeps steps, and says when something is so."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._changed = asyncio.Event()

    async def take(self, step: Step) -> None:
        self.steps.append(step)
        self._changed.set()

    async def until(self, holds: Callable[[], bool], timeout_s: float = 30) -> None:
        async with asyncio.timeout(timeout_s):
            while not holds():
                self._changed.clear()
                await self._changed.wait()

    @property
    def faults(self) -> list[str]:
        return [f"{type(fault).__name__}: {fault}" for step in self.steps for fault in step.faults]

    def canonical(self) -> dict[bytes, Logs]:
        """Replay what came out: the canonical blocks' logs by hash, in order."""
        chain: dict[bytes, Logs] = {}
        for block in (block for step in self.steps for block in step.blocks):
            match block:
                case Sealed():
                    chain |= {head.hash: block.logs.of_block(head.hash) for head in block.heads}
                case Restored():
                    chain[block.head.hash] = block.logs
                case Reverted():
                    del chain[block.head.hash]
        return chain

    def logs(self) -> Logs:
        return Logs.concat(list(self.canonical().values()))


@asynccontextmanager
async def following(
    config: EvmConfig, recorder: Recorder | None = None
) -> AsyncIterator[tuple[EvmFollower, Seen]]:
    follower = EvmFollower(config, None, "run")
    seen = Seen()
    shell = Shell(follower, seen.take, SystemClock(), recorder=recorder)
    task = asyncio.create_task(shell.run("run", {}))
    try:
        yield follower, seen
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def logs_of_node(world: World) -> Logs:
    wanted = {"fromBlock": "0x0", "toBlock": "latest"} | log_filter(TRACKED_TOPICS)
    async with Rpc(world.http_url) as rpc:
        return parse_logs(msgspec.json.encode(await rpc.call("eth_getLogs", wanted)))


async def newest(world: World) -> tuple[int, bytes]:
    async with Rpc(world.http_url) as rpc:
        block = await rpc.call("eth_getBlockByNumber", "latest", False)
    return int(block["number"], 16), bytes.fromhex(block["hash"][2:])


@asynccontextmanager
async def trading(world: World, **changes: Any) -> AsyncIterator[TraderCounts]:
    counts = TraderCounts()
    task = asyncio.create_task(trade(world, TraderOptions(**changes), counts))
    try:
        yield counts
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        await quiet(world)


async def quiet(world: World) -> None:
    """Wait until the node has mined what the traders sent: a reorg meanwhile leaves holes in its chain."""
    while True:
        number, _ = await newest(world)
        await world.mine()
        if (await newest(world))[0] == number + 1:
            return


async def test_every_log_of_the_node_is_sealed_while_traders_trade_and_blocks_are_reorganised(
    fresh_world: World,
) -> None:
    async with following(config_of(fresh_world)) as (follower, seen):
        for depth in (0, 1, 3):
            async with trading(fresh_world, swaps_per_s=200, block_ms=50, seed=depth + 1) as counts:
                await seen.until(lambda: counts.blocks >= 15)
            if depth:
                await fresh_world.reorg(depth)
        await fresh_world.mine()
        tip = await newest(fresh_world)
        await seen.until(lambda: follower.tip == tip)
    assert seen.logs() == await logs_of_node(fresh_world)
    assert len(seen.logs()) > 200
    assert [block for step in seen.steps for block in step.blocks if isinstance(block, Reverted)]


async def test_a_recording_replays_to_the_byte(fresh_world: World, tmp_path: Path) -> None:
    path = tmp_path / "run.tdml"
    async with Recorder(path) as recorder, following(config_of(fresh_world), recorder) as (follower, seen):
        async with trading(fresh_world, swaps_per_s=200, block_ms=50) as counts:
            await seen.until(lambda: counts.blocks >= 20)
        await fresh_world.reorg(2)
        tip = await newest(fresh_world)
        await seen.until(lambda: follower.tip == tip)
    damage: list[Malformed] = []
    again = list(replay(path, lambda start: None, damage.append))
    assert encoded(again) == encoded(seen.steps)
    assert damage == []


@pytest.mark.parametrize("over_http", [True, False])
async def test_the_state_read_at_the_start_equals_the_contracts(world: World, over_http: bool) -> None:
    changes = {} if over_http else {"http_url": None}
    config = config_of(world, start_block="latest", multicall_calls=50, **changes)
    async with following(config) as (_, seen):
        await seen.until(lambda: bool(begun(seen.steps)))
    snapshots = {snapshot.address: snapshot for snapshot in begun(seen.steps)}
    assert {"0x" + address.hex() for address in snapshots} == {pool.address for pool in world.pools}
    async with Rpc(world.http_url) as rpc:
        for pool in world.pools:
            snapshot = snapshots[bytes.fromhex(pool.address[2:])]
            assert (snapshot.protocol, snapshot.dex, snapshot.fee_ppm) == (
                pool.protocol,
                pool.dex,
                pool.fee_ppm,
            )
            at = hex(snapshot.block_number)
            if pool.protocol == "uniswap_v2":
                words = await ask(rpc, pool.address, "0x0902f1ac", at)
                assert words[:2] == [snapshot.reserve0, snapshot.reserve1]
            else:
                slot0 = await ask(rpc, pool.address, "0x3850c7bd", at)
                assert slot0[0] == snapshot.sqrt_price_x96
                assert await ask(rpc, pool.address, "0x1a686502", at) == [snapshot.liquidity]
                assert sum(net for _, _, net in snapshot.ticks) == 0
                assert snapshot.tick is not None
                assert (
                    sum(net for tick, _, net in snapshot.ticks if tick <= snapshot.tick) == snapshot.liquidity
                )


async def ask(rpc: Rpc, address: str, data: str, block: str) -> list[int]:
    answer = bytes.fromhex((await rpc.call("eth_call", {"to": address, "data": data}, block))[2:])
    return [int.from_bytes(answer[at : at + 32], "big") for at in range(0, len(answer), 32)]


async def test_tokens_of_new_pools_are_described_once(world: World) -> None:
    async with following(config_of(world)) as (follower, seen):
        tip = await newest(world)
        await seen.until(lambda: follower.tip == tip and follower.is_idle)
    tokens = [event for step in seen.steps for event in step.events if isinstance(event, Token)]
    expected = {token.address: (token.symbol, token.decimals) for token in world.tokens}
    assert {"0x" + token.token.hex(): (token.symbol, token.decimals) for token in tokens} == expected
    assert len(tokens) == len(expected)


async def test_a_listed_pool_is_recognised_and_an_unknown_one_is_a_fault(world: World) -> None:
    pools = (world.pools[0].address, world.weth)
    config = config_of(world, start_block="latest", pools=pools)
    late = [msgspec.structs.replace(factory, from_block=2**40) for factory in config.factories]
    config = msgspec.structs.replace(config, factories=tuple(late))
    async with following(config) as (_, seen):
        await seen.until(lambda: bool(begun(seen.steps)))
    assert [snapshot.address for snapshot in begun(seen.steps)] == [bytes.fromhex(world.pools[0].address[2:])]
    assert f"Unknown: chain sandbox: pool {world.weth}: expected a pool of a known kind" in seen.faults[0]


async def test_a_chain_that_is_only_polled_over_http_is_followed(fresh_world: World) -> None:
    async with following(config_of(fresh_world, ws_url=None, poll_ms=50)) as (follower, seen):
        async with trading(fresh_world, swaps_per_s=100, block_ms=50) as counts:
            await seen.until(lambda: counts.blocks >= 10)
        await fresh_world.mine()
        tip = await newest(fresh_world)
        await seen.until(lambda: follower.tip == tip)
    assert seen.logs() == await logs_of_node(fresh_world)
