"""Are Uniswap V4 pools that are listed by their keys or ids read, and healed, as pools with addresses are."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import structs

from tidemill._rust import UniswapV4Pool
from tidemill.app.chains.chain import make_book
from tidemill.chains.evm.config import EvmConfig, V4PoolConfig
from tidemill.chains.evm.follower import EvmFollower, drift_entry, read_drift
from tidemill.chains.evm.shell import Shell
from tidemill.chains.evm.steps import Began, PoolSnapshot, Reread, Sealed, Step
from tidemill.chains.evm.v4_pools import NAME_BYTES, listed_pools, read_names, write_names
from tidemill.core.clock import SystemClock
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.venues import VENUES, Leg
from tidemill.sandbox.world import FurtherPool, World
from tidemill.schema.faults import Malformed, Refused

MANAGER = "0x" + "09" * 20
KEY = {"currency0": "0x" + "01" * 20, "currency1": "0x" + "02" * 20, "fee_ppm": 500, "tick_spacing": 10}


def config_of(*pools: V4PoolConfig | str, **more: Any) -> EvmConfig:
    return EvmConfig(**({"source": "local", "chain_id": 1, "http_url": "http://x", "pools": pools} | more))


def listed(**more: Any) -> V4PoolConfig:
    return V4PoolConfig(**({"manager": MANAGER} | more))


def test_a_key_gives_the_pool_its_id_and_a_manager_that_is_not_known_is_taken_for_one() -> None:
    (creation,) = listed_pools(config_of(listed(**KEY))).creations
    assert creation.key is not None
    assert creation.pool == creation.key.pool_id[:20]
    assert (creation.factory.protocol, creation.factory.address) == ("uniswap_v4", bytes([9] * 20))
    assert (creation.token0, creation.token1) == (bytes([1] * 20), bytes([2] * 20))
    assert (creation.fee_ppm, creation.tick_spacing) == (500, 10)
    told = listed(**KEY, pool_id="0x" + creation.key.pool_id.hex())
    assert listed_pools(config_of(told)).creations == (creation,)


@pytest.mark.parametrize(
    ("pool", "problem"),
    [
        (listed(), "expected pool_id, or currency0"),
        (listed(currency0=KEY["currency0"], pool_id="0x" + "00" * 32), "expected all of currency0"),
        (listed(**KEY, pool_id="0x" + "07" * 32), "of its key, found 0x0707"),
    ],
)
def test_a_pool_that_is_named_by_half_is_refused(pool: V4PoolConfig, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        EvmFollower(config_of(pool), None, "run")


def test_settings_list_addresses_and_tables_side_by_side() -> None:
    text = {
        "source": "x",
        "chain_id": 1,
        "http_url": "http://x",
        "pools": ["0x" + "22" * 20, {"manager": MANAGER} | KEY],
    }
    config = msgspec.convert(text, EvmConfig)
    assert config.pools == ("0x" + "22" * 20, listed(**KEY))


def test_names_of_pools_with_and_without_addresses_are_read_back() -> None:
    names = [bytes([1] * 20), bytes(range(NAME_BYTES)), bytes([2] * 20)]
    assert read_names(write_names(names)) == names
    assert read_drift(drift_entry(names, 5)) == names
    old = drift_entry(names[::2], 5)
    assert old.data == names[0] + names[2], "recordings without V4 pools stay as they were"
    with pytest.raises(Malformed, match="expected pools' names"):
        read_names(write_names(names) + b"1")


class Run:
    """A follower of listed pools, whose first reading of a pool may be falsified."""

    def __init__(self, config: EvmConfig) -> None:
        self.book = make_book(config, ())
        self.shell = Shell(EvmFollower(config, None, "run"), self.take, SystemClock())
        self.reread: set[bytes] = set()
        self.faults: list[str] = []
        self.tip = -1
        self._moved = asyncio.Event()

    async def take(self, step: Step) -> tuple[bytes, ...]:
        self.faults += [str(fault) for fault in step.faults]
        for block in step.blocks:
            if isinstance(block, Began):
                self.book.snapshot([without_ticks(one) for one in block.pools])
            elif isinstance(block, Sealed):
                self.book.seal(block.heads, block.logs, block.recv_ns)
                self.tip = block.heads[-1].number
            elif isinstance(block, Reread):
                self.book.reread(block.pools, block.sequence)
                self.reread |= {pool.address for pool in block.pools}
        self.book.take()
        self._moved.set()
        return self.book.take_drifted()

    async def until(self, holds: Callable[[], bool]) -> None:
        async with asyncio.timeout(30):
            while not holds():
                self._moved.clear()
                await self._moved.wait()


def without_ticks(one: PoolSnapshot) -> PoolSnapshot:
    return structs.replace(one, ticks=(), liquidity=0)


def entry_of(pool: FurtherPool, world: World, *, by_id: bool) -> V4PoolConfig:
    assert pool.vault is not None
    if by_id:
        return V4PoolConfig(manager=pool.vault, pool_id=pool.pool_id, from_block=world.deploy_block)
    token0, token1 = pool.tokens
    return V4PoolConfig(
        manager=pool.vault,
        currency0=token0,
        currency1=token1,
        fee_ppm=pool.fee_ppm,
        tick_spacing=pool.tick_spacing,
    )


async def swap(world: World, pool: FurtherPool) -> None:
    """Swap in the pool, in a block of its own."""
    async with Rpc(world.http_url) as rpc:
        sender = world.accounts.traders[0]
        data = VENUES[pool.protocol].swap(pool, Leg(0, 1, 10**6), sender)
        call = {"from": sender, "to": pool.router, "data": data, "gas": hex(5_000_000)}
        await rpc.call("eth_sendTransaction", call)
        await rpc.call("evm_mine")


@pytest.mark.parametrize("by_id", [False, True])
async def test_listed_pools_are_read_alone_and_healed_where_their_logs_contradict_their_ticks(
    fresh_world: World, by_id: bool
) -> None:
    world = fresh_world
    pools = [pool for pool in world.further_pools if pool.protocol == "uniswap_v4"]
    wanted = pools[:2]
    config = EvmConfig(
        source="sandbox",
        chain_id=world.chain_id,
        ws_url=world.ws_url,
        http_url=world.http_url,
        multicall=world.multicall,
        pools=tuple(entry_of(pool, world, by_id=by_id) for pool in wanted),
    )
    names = {bytes.fromhex((pool.pool_id or "")[2:42]) for pool in wanted}
    run = Run(config)
    running = asyncio.create_task(run.shell.run("run", {}))
    try:
        await run.until(lambda: len(run.book.pools) == len(wanted))
        for pool in pools:
            await swap(world, pool)  # the logs of its liquidity contradict the ticks that were taken away
        await run.until(lambda: run.reread >= names)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert set(run.book.pools.addresses()) == names, "no other pool of the manager joined"
    async with Rpc(world.http_url) as rpc:
        for pool in wanted:
            ours = run.book.pools.get(bytes.fromhex((pool.pool_id or "")[2:42]))
            assert isinstance(ours, UniswapV4Pool)
            for leg in (Leg(0, 1, 10**8), Leg(1, 0, 10**8)):
                asked = {"to": pool.quoter, "data": VENUES[pool.protocol].ask_out(pool, leg)}
                answer = bytes.fromhex((await rpc.call("eth_call", asked, "latest"))[2:])
                assert ours.amount_out(leg.zero_for_one, leg.size) == VENUES[pool.protocol].read_out(
                    answer, leg
                )
    assert run.faults == []


async def test_an_id_that_no_log_of_its_manager_names_is_told(fresh_world: World) -> None:
    world = fresh_world
    pool = next(pool for pool in world.further_pools if pool.protocol == "uniswap_v4")
    unknown = structs.replace(entry_of(pool, world, by_id=True), pool_id="0x" + "07" * 32)
    config = EvmConfig(
        source="sandbox",
        chain_id=world.chain_id,
        http_url=world.http_url,
        ws_url=world.ws_url,
        multicall=world.multicall,
        pools=(unknown, entry_of(pool, world, by_id=False)),
    )
    run = Run(config)
    running = asyncio.create_task(run.shell.run("run", {}))
    try:
        await run.until(lambda: len(run.book.pools) == 1)
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
    assert any("expected the log that made pool 0x0707" in fault for fault in run.faults)
