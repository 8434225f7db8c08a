"""What pools hold, through the public class, on a real node: exact, young, each failure its own."""

import asyncio
import math
from types import SimpleNamespace
from typing import Any

import pytest
from tests.services import need_node

from tidemill import PoolPipeline
from tidemill.app.sandbox.world import world_config
from tidemill.app.settings import PoolServerSettings, Settings
from tidemill.chains.evm.pool_query import EmptyPool, NotContract, UnknownPool, WrongKind
from tidemill.core.clock import NS_PER_S
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema.faults import Refused, Unreachable

from .crowd import TradingCrowd
from .until import until


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ns = 1_000_000 * NS_PER_S

    def now_ns(self) -> int:
        return self.ns


def mapping_of(world: World, **pipeline: object) -> dict[str, object]:
    return {
        "networks": {"sandbox": {"chain_id": world.chain_id, "rpc": world.http_url}},
        "advanced_features": {"real_data_pipeline": {"enabled": True, **pipeline}},
    }


async def reserves_of(world: World, address: str) -> tuple[int, int]:
    """Return what the pair's own getReserves says."""
    async with Rpc(world.http_url) as rpc:
        told = await rpc.call("eth_call", {"to": address, "data": "0x0902f1ac"}, "latest")
    reserve0, reserve1, _ = abi.decode(["uint112", "uint112", "uint32"], told)
    return reserve0, reserve1


async def test_the_reserves_of_the_source_document_s_example(world: World) -> None:
    pair = next(pool for pool in world.pools if pool.protocol == "uniswap_v2")
    web3_pool = {world.chain_id: SimpleNamespace(provider=SimpleNamespace(endpoint_uri=world.http_url))}
    pipeline = PoolPipeline(
        config=mapping_of(world, cache_duration_seconds=7),
        web3_connections=web3_pool,
        use_websockets=True,
    )
    await pipeline.start()
    try:
        reserves = await pipeline.get_pool_reserves(
            chain_id=world.chain_id, pool_address=pair.address, dex_type="uniswap_v2"
        )
        assert (reserves["reserve0"], reserves["reserve1"]) == await reserves_of(world, pair.address)
        assert (reserves["token0"], reserves["token1"]) == (pair.token0, pair.token1)
        assert reserves["pool_address"] == pair.address
        again = await pipeline.get_pool_reserves(world.chain_id, pair.address)
        assert again["block_hash"] == reserves["block_hash"]
        stats = pipeline.get_stats()
        assert (stats["asked"], stats["hits"], stats["reads"], stats["failed"]) == (2, 1, 1, 0)
        assert stats["cache_duration_seconds"] == 7
    finally:
        await pipeline.stop()


async def test_every_pool_is_told_by_its_address_alone_in_one_reading(world: World) -> None:
    async with PoolPipeline(mapping_of(world), use_websockets=False) as pipeline:
        asked = [pipeline.get_pool_reserves(world.chain_id, pool.address) for pool in world.pools]
        told = await asyncio.gather(*asked)
        assert pipeline.get_stats()["reads"] == 1
    assert [one["dex_type"] for one in told] == [pool.protocol for pool in world.pools]
    assert [one["fee_e18"] for one in told if one["tick"] is not None] == [
        pool.fee_ppm * 10**12 for pool in world.pools if pool.protocol == "uniswap_v3"
    ]


async def test_each_failure_is_its_own_and_counted(world: World) -> None:
    pair = next(pool for pool in world.pools if pool.protocol == "uniswap_v2")
    async with PoolPipeline(mapping_of(world), use_websockets=False) as pipeline:
        for address, dex_type, fault, words in [
            ("0x" + "01" * 20, None, NotContract, "expected a contract"),
            (world.weth, None, UnknownPool, "expected a pool of a known kind"),
            (pair.address, "balancer", WrongKind, "balancer_v2 or balancer_v3, found uniswap_v2"),
            (pair.address, "nonsense", Refused, "dex_type: expected one of"),
            (pair.address[:-1], None, Refused, "pool_address: expected 0x and 40 hex digits"),
            ("nothing", None, Refused, "pool_address: expected 0x and 40 hex digits"),
        ]:
            with pytest.raises(fault, match=words):
                await pipeline.get_pool_reserves(world.chain_id, address, dex_type)
        with pytest.raises(Refused, match=f"chain_id: expected one of {world.chain_id}, found 1"):
            await pipeline.get_pool_reserves(1, pair.address)
        assert pipeline.get_stats()["failed"] == 3
    with pytest.raises(Refused, match="await start"):
        await pipeline.get_pool_reserves(world.chain_id, pair.address)


async def test_a_pool_that_was_emptied_is_empty(fresh_world: World) -> None:
    pair = next(pool for pool in fresh_world.pools if pool.protocol == "uniswap_v2")
    async with Rpc(fresh_world.http_url) as rpc:
        # reserves and time share the pair's ninth word: token balances stay, the pool says zero
        await rpc.call("anvil_setStorageAt", pair.address, "0x8", "0x" + "00" * 32)
        await fresh_world.mine()
    async with PoolPipeline(mapping_of(fresh_world), use_websockets=False) as pipeline:
        with pytest.raises(EmptyPool, match="expected a pool with liquidity, found it empty"):
            await pipeline.get_pool_reserves(fresh_world.chain_id, pair.address, "uniswap_v2")


async def test_no_state_is_told_that_is_older_than_stated(fresh_world: World) -> None:
    need_node()
    clock = HandClock()
    pair = next(pool for pool in fresh_world.pools if pool.protocol == "uniswap_v2")
    config = Settings(
        chains={"sandbox": world_config(fresh_world)}, pool_server=PoolServerSettings(cache_duration_s=5)
    )
    async with PoolPipeline(config, use_websockets=False, clock=clock) as pipeline:
        ask = lambda: pipeline.get_pool_reserves(fresh_world.chain_id, pair.address)  # noqa: E731
        first = await ask()
        await fresh_world.mine(3)
        clock.ns += 4 * NS_PER_S
        assert (await ask())["block_number"] == first["block_number"]
        assert (await ask())["age_s"] == 4
        clock.ns += NS_PER_S
        assert (await ask())["block_number"] == first["block_number"] + 3


async def test_a_chain_that_does_not_answer_is_said_and_nothing_old_is_told() -> None:
    config = {"networks": {"dead": {"chain_id": 5, "rpc": "http://127.0.0.1:9"}}}
    async with PoolPipeline(config, use_websockets=False) as pipeline:
        with pytest.raises(Unreachable):
            await pipeline.get_pool_reserves(5, "0x" + "01" * 20)


async def test_with_websockets_a_swap_ends_what_was_kept(fresh_world: World) -> None:
    config = Settings(
        chains={"sandbox": world_config(fresh_world)}, pool_server=PoolServerSettings(cache_duration_s=3_600)
    )
    pairs = [pool.address for pool in fresh_world.pools if pool.protocol == "uniswap_v2"]
    async with PoolPipeline(config, use_websockets=True) as pipeline:

        async def has_heard() -> bool:
            return pipeline.get_stats()["events"] > 0

        async def is_true_of_all() -> bool:
            asked = [pipeline.get_pool_reserves(fresh_world.chain_id, address) for address in pairs]
            told = [(one["reserve0"], one["reserve1"]) for one in await asyncio.gather(*asked)]
            return told == [await reserves_of(fresh_world, address) for address in pairs]

        await until(has_heard)
        assert await is_true_of_all()
        reads = pipeline.get_stats()["reads"]

        async def has_read_again() -> bool:
            await is_true_of_all()
            return pipeline.get_stats()["reads"] > reads + 2

        async with TradingCrowd(fresh_world):
            await until(has_read_again)
        await until(is_true_of_all)


@pytest.mark.parametrize(
    ("connections", "words"),
    [
        ({1: "ftp://x"}, "web3_connections: 1: expected an http"),
        ({1: object()}, "found object"),
        ({0: "http://127.0.0.1:1"}, "expected chain ids above zero, found 0"),
        ({"one": "http://127.0.0.1:1"}, "expected chain ids above zero, found 'one'"),
    ],
)
def test_a_connection_that_cannot_be_is_refused(connections: dict[Any, object], words: str) -> None:
    config = {"networks": {"one": {"chain_id": 1, "rpc": "http://127.0.0.1:9"}}}
    with pytest.raises(Refused, match=words):
        PoolPipeline(config, connections)


@pytest.mark.parametrize("config", [None, 5, "config.json", []])
def test_a_config_that_is_none_is_refused(config: Any) -> None:
    with pytest.raises(Refused, match="config: expected a mapping or tidemill's settings, found"):
        PoolPipeline(config, {1: "http://127.0.0.1:9"})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"chains": 1}, "chains: expected a list, found 1"),
        ({"chains": "1"}, "chains: expected a list, found '1'"),
        ({"chains": [2]}, "chain_id: expected one of 1, found 2"),
        ({"token_pairs": 5}, "token_pairs: expected a list, found 5"),
        ({"token_pairs": [5]}, "token_pairs: expected two tokens each, found 5"),
        ({"token_pairs": [(b"a", b"b")]}, "token_pairs: expected two tokens each"),
        ({"min_liquidity_usd": "x"}, "min_liquidity_usd: expected a number from 0 on, found 'x'"),
        ({"min_liquidity_usd": math.nan}, "min_liquidity_usd: expected a number from 0 on, found nan"),
    ],
)
async def test_a_scan_of_what_cannot_be_is_refused(changes: dict[str, Any], words: str) -> None:
    asked = {"chains": [1], "token_pairs": [("WETH", "USDC")], "min_liquidity_usd": 0} | changes
    # the chains may be those of the connections alone
    async with PoolPipeline({}, {1: "http://127.0.0.1:9"}, use_websockets=False) as pipeline:
        with pytest.raises(Refused, match=words):
            await pipeline.scan_opportunities(**asked)
        for address in (None, b"12"):
            with pytest.raises(Refused, match="pool_address: expected 0x and 40 hex digits"):
                await pipeline.get_pool_reserves(1, address)
