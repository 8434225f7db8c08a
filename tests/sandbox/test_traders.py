"""What traders do to a world."""

import asyncio
import math
import os
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
import pytest_asyncio
from tests.services import need_node

from tidemill.sandbox import abi
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.market import MarketReader, Quote, by_pair
from tidemill.sandbox.moves import Move
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.run import SandboxOptions, run_sandbox
from tidemill.sandbox.strategy import Crowd
from tidemill.sandbox.traders import TraderCounts, TraderOptions, trade
from tidemill.sandbox.world import World
from tidemill.schema.faults import Unreachable

V2_SWAP = abi.topic("Swap(address,uint256,uint256,uint256,uint256,address)")
V3_SWAP = abi.topic("Swap(address,address,int256,int256,uint160,uint128,int24)")
EXACT_OUT = {
    abi.selector("swapTokensForExactTokens(uint256,uint256,address[],address,uint256)").hex(),
    abi.selector("exactOutputSingle((address,address,uint24,address,uint256,uint256,uint256,uint160))").hex(),
}


class _EnoughError(Exception):
    """As many blocks are made as were asked for."""


async def run_traders(world: World, blocks: int, **options: float) -> TraderCounts:
    """Trade until so many blocks are made, however long the machine takes for them."""
    counts = TraderCounts()

    async def stop_in_time() -> None:
        if counts.blocks == blocks:
            raise _EnoughError

    with suppress(_EnoughError):
        await trade(world, TraderOptions(**options), counts, stop_in_time)
    return counts


async def _logs(world: World, *topics: str) -> list[dict[str, str]]:
    pools = [pool.address for pool in world.pools]  # Algebra's swaps are spelled as V3's
    query = {
        "fromBlock": hex(world.ready_block + 1),
        "toBlock": "latest",
        "address": pools,
        "topics": [list(topics)],
    }
    async with Rpc(world.http_url) as rpc:
        return await rpc.call("eth_getLogs", query)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def traded() -> AsyncIterator[tuple[World, TraderCounts]]:
    need_node()
    async with open_world() as opened:
        yield opened, await run_traders(opened, 30, swaps_per_s=200, block_ms=100, liquidity_percent=15)


async def test_swaps_come_at_the_set_rate(fresh_world: World) -> None:
    began_s = time.perf_counter()
    counts = await run_traders(fresh_world, 30, swaps_per_s=200, block_ms=100)
    took_s = time.perf_counter() - began_s
    logs = await _logs(fresh_world, V2_SWAP, V3_SWAP)
    # A block is a tenth of a second or more after the one before; a slow machine trades as much in fewer.
    assert 0.6 * 200 * 30 / 10 <= len(logs) == counts.swaps <= 1.1 * 200 * took_s


async def test_swaps_come_on_all_kinds_of_pool(traded: tuple[World, TraderCounts]) -> None:
    world, counts = traded
    assert len({log["address"] for log in await _logs(world, V2_SWAP, V3_SWAP)}) == len(world.pools)
    assert counts.reverted + counts.rejected < counts.sent / 20
    assert counts.arbitrages_sent > 0


async def test_every_log_of_a_trading_world_stays_readable(traded: tuple[World, TraderCounts]) -> None:
    world, counts = traded
    await world.mine(300)  # more blocks than the node keeps states for
    assert len(await _logs(world, V2_SWAP, V3_SWAP)) >= counts.swaps > 0


async def test_swaps_are_exact_in_and_exact_out_and_cross_ticks(traded: tuple[World, TraderCounts]) -> None:
    world, counts = traded
    async with Rpc(world.http_url) as rpc:
        selectors = Counter[str]()
        for number in range(world.ready_block + 1, world.ready_block + counts.blocks + 1):
            block = await rpc.call("eth_getBlockByNumber", hex(number), True)
            selectors.update(transaction["input"][2:10] for transaction in block["transactions"])
    exact_out = [selectors[selector] for selector in EXACT_OUT]
    assert min(exact_out) > 20
    liquidities: dict[str, set[str]] = {}
    for log in await _logs(world, V3_SWAP):
        liquidities.setdefault(log["address"], set()).add(log["data"][2 + 3 * 64 : 2 + 4 * 64])
    assert sum(len(seen) > 2 for seen in liquidities.values()) >= 3


async def test_some_transactions_swap_in_two_pools(traded: tuple[World, TraderCounts]) -> None:
    logs = await _logs(traded[0], V2_SWAP)
    assert Counter(Counter(log["transactionHash"] for log in logs).values())[2] > 3


async def test_liquidity_is_added_and_taken_out_in_both_kinds_of_pool(
    traded: tuple[World, TraderCounts],
) -> None:
    world, _ = traded
    signatures = (
        "Mint(address,uint256,uint256)",
        "Burn(address,uint256,uint256,address)",
        "Mint(address,address,int24,int24,uint128,uint256,uint256)",
        "Burn(address,int24,int24,uint128,uint256,uint256)",
    )
    topics = [abi.topic(signature) for signature in signatures]
    assert {log["topics"][0] for log in await _logs(world, *topics)} == set(topics)


async def test_traders_go_on_after_a_reorg(fresh_world: World) -> None:
    before = await run_traders(fresh_world, 12, swaps_per_s=200, block_ms=50)
    await fresh_world.reorg(4)
    after = await run_traders(fresh_world, 12, swaps_per_s=200, block_ms=50)
    assert before.swaps > 30
    assert after.swaps > 30


async def test_traders_live_through_reorgs_in_the_middle_of_their_blocks(fresh_world: World) -> None:
    counts = TraderCounts()
    options = TraderOptions(swaps_per_s=400, block_ms=20)
    async with asyncio.TaskGroup() as tasks:
        trading = tasks.create_task(trade(fresh_world, options, counts), name="traders")
        for reorg in range(1, 9):
            while counts.blocks < 6 * reorg and not trading.done():  # noqa: ASYNC110  counts tell nobody
                await asyncio.sleep(0.005)
            await fresh_world.reorg(2)
        before = counts.swaps
        async with asyncio.timeout(10):
            while counts.swaps < before + 50 and not trading.done():  # noqa: ASYNC110  counts tell nobody
                await asyncio.sleep(0.005)
        trading.cancel()


async def test_arbitrage_closes_what_noise_opened(fresh_world: World) -> None:
    crowd, reader = Crowd(fresh_world, seed=1), MarketReader(fresh_world)
    async with Rpc(fresh_world.http_url) as rpc:
        await mine_moves(rpc, crowd.noise(await reader.read(rpc), 600))
        wide = await reader.read(rpc)
        moves = crowd.arbitrages(wide, 1_000)
        await mine_moves(rpc, moves)
        narrow = await reader.read(rpc)
    assert len(moves) > 5
    assert _spread(narrow) < _spread(wide) / 2


async def mine_moves(rpc: Rpc, moves: list[Move]) -> None:
    """Mine a block of these."""
    for move in moves:
        fields = {"from": move.sender, "to": move.to, "data": move.data, "gas": hex(3_000_000)}
        await rpc.call("eth_sendTransaction", fields)
    await rpc.call("evm_mine")


def _spread(quotes: list[Quote]) -> float:
    """Sum, over all pairs, the relative distance of the dearest pool from the cheapest."""
    groups = [[math.log(quote.price) for quote in group] for group in by_pair(quotes).values()]
    return sum(max(prices) - min(prices) for prices in groups)


async def test_the_same_seed_wishes_the_same(world: World) -> None:
    async with Rpc(world.http_url) as rpc:
        quotes = await MarketReader(world).read(rpc)
    wishes = [Crowd(world, seed).noise(quotes, 50) for seed in (7, 7, 8)]
    assert wishes[0] == wishes[1] != wishes[2]


async def test_traders_whose_node_is_gone_say_so(fresh_world: World) -> None:
    os.kill(fresh_world.node_pid, signal.SIGKILL)
    with pytest.raises(Unreachable, match="expected an answer"):
        await trade(fresh_world, TraderOptions(), TraderCounts())


async def test_the_command_says_where_everything_is_and_what_was_done(world: World) -> None:
    said: list[str] = []
    counts = await run_sandbox(SandboxOptions(seconds=1), said.append)
    assert said[0].count("\npool ") == len(world.pools)
    assert "http://127.0.0.1:" in said[0]
    assert f"{counts.swaps} swaps mined" in said[1]
