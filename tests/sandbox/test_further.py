"""What the pools of further kinds hold, tell and pay, and what the odd tokens do."""

from collections import Counter
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.services import need_node

from tidemill.sandbox import abi
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.further_crowd import FurtherCrowd, gains
from tidemill.sandbox.market import MarketReader, unit_prices
from tidemill.sandbox.rpc import Call, Rpc, RpcError
from tidemill.sandbox.traders import TraderCounts
from tidemill.sandbox.venues import VENUES, Change, Leg
from tidemill.sandbox.world import FurtherPool, OddToken, World

from .parity import told_in, told_out
from .test_traders import mine_moves, run_traders

PANCAKE_INIT_HASH = "6ce8eb472fa82df5469c6ab6d485f17c3ad13c8cd7af59b3d4a8026c5ce0f7e2"


def _odd(world: World, oddity: str) -> OddToken:
    return next(token for token in world.odd_tokens if token.oddity == oddity)


def _named(pool: FurtherPool) -> tuple[str, str | None]:
    return pool.address, pool.pool_id


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def further_traded() -> AsyncIterator[tuple[World, TraderCounts]]:
    need_node()
    async with open_world() as opened:
        yield opened, await run_traders(opened, 30, swaps_per_s=100, block_ms=100, further_percent=200)


async def test_every_kind_has_a_pool_and_no_pool_is_there_twice(world: World) -> None:
    assert {pool.protocol for pool in world.further_pools} == set(VENUES)
    assert len(set(map(_named, world.further_pools))) == len(world.further_pools)


async def test_contracts_to_ask_and_to_trade_with_have_code(world: World) -> None:
    named = {
        address
        for pool in world.further_pools
        for address in (pool.address, pool.router, pool.quoter, pool.vault, pool.factory, pool.state_view)
        if address is not None
    }
    async with Rpc(world.http_url) as rpc:
        codes = await rpc.all([Call("eth_getCode", [address, "latest"]) for address in sorted(named)])
    assert all(len(code) > 100 for code in codes)


async def test_every_pool_starts_at_the_prices_of_the_others(fresh_world: World) -> None:
    prices = {token.address: token.start_price_usd / 10**token.decimals for token in fresh_world.tokens}
    for pool in fresh_world.further_pools:
        places = range(len(pool.tokens))
        pairs = [(one, other) for one in places for other in places if one != other]
        legs = [Leg(one, other, int(10 / prices[pool.tokens[one]])) for one, other in pairs]
        for leg, bought in zip(legs, await told_out(fresh_world, pool, legs), strict=True):
            assert bought is not None
            kept = (
                bought * prices[pool.tokens[leg.token_out]] / (leg.size * prices[pool.tokens[leg.token_in]])
            )
            fee = (pool.fee_ppm or 300) / 1e6
            assert kept == pytest.approx(1 - fee, abs=6e-4), pool


async def test_what_a_size_costs_buys_about_that_size(world: World) -> None:
    units = {token.address: 10**token.decimals / token.start_price_usd for token in world.tokens}
    for pool in world.further_pools:
        wanted = Leg(0, 1, int(500 * units[pool.tokens[1]]))
        if VENUES[pool.protocol].ask_in(pool, wanted) is None:
            continue
        [cost] = await told_in(world, pool, [wanted])
        assert cost is not None
        [bought] = await told_out(world, pool, [Leg(0, 1, cost)])
        assert bought is not None
        assert bought == pytest.approx(wanted.size, rel=1e-5)


async def test_a_v4_pool_s_id_is_the_one_that_the_state_view_knows(world: World) -> None:
    pools = [pool for pool in world.further_pools if pool.protocol == "uniswap_v4"]
    async with Rpc(world.http_url) as rpc:
        for pool in pools:
            call = {"to": pool.state_view, "data": abi.flat_call("getLiquidity(bytes32)", str(pool.pool_id))}
            assert int(await rpc.call("eth_call", call, "latest"), 16) > 0


async def test_a_pancake_pool_is_where_its_init_hash_puts_it(world: World) -> None:
    for pool in (pool for pool in world.further_pools if pool.protocol == "pancake_v3"):
        async with Rpc(world.http_url) as rpc:
            call = {"to": pool.factory, "data": abi.flat_call("poolDeployer()")}
            deployer = (await rpc.call("eth_call", call, "latest"))[-40:]
        salt = abi.digest(
            bytes.fromhex(abi.arguments(["address", "address", "uint24"], *pool.tokens, pool.fee_ppm))
        )
        hashed = abi.digest(bytes.fromhex("ff" + deployer + salt[2:] + PANCAKE_INIT_HASH))
        assert pool.address[2:] == hashed[-40:]


async def test_traders_trade_in_every_further_pool_at_the_set_share(
    further_traded: tuple[World, TraderCounts],
) -> None:
    world, counts = further_traded
    assert counts.swaps * 1.6 < counts.further_sent < counts.swaps * 2.2
    assert counts.further_swaps > 0.95 * counts.further_sent
    holders = [pool.vault or pool.address for pool in world.further_pools]
    query = {"fromBlock": hex(world.ready_block + 1), "toBlock": "latest", "address": holders}
    async with Rpc(world.http_url) as rpc:
        logs = await rpc.call("eth_getLogs", query)
    named = Counter(log["address"] for log in logs)
    named.update(topic for log in logs for topic in log["topics"][1:])
    words = {pool.address: "0x" + pool.address[2:].rjust(64, "0") for pool in world.further_pools}
    found = [
        max(named[pool.pool_id or pool.address], named[words[pool.address]]) for pool in world.further_pools
    ]
    assert min(found) > 3


LIQUIDITY = {
    "algebra_v2": (
        "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        "Burn(address,int24,int24,uint128,uint256,uint256)",
    ),
    "uniswap_v4": ("ModifyLiquidity(bytes32,address,int24,int24,int256,bytes32)",) * 2,
    "balancer_v2_weighted": ("PoolBalanceChanged(bytes32,address,address[],int256[],uint256[])",) * 2,
}
LIQUIDITY |= dict.fromkeys(("algebra_v1", "algebra_integral", "pancake_v3"), LIQUIDITY["algebra_v2"])
LIQUIDITY |= dict.fromkeys(
    ("balancer_v3_weighted", "balancer_v3_stable"),
    (
        "LiquidityAdded(address,address,uint8,uint256,uint256[],uint256[])",
        "LiquidityRemoved(address,address,uint8,uint256,uint256[],uint256[])",
    ),
)
LIQUIDITY["balancer_v2_stable"] = LIQUIDITY["balancer_v2_weighted"]


def _liquidity_topic(pool: FurtherPool, *, adds: bool) -> str:
    if pool.protocol.startswith("curve_stable"):
        sizes = f"uint256[{len(pool.tokens) if pool.protocol == 'curve_stable' else ''}]"
        event = (
            f"AddLiquidity(address,{sizes},{sizes},uint256,uint256)"
            if adds
            else f"RemoveLiquidity(address,{sizes},{sizes},uint256)"
        )
    else:
        event = LIQUIDITY[pool.protocol][0 if adds else 1]
    return abi.topic(event)


async def test_liquidity_is_added_to_every_further_pool_and_taken_out_again(fresh_world: World) -> None:
    tokens = {token.address: token for token in fresh_world.tokens}
    provider = fresh_world.accounts.provider
    async with Rpc(fresh_world.http_url) as rpc:
        for pool in fresh_world.further_pools:
            for adds in (True, False):
                change = Change(adds, 1e-3, tuple(tokens[one] for one in pool.tokens), provider)
                data = VENUES[pool.protocol].change_liquidity(pool, change)
                fields = {"from": provider, "to": pool.manager, "data": data, "gas": hex(3_000_000)}
                await rpc.call("eth_sendTransaction", fields)
                await rpc.call("evm_mine")
                [receipt] = await rpc.call("eth_getBlockReceipts", "latest")
                assert _liquidity_topic(pool, adds=adds) in [log["topics"][0] for log in receipt["logs"]], (
                    pool
                )


async def test_nobody_trades_in_further_pools_where_the_share_is_none(fresh_world: World) -> None:
    counts = await run_traders(fresh_world, 12, swaps_per_s=200, block_ms=50, further_percent=0)
    assert counts.further_sent == counts.further_swaps == 0 < counts.swaps


async def test_arbitrage_closes_gaps_to_further_pools(fresh_world: World) -> None:
    await run_traders(
        fresh_world, 15, swaps_per_s=100, block_ms=100, further_percent=300, arbitrage_percent=0
    )
    crowd, reader = FurtherCrowd(fresh_world, seed=1), MarketReader(fresh_world)
    to_gain: list[float] = []
    async with Rpc(fresh_world.http_url) as rpc:
        prices = unit_prices(await reader.read(rpc), fresh_world.token("USDC").address)
        for _ in range(6):
            offers = [offer for _ in range(crowd.turns) for offer in await crowd.read(rpc)]
            to_gain.append(sum(gain for gain, _ in gains(offers, prices)))
            await mine_moves(rpc, crowd.arbitrages(offers, prices, 100))
    assert to_gain[0] > 0
    assert to_gain[-1] < to_gain[0] / 4


async def test_a_fee_is_kept_of_a_transfer(fresh_world: World) -> None:
    odd, provider = _odd(fresh_world, "fee_on_transfer"), fresh_world.accounts.provider
    to = fresh_world.accounts.traders[0]
    async with Rpc(fresh_world.http_url) as rpc:
        data = abi.flat_call("transfer(address,uint256)", to, 1_000_000)
        await rpc.call("eth_sendTransaction", {"from": provider, "to": odd.address, "data": data})
        await rpc.call("evm_mine")
        call = {"to": odd.address, "data": abi.flat_call("balanceOf(address)", to)}
        assert int(await rpc.call("eth_call", call, "latest"), 16) == 990_000


async def test_a_rebase_changes_what_a_pair_holds_and_not_what_it_knows(fresh_world: World) -> None:
    odd, deployer = _odd(fresh_world, "rebasing"), fresh_world.accounts.deployer
    held = Call(
        "eth_call", [{"to": odd.address, "data": abi.flat_call("balanceOf(address)", odd.pair)}, "latest"]
    )
    known = Call("eth_call", [{"to": odd.pair, "data": abi.flat_call("getReserves()")}, "latest"])
    async with Rpc(fresh_world.http_url) as rpc:
        before = await rpc.all([held, known])
        data = abi.flat_call("rebase(uint256)", 6_000_000 * 10**18)
        await rpc.call("eth_sendTransaction", {"from": deployer, "to": odd.address, "data": data})
        await rpc.call("evm_mine")
        after = await rpc.all([held, known])
    assert int(after[0], 16) == 2 * int(before[0], 16)
    assert after[1] == before[1]


async def test_one_token_lies_about_its_decimals_and_one_says_nothing(world: World) -> None:
    liar, silent = _odd(world, "lying_decimals"), _odd(world, "reverting_views")
    decimals = abi.flat_call("decimals()")
    async with Rpc(world.http_url) as rpc:
        told = await rpc.each(
            [Call("eth_call", [{"to": one.address, "data": decimals}, "latest"]) for one in (liar, silent)]
        )
        reserves = await rpc.call(
            "eth_call", {"to": silent.pair, "data": abi.flat_call("getReserves()")}, "latest"
        )
    assert int(told[0], 16) == 18 != liar.decimals
    assert isinstance(told[1], RpcError)
    assert int(reserves[2:66], 16) > 0
