"""Our swaps equal the contracts' own to the last unit, and so does the state that we read from logs."""

import os
import random
from collections.abc import Iterator
from itertools import product

import pytest

from tidemill._rust import UniswapV2Pool, UniswapV3Pool
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import Pool, World

from .contracts import Swap
from .following import Following, Kept, following
from .trial import Trial, affordable, depth

SWAPS = int(os.environ.get("PARITY_SWAPS", "2000"))
SEED = int(os.environ.get("PARITY_SEED", "1"))
_SWAPS_A_ROUND = 100
_MIN_SQRT, _MAX_SQRT = 4295128739, 1461446703485210103287273052203988822378723970342
_KINDS = [f"{protocol} {side}" for protocol in ("uniswap_v2", "uniswap_v3") for side in ("in", "out")]


def some_swaps(dice: random.Random, world: World, seen: Following, count: int) -> Iterator[Swap]:
    """Draw swaps over all pools: dust, usual, large enough to cross ticks, and more than there is."""
    for _ in range(count):
        pool, zero_for_one, is_exact_in = dice.choice(world.pools), dice.random() < 0.5, dice.random() < 0.5
        kept = seen.pool(pool)
        of = depth(kept, zero_for_one)[0 if is_exact_in else 1]
        match dice.choices(["dust", "usual", "large", "huge"], [2, 5, 3, 0.5])[0]:
            case "dust":
                size = dice.randint(1, 2_000)
            case "usual":
                size = int(of * 10 ** dice.uniform(-9, -1.3))
            case "large":
                size = int(of * 10 ** dice.uniform(-2, -0.3))
            case _:
                size = int(of * 10 ** dice.uniform(-0.3, 1))
        limit = None
        if isinstance(kept, UniswapV3Pool) and dice.random() < 0.15:
            assert kept.sqrt_price_x96 is not None
            away = -1 if zero_for_one == (dice.random() < 0.95) else 1
            limit = int(kept.sqrt_price_x96 * (1 + away * 10 ** dice.uniform(-8, -0.2)))
            limit = min(max(limit, _MIN_SQRT + 1), _MAX_SQRT - 1)
        yield Swap(pool, zero_for_one, is_exact_in, max(size, 1), limit)


@pytest.mark.timeout(120 + SWAPS // 20)
async def test_random_swaps_equal_the_contracts_to_the_last_unit(fresh_world: World) -> None:
    dice = random.Random(SEED)
    async with following(fresh_world) as seen, Rpc(fresh_world.http_url) as rpc:
        await seen.reach(fresh_world.ready_block)
        trial = Trial(fresh_world, rpc, seen, dice)
        for _ in range(-(-SWAPS // _SWAPS_A_ROUND)):
            swaps = list(some_swaps(dice, fresh_world, seen, _SWAPS_A_ROUND))
            await trial.quote(swaps)
            free = [swap for swap in swaps if swap.sqrt_price_limit_x96 is None]
            await trial.execute(dice.sample(free, min(60, len(free))))
            await trial.change_liquidity()
        await trial.compare_states()
    counted = trial.counted
    assert sum(counted[kind] for kind in _KINDS) >= SWAPS
    assert min(counted[kind] for kind in _KINDS) > SWAPS // 8
    assert counted["crossing"] > SWAPS // 20
    assert counted["reverted"] > SWAPS // 100
    assert counted["executed"] > SWAPS // 4
    assert counted["refused"] > SWAPS // 200


def extreme_swaps(kept: Kept, pool: Pool) -> Iterator[Swap]:
    """Yield swaps at the edges: nothing, one unit, all there is, one more, and what no contract can hold."""
    for zero_for_one, is_exact_in in product((True, False), repeat=2):
        sizes = {0, 1, 2, *(2**bits - less for bits in (112, 127, 128, 255, 256) for less in (0, 1))}
        sizes.discard(2**256)
        if isinstance(kept, UniswapV2Pool):
            of = depth(kept, zero_for_one)[0 if is_exact_in else 1]
        else:
            _, *all_there_is = kept.swap(zero_for_one, amount_in=2**255 - 1)
            of = all_there_is[0 if is_exact_in else 1]
        sizes.update((of - 1, of, of + 1))
        for size in sorted(sizes):
            yield Swap(pool, zero_for_one, is_exact_in, size)
        if isinstance(kept, UniswapV3Pool):
            assert kept.sqrt_price_x96 is not None
            price, tick_prices = kept.sqrt_price_x96, (_MIN_SQRT, _MIN_SQRT + 1, _MAX_SQRT - 1, _MAX_SQRT)
            for limit in (price - 1, price, price + 1, *tick_prices):
                yield Swap(pool, zero_for_one, is_exact_in, of // 3, limit)


async def test_swaps_at_the_edges_equal_the_contracts_or_are_refused_as_they_are(world: World) -> None:
    pools = {(pool.protocol, pool.dex, pool.tick_spacing): pool for pool in world.pools}.values()
    async with following(world) as seen, Rpc(world.http_url) as rpc:
        await seen.reach(int(await rpc.call("eth_blockNumber"), 16))  # others traded in this world
        trial = Trial(world, rpc, seen, random.Random(SEED))
        for pool in pools:
            await trial.quote(list(extreme_swaps(seen.pool(pool), pool)))
    assert trial.counted["reverted"] > 100
    assert trial.counted["crossing"] > 20


async def test_a_pool_that_was_drained_is_followed_and_filled_again(fresh_world: World) -> None:
    async with following(fresh_world) as seen, Rpc(fresh_world.http_url) as rpc:
        await seen.reach(fresh_world.ready_block)
        trial = Trial(fresh_world, rpc, seen, random.Random(SEED))
        pools = [pool for pool in fresh_world.pools if pool.tick_spacing is not None]
        for zero_for_one in (True, False):
            drains = [
                Swap(pool, zero_for_one, True, affordable(fresh_world, pool, zero_for_one)) for pool in pools
            ]
            await trial.execute(drains)
            for pool in pools:
                kept = seen.pool(pool)
                assert isinstance(kept, UniswapV3Pool)
                assert kept.liquidity == 0
            await trial.quote([Swap(pool, side, True, 10**9) for pool in pools for side in (True, False)])
        await trial.compare_states()
    assert trial.counted["executed"] == 2 * len(pools)
