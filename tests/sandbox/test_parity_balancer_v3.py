"""Are our swaps in Balancer V3 pools those of its own vault, to the unit."""

from collections.abc import Callable
from random import Random

import pytest
from tests.chains.test_anvil import config_of
from tests.chains.test_pool_query import bytes_of, querying

from tidemill._rust import PoolError, PoolReading
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.sandbox.venues import Leg
from tidemill.sandbox.world import FurtherPool, World

from .parity import SWAPS, of_protocol, random_legs, swapped, told_in, told_out

ROUNDS = 10
"""States on which a pool is asked, each after swaps of random sizes."""


async def _read(query: PoolQuery, pool: FurtherPool) -> PoolReading:
    [state] = await query.read([PoolWanted(bytes_of(pool.address))], is_exact=True)
    assert isinstance(state, PoolState), state
    assert state.reading.doubt is None
    assert [coin.address for coin in state.reading.coins] == [bytes_of(token) for token in pool.tokens]
    return state.reading


def _foretold(quote: Callable[[int, int, int], int], leg: Leg) -> int | None:
    try:
        return quote(leg.token_in, leg.token_out, leg.size)
    except PoolError:
        return None


@pytest.mark.parametrize("protocol", ["balancer_v3_weighted", "balancer_v3_stable"])
async def test_a_thousand_swaps_pay_and_cost_what_the_vault_says(world: World, protocol: str) -> None:
    dice = Random(protocol)
    async with querying(config_of(world), world.http_url) as query:
        for pool in of_protocol(world, protocol):
            refused = refused_in = 0
            for number in range(ROUNDS):
                reading = await _read(query, pool)
                legs = random_legs(world, pool, dice.random().hex(), (1e-13, 3), SWAPS // ROUNDS)
                told = await told_out(world, pool, legs)
                assert [_foretold(reading.amount_out, leg) for leg in legs] == told
                refused += sum(size is None for size in told)
                costs = await told_in(world, pool, legs)
                assert [_foretold(reading.amount_in, leg) for leg in legs] == costs
                refused_in += sum(size is None for size in costs)
                made = random_legs(world, pool, f"{protocol} {number}", (1e-5, 1e-3), 1)
                paid = await swapped(world, pool, made)
                assert paid == [_foretold(reading.amount_out, leg) for leg in made]
            assert 0 < refused < SWAPS / 2
            assert 0 < refused_in < SWAPS * 3 / 4  # the size is of the token out: a third of it is too much
