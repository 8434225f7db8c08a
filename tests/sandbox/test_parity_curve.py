"""Are our swaps in plain Curve pools those of a contract with their arithmetic, to the unit."""

import pytest

from tidemill._rust import CurveStablePool, PoolError
from tidemill.sandbox import abi
from tidemill.sandbox.venues import Leg
from tidemill.sandbox.world import FurtherPool, World

from .parity import SWAPS, of_protocol, random_legs, swapped, told_out, views

GENERATIONS = ("three_pool", "template", "template", "ng")
"""Of the world's pools, in their order; a contract does not tell its own."""

POOLS = range(len(GENERATIONS))


def _pools(world: World) -> list[FurtherPool]:
    return of_protocol(world, "curve_stable") + of_protocol(world, "curve_stable_ng")


async def _read(world: World, pool: FurtherPool) -> CurveStablePool:
    """Return the pool as its contract tells it."""
    decimals = {token.address: token.decimals for token in world.tokens}
    generation = GENERATIONS[_pools(world).index(pool)]
    names = ["A()" if generation == "three_pool" else "A_precise()", "fee()", "admin_fee()"]
    names += ["offpeg_fee_multiplier()"] if generation == "ng" else []
    calls = [abi.flat_call(name) for name in names]
    calls += [abi.flat_call("balances(uint256)", coin) for coin in range(len(pool.tokens))]
    told = await views(world, [(pool.address, call, ["uint256"]) for call in calls])
    amp, fee, admin_fee, *rest = [int(str(value)) for (value,) in told]
    multiplier = rest.pop(0) if generation == "ng" else 0
    return CurveStablePool(
        generation=generation,
        balances=rest,
        rates=[10 ** (36 - decimals[token]) for token in pool.tokens],
        amplification=amp,
        fee=fee,
        admin_fee=admin_fee,
        offpeg_fee_multiplier=multiplier,
    )


def _foretold(pool: CurveStablePool, leg: Leg) -> int | None:
    try:
        return pool.amount_out(leg.token_in, leg.token_out, leg.size)
    except PoolError:
        return None


@pytest.mark.parametrize("index", POOLS)
async def test_a_thousand_quotes_are_the_contract_s(world: World, index: int) -> None:
    pool = _pools(world)[index]
    ours = await _read(world, pool)
    legs = random_legs(world, pool, index, (1e-14, 1e3))
    assert [_foretold(ours, leg) for leg in legs] == await told_out(world, pool, legs)


@pytest.mark.parametrize("index", POOLS)
async def test_a_thousand_swaps_pay_what_we_foretell_and_leave_the_balances_we_foretell(
    world: World, index: int
) -> None:
    pool = _pools(world)[index]
    ours = await _read(world, pool)
    legs = random_legs(world, pool, index + 100, (1e-9, 1e-2))
    foretold: list[int | None] = []
    for leg in legs:
        ours, paid = ours.swap(leg.token_in, leg.token_out, leg.size)
        foretold.append(paid)
    assert await swapped(world, pool, legs) == foretold
    assert await _read(world, pool) == ours


async def test_an_old_pool_quotes_a_unit_more_than_it_pays_at_times(world: World) -> None:
    old, newer, *_ = of_protocol(world, "curve_stable")
    for pool, is_old in ((old, True), (newer, False)):
        ours = await _read(world, pool)
        legs = random_legs(world, pool, 5, (1e-8, 1e-2))
        paid = [ours.swap(leg.token_in, leg.token_out, leg.size)[1] for leg in legs]
        gaps = {
            told - swap for told, swap in zip(await told_out(world, pool, legs), paid, strict=True) if told
        }
        assert gaps == ({0, 1} if is_old else {0})
    assert len(legs) == SWAPS
