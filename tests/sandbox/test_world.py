"""What a deployed world holds."""

from collections import defaultdict

import pytest

from tidemill.sandbox.market import MarketReader, Quote
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.world import World, from_json, to_json
from tidemill.schema.faults import Malformed, Refused


async def _hashes(world: World, first: int, last: int) -> list[str]:
    async with Rpc(world.http_url) as rpc:
        calls = [Call("eth_getBlockByNumber", [hex(number), False]) for number in range(first, last + 1)]
        return [block["hash"] for block in await rpc.all(calls)]


async def _quotes(world: World) -> list[Quote]:
    async with Rpc(world.http_url) as rpc:
        return await MarketReader(world).read(rpc)


async def test_twenty_pools_and_all_contracts_have_code(world: World) -> None:
    contracts = [pool.address for pool in world.pools]
    contracts += [token.address for token in world.tokens]
    contracts += [address for factory in world.factories for address in (factory.address, factory.router)]
    contracts += [world.multicall, world.position_manager, world.quoter, world.tick_lens, world.weth]
    async with Rpc(world.http_url) as rpc:
        codes = await rpc.all([Call("eth_getCode", [address, "latest"]) for address in contracts])
    assert len({pool.address for pool in world.pools}) >= 20
    assert all(len(code) > 100 for code in codes)


async def test_every_pool_has_liquidity(world: World) -> None:
    quotes = await _quotes(world)
    assert [quote.pool for quote in quotes] == list(world.pools)


async def test_pools_of_one_pair_start_at_one_price(fresh_world: World) -> None:
    prices: dict[tuple[str, str], list[float]] = defaultdict(list)
    for quote in await _quotes(fresh_world):
        prices[quote.pool.token0, quote.pool.token1].append(quote.price)
    assert any(len(of_pair) > 3 for of_pair in prices.values())
    for of_pair in prices.values():
        assert max(of_pair) / min(of_pair) == pytest.approx(1, abs=1e-6)


async def test_tokens_have_six_eight_and_eighteen_decimals(world: World) -> None:
    async with Rpc(world.http_url) as rpc:
        for token in world.tokens:
            answer = await rpc.call("eth_call", {"to": token.address, "data": "0x313ce567"}, "latest")
            assert int(answer, 16) == token.decimals
    assert {token.decimals for token in world.tokens} == {6, 8, 18}
    assert world.token("WBTC").decimals == 8


async def test_pools_know_their_factory_and_tokens(world: World) -> None:
    async with Rpc(world.http_url) as rpc:
        for pool in world.pools:
            views = ("0xc45a0155", "0x0dfe1681", "0xd21220a7")
            calls = [Call("eth_call", [{"to": pool.address, "data": view}, "latest"]) for view in views]
            answers = ["0x" + answer[-40:] for answer in await rpc.all(calls)]
            assert answers == [pool.factory, pool.token0, pool.token1]
            assert int(pool.token0, 16) < int(pool.token1, 16)


async def test_factory_events_name_every_pool_from_the_deploy_block(world: World) -> None:
    query = {
        "fromBlock": hex(world.deploy_block),
        "toBlock": "latest",
        "address": [factory.address for factory in world.factories],
        "topics": [
            [
                "0x0d3648bd0f6ba80134a33ba9275ac585d9d315f0ad8355cddefde31afa28d0e9",
                "0x783cca1c0412dd0d695e784568c96da2e9c22ff989357a2e8b1d9b2b4e6b7118",
            ]
        ],
    }
    async with Rpc(world.http_url) as rpc:
        logs = await rpc.call("eth_getLogs", query)
    assert len(logs) == len(world.pools)
    assert all(any(pool.address[2:] in log["data"] for log in logs) for pool in world.pools)


async def test_a_world_survives_json(world: World) -> None:
    assert from_json(to_json(world)) == world


def test_a_world_file_of_something_else_is_malformed() -> None:
    with pytest.raises(Malformed, match="expected a sandbox world"):
        from_json(b'{"http_url": 1}')


async def test_a_reorg_replaces_the_last_blocks_only(fresh_world: World) -> None:
    await fresh_world.mine(8)
    first, last = fresh_world.ready_block + 1, fresh_world.ready_block + 8
    before = await _hashes(fresh_world, first, last)
    await fresh_world.reorg(3)
    after = await _hashes(fresh_world, first, last)
    assert after[:5] == before[:5]
    assert all(old != new for old, new in zip(before[5:], after[5:], strict=True))


async def test_a_reorg_never_undoes_the_set_up(fresh_world: World) -> None:
    await fresh_world.mine(2)
    with pytest.raises(Refused, match="expected at most the 2 blocks after the set-up, found a depth of 3"):
        await fresh_world.reorg(3)
