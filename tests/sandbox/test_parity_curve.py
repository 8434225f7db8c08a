"""Are our swaps in plain Curve pools those of a contract with their arithmetic, to the unit."""

import pytest

from tidemill._rust import CurveStablePool, PoolError
from tidemill.sandbox import abi
from tidemill.sandbox.venues import Leg
from tidemill.sandbox.world import FurtherPool, World

from .parity import SWAPS, of_protocol, random_legs, swapped, told_out, views

POOLS = range(3)
"""3pool's generation, then two of the template's."""


async def _read(world: World, pool: FurtherPool) -> CurveStablePool:
    """Return the pool as its contract tells it; one without a precise A is of 3pool's generation."""
    decimals = {token.address: token.decimals for token in world.tokens}
    index = of_protocol(world, "curve_stable").index(pool)
    amplification = abi.flat_call("A()" if index == 0 else "A_precise()")
    questions = [
        (pool.address, amplification, ["uint256"]),
        (pool.address, abi.flat_call("fee()"), ["uint256"]),
        (pool.address, abi.flat_call("admin_fee()"), ["uint256"]),
    ]
    questions += [
        (pool.address, abi.flat_call("balances(uint256)", coin), ["uint256"])
        for coin in range(len(pool.tokens))
    ]
    (amp,), (fee,), (admin_fee,), *balances = await views(world, questions)
    return CurveStablePool(
        generation="three_pool" if index == 0 else "template",
        balances=[balance for (balance,) in balances],
        rates=[10 ** (36 - decimals[token]) for token in pool.tokens],
        amplification=amp,
        fee=fee,
        admin_fee=admin_fee,
    )


def _foretold(pool: CurveStablePool, leg: Leg) -> int | None:
    try:
        return pool.amount_out(leg.token_in, leg.token_out, leg.size)
    except PoolError:
        return None


@pytest.mark.parametrize("index", POOLS)
async def test_a_thousand_quotes_are_the_contract_s(world: World, index: int) -> None:
    pool = of_protocol(world, "curve_stable")[index]
    ours = await _read(world, pool)
    legs = random_legs(world, pool, index, (1e-14, 1e3))
    assert [_foretold(ours, leg) for leg in legs] == await told_out(world, pool, legs)


@pytest.mark.parametrize("index", POOLS)
async def test_a_thousand_swaps_pay_what_we_foretell_and_leave_the_balances_we_foretell(
    world: World, index: int
) -> None:
    pool = of_protocol(world, "curve_stable")[index]
    ours = await _read(world, pool)
    legs = random_legs(world, pool, index + 100, (1e-9, 1e-2))
    foretold: list[int | None] = []
    for leg in legs:
        ours, paid = ours.swap(leg.token_in, leg.token_out, leg.size)
        foretold.append(paid)
    assert await swapped(world, pool, legs) == foretold
    assert await _read(world, pool) == ours


async def test_an_old_pool_quotes_a_unit_more_than_it_pays_at_times(world: World) -> None:
    old, newer, _ = of_protocol(world, "curve_stable")
    for pool, is_old in ((old, True), (newer, False)):
        ours = await _read(world, pool)
        legs = random_legs(world, pool, 5, (1e-8, 1e-2))
        paid = [ours.swap(leg.token_in, leg.token_out, leg.size)[1] for leg in legs]
        gaps = {
            told - swap for told, swap in zip(await told_out(world, pool, legs), paid, strict=True) if told
        }
        assert gaps == ({0, 1} if is_old else {0})
    assert len(legs) == SWAPS
