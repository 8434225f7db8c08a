"""Are our swaps in Balancer V3 pools those of its own vault, to the unit."""

from random import Random

import pytest
from tests.chains.test_anvil import config_of
from tests.chains.test_pool_query import bytes_of, querying

from tidemill._rust import PoolError, PoolReading
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.sandbox.venues import Leg
from tidemill.sandbox.world import FurtherPool, World

from .parity import SWAPS, of_protocol, random_legs, swapped, told_out

ROUNDS = 10
"""States on which a pool is asked, each after swaps of random sizes."""


async def _read(query: PoolQuery, pool: FurtherPool) -> PoolReading:
    [state] = await query.read([PoolWanted(bytes_of(pool.address))], is_exact=True)
    assert isinstance(state, PoolState), state
    assert state.reading.doubt is None
    assert [coin.address for coin in state.reading.coins] == [bytes_of(token) for token in pool.tokens]
    return state.reading


def _foretold(reading: PoolReading, leg: Leg) -> int | None:
    try:
        return reading.amount_out(leg.token_in, leg.token_out, leg.size)
    except PoolError:
        return None


@pytest.mark.parametrize(
    ("protocol", "most"),
    [
        ("balancer_v3_weighted", 3),
        # beyond it the later stable pools leave no balance 10,000 times another, which no view tells
        ("balancer_v3_stable", 0.5),
    ],
)
async def test_a_thousand_swaps_pay_what_the_vault_pays(world: World, protocol: str, most: float) -> None:
    dice = Random(protocol)
    async with querying(config_of(world), world.http_url) as query:
        for pool in of_protocol(world, protocol):
            refused = 0
            for number in range(ROUNDS):
                reading = await _read(query, pool)
                legs = random_legs(world, pool, dice.random().hex(), (1e-13, most), SWAPS // ROUNDS)
                told = await told_out(world, pool, legs)
                assert [_foretold(reading, leg) for leg in legs] == told
                refused += sum(size is None for size in told)
                made = random_legs(world, pool, f"{protocol} {number}", (1e-5, 1e-3), 1)
                paid = await swapped(world, pool, made)
                assert paid == [_foretold(reading, leg) for leg in made]
            assert (most > 1) == (refused > 0)
            assert refused < SWAPS / 2
