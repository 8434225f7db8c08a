"""What a scan finds on a real chain: the gap that was planted, which pays to the unit what it promised."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tidemill import PoolPipeline
from tidemill.app.sandbox.demo import SOURCE, world_config, world_search
from tidemill.app.settings import Settings
from tidemill.process.pair_search import FoundOpportunity
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import Pool, Token, World
from tidemill.schema.events import OpportunityHop
from tidemill.schema.faults import Refused, Unknown

from .contracts import mine
from .test_opportunities import balances, pool_of

_GAS = hex(15_000_000)
_SHARE = 20
"""One part in so many of a pool's reserve opens a gap wider than the fees of any two pools here."""


def token_of(world: World, symbol: str) -> Token:
    return next(token for token in world.tokens if token.symbol == symbol)


def raw(address: str) -> bytes:
    return bytes.fromhex(address[2:])


@asynccontextmanager
async def scanning(world: World) -> AsyncIterator[PoolPipeline]:
    settings = Settings(
        chains={SOURCE: world_config(world, further=())}, search={SOURCE: world_search(world)}
    )
    async with PoolPipeline(settings, use_websockets=False) as pipeline:
        yield pipeline


class Trader:
    """Swaps in the order they are given, each with its own nonce."""

    def __init__(self, world: World, rpc: Rpc) -> None:
        self.address = world.accounts.traders[0]
        self._world, self._rpc = world, rpc

    async def swap(self, swaps: list[tuple[Pool, bool, int]]) -> None:
        """Mine the swaps into one block: of each the pool, whether token 0 is paid in, and how much."""
        first = int(await self._rpc.call("eth_getTransactionCount", self.address, "latest"), 16)
        routers = {factory.address: factory.router for factory in self._world.factories}
        sent = [
            {
                "from": self.address,
                "to": routers[pool.factory],
                "data": swap_exact_in(pool, zero_for_one=up, size_in=size, recipient=self.address),
                "gas": _GAS,
                "nonce": hex(first + place),
                **FEES,
            }
            for place, (pool, up, size) in enumerate(swaps)
        ]
        assert all((await mine(self._rpc, sent)).went_through)

    async def take(self, hops: tuple[OpportunityHop, ...]) -> None:
        pools = [pool_of(self._world, hop.pool) for hop in hops]
        paid = [raw(pool.token0) == hop.token_in for pool, hop in zip(pools, hops, strict=True)]
        await self.swap(list(zip(pools, paid, [hop.amount_in for hop in hops], strict=True)))


async def planted(world: World, trader: Trader, pipeline: PoolPipeline, protocol: str) -> Pool:
    """Sell WETH to a pool of WETH and USDC that has a twin; return the pool."""
    usdc = token_of(world, "USDC").address
    pair = {world.weth, usdc}
    pool = next(one for one in world.pools if {one.token0, one.token1} == pair and one.protocol == protocol)
    held = await pipeline.get_pool_reserves(world.chain_id, pool.address)
    is_first = pool.token0 == world.weth
    await trader.swap([(pool, is_first, (held["reserve0"] if is_first else held["reserve1"]) // _SHARE)])
    return pool


@pytest.mark.timeout(120)
@pytest.mark.parametrize("protocol", ["uniswap_v2", "uniswap_v3"])
async def test_a_planted_gap_is_found_by_its_pair_and_pays_to_the_unit(
    fresh_world: World, protocol: str
) -> None:
    world = fresh_world
    usdc = token_of(world, "USDC").address
    async with scanning(world) as pipeline, Rpc(world.http_url) as rpc:
        trader = Trader(world, rpc)
        pool = await planted(world, trader, pipeline, protocol)
        scan = await pipeline.scan_opportunities(
            [world.chain_id], [(world.weth, usdc)], 10_000, stable_tokens={world.chain_id: [usdc]}
        )
        best: FoundOpportunity = scan[0]
        assert raw(pool.address) in {hop.pool for hop in best.hops}
        assert {hop.token_in for hop in best.hops} == {raw(world.weth), raw(usdc)}
        assert all(liquidity is not None and liquidity >= 10_000 for liquidity in best.liquidity_usd)
        told = best.opportunity
        assert told.net_profit is not None
        assert told.fee_wei is not None
        assert 0 < told.net_profit == told.gross_profit - told.fee_wei  # it begins with the gas token
        before = await balances(rpc, world, trader.address)
        await trader.take(best.hops)
        after = await balances(rpc, world, trader.address)
        changed = {token: after[token] - held for token, held in before.items() if after[token] != held}
        assert changed == {told.token: told.gross_profit}
        stats = pipeline.get_stats()
        assert (stats["scans"], stats["scans_failed"]) == (1, 0)
        assert stats["opportunities"] == len(scan)
        assert stats["scanned_pools"] == scan.pool_count > 1


async def test_every_pool_of_a_pair_is_found_and_left_out_where_it_is_worth_too_little(world: World) -> None:
    usdc = token_of(world, "USDC").address
    of_pair = {raw(pool.address) for pool in world.pools if {pool.token0, pool.token1} == {world.weth, usdc}}
    chains, pairs, stables = [world.chain_id], [(world.weth, usdc)], {world.chain_id: [usdc]}
    async with scanning(world) as pipeline:
        everything = await pipeline.scan_opportunities(chains, pairs)
        assert everything.pool_count == len(of_pair) > 1
        assert not of_pair & {pool.pool for pool in everything.left_out}
        rich = await pipeline.scan_opportunities(chains, pairs, 1e15, stable_tokens=stables)
        assert (rich.pool_count, len(rich)) == (0, 0)
        reasons = {pool.pool: pool.reason for pool in rich.left_out}
        told = re.compile(r"expected 1(0{15})\.00 USD, found \d+\.\d\d")
        assert all(told.fullmatch(reasons[pool]) for pool in of_pair)
        unpriced = await pipeline.scan_opportunities(chains, pairs, 1)
        assert unpriced.pool_count == 0
        reasons = {pool.pool: pool.reason for pool in unpriced.left_out}
        assert all("found no price" in reasons[pool] for pool in of_pair)


async def test_a_pair_that_nobody_trades_gives_an_empty_scan(world: World) -> None:
    async with scanning(world) as pipeline:
        scan = await pipeline.scan_opportunities([world.chain_id], [("0x" + "01" * 20, "0x" + "02" * 20)])
    assert (scan.pool_count, list(scan), scan.left_out) == (0, [], ())


async def test_without_costs_no_net_profit_is_told(fresh_world: World) -> None:
    world = fresh_world
    networks = {"sandbox": {"chain_id": world.chain_id, "rpc": world.http_url}}
    factories = [msgspec.to_builtins(factory) for factory in world_config(world).factories]
    networks["sandbox"] |= {"factories": factories, "multicall": world.multicall}
    async with (
        PoolPipeline({"networks": networks}, use_websockets=False) as pipeline,
        Rpc(world.http_url) as rpc,
    ):
        await planted(world, Trader(world, rpc), pipeline, "uniswap_v2")
        pair = (world.weth, token_of(world, "USDC").address)
        scan = await pipeline.scan_opportunities([world.chain_id], [pair])
    assert scan[0].opportunity.gross_profit > 0
    assert scan[0].opportunity.net_profit is None
    assert scan[0].liquidity_usd == (None, None)


async def test_the_price_of_a_pair_without_a_stable_token_comes_from_other_pools(world: World) -> None:
    usdc = token_of(world, "USDC").address
    pool = next(pool for pool in world.pools if usdc not in (pool.token0, pool.token1))
    async with scanning(world) as pipeline:
        scan = await pipeline.scan_opportunities(
            [world.chain_id], [(pool.token0, pool.token1)], 10, stable_tokens={world.chain_id: [usdc]}
        )
    assert scan.pool_count > 0
    assert raw(pool.address) not in {left.pool for left in scan.left_out}


async def test_a_symbol_means_a_token_at_hand_or_nothing(world: World) -> None:
    usdc = token_of(world, "USDC").address
    chain_id = world.chain_id
    async with scanning(world) as pipeline:
        by_symbol = await pipeline.scan_opportunities(
            [chain_id], [("WETH", "USDC")], stable_tokens={chain_id: [usdc]}
        )
        by_address = await pipeline.scan_opportunities([chain_id], [(usdc, world.weth)])
        assert by_symbol.pool_count == by_address.pool_count > 0
        with pytest.raises(
            Unknown, match=rf"known symbols \(WETH on chain {chain_id}\), found WETH and USDC"
        ):
            await pipeline.scan_opportunities([chain_id], [("WETH", "USDC")])
        for chains, pairs, least, words in [
            ([1], [("WETH", usdc)], 0, f"chain_id: expected one of {chain_id}, found 1"),
            ([chain_id], [("WETH", world.weth)], 0, "expected two tokens, found WETH and 0x"),
            ([chain_id], [("WETH", usdc)], -1, "min_liquidity_usd: expected a number from 0 on, found -1"),
            ([chain_id], [("WETH", usdc)], float("nan"), "min_liquidity_usd: expected a number"),
        ]:
            with pytest.raises(Refused, match=words):
                await pipeline.scan_opportunities(chains, pairs, least)
        stats = pipeline.get_stats()
        assert (stats["scans"], stats["scans_failed"]) == (7, 5)


async def test_pools_of_tokens_that_take_fees_or_rebase_are_flagged_and_left_out(world: World) -> None:
    odd = {one.oddity: one for one in world.odd_tokens}
    async with scanning(world) as pipeline:
        for oddity in ("fee_on_transfer", "rebasing"):
            one = odd[oddity]
            told = await pipeline.get_pool_reserves(world.chain_id, one.pair)
            natures = dict(zip(told["tokens"], told["token_natures"], strict=True))
            assert natures == {one.address: oddity, world.weth: "ordinary"}
            scan = await pipeline.scan_opportunities([world.chain_id], [(one.address, world.weth)])
            assert [left.pool for left in scan.left_out] == [raw(one.pair)]
            assert f"token {one.address}: {oddity}: " in scan.left_out[0].reason
            assert scan.pool_count == 0


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("place", "word", "reason"),
    [("0x8", 0, "found it empty"), ("0xc", 0, "found it locked")],
    ids=["empty", "mid-swap"],
)
async def test_a_scan_goes_on_without_a_pool_that_cannot_be_read_and_names_it(
    fresh_world: World, place: str, word: int, reason: str
) -> None:
    world = fresh_world
    usdc = token_of(world, "USDC").address
    of_pair = [pool for pool in world.pools if {pool.token0, pool.token1} == {world.weth, usdc}]
    broken = next(pool for pool in of_pair if pool.protocol == "uniswap_v2")
    async with scanning(world) as pipeline, Rpc(world.http_url) as rpc:
        await rpc.call("anvil_setStorageAt", broken.address, place, f"0x{word:064x}")
        scan = await pipeline.scan_opportunities([world.chain_id], [(world.weth, usdc)])
        reasons = {left.pool: left.reason for left in scan.left_out}
    assert reason in reasons[raw(broken.address)]
    assert scan.pool_count == len(of_pair) - 1
