"""Are our swaps in Balancer V2 pools those of the Vault, to the unit."""

from collections.abc import Callable

import pytest

from tidemill._rust import BalancerV2Pool, PoolError
from tidemill.sandbox import abi
from tidemill.sandbox.venues import Leg
from tidemill.sandbox.world import FurtherPool, World

from .parity import SWAPS, of_protocol, random_legs, swapped, told_in, told_out, views

KINDS = ("balancer_v2_weighted", "balancer_v2_stable")


async def _read(world: World, pool: FurtherPool) -> tuple[BalancerV2Pool, Callable[[int], int]]:
    """Return the pool as its contracts tell it, and where a token stands in it."""
    assert pool.vault is not None
    assert pool.pool_id is not None
    questions = [
        (pool.vault, abi.flat_call("getPoolTokens(bytes32)", pool.pool_id), ["address[]", "uint256[]"]),
        (pool.address, abi.flat_call("getSwapFeePercentage()"), ["uint256"]),
        (pool.address, abi.flat_call("getScalingFactors()"), ["uint256[]"]),
    ]
    if pool.protocol == "balancer_v2_weighted":
        questions.append((pool.address, abi.flat_call("getNormalizedWeights()"), ["uint256[]"]))
    else:
        questions.append((pool.address, abi.flat_call("getAmplificationParameter()"), ["uint256"]))
        questions.append((pool.address, abi.flat_call("getBptIndex()"), ["uint256"]))
    (tokens, balances), (fee,), (factors,), (own,), *rest = await views(world, questions)
    place = {address: index for index, address in enumerate(tokens)}
    if pool.protocol == "balancer_v2_weighted":
        read = BalancerV2Pool.weighted(balances=balances, weights=own, scaling_factors=factors, fee=fee)
    else:
        read = BalancerV2Pool.stable(
            balances=balances, amplification=own, scaling_factors=factors, fee=fee, bpt_index=rest[0][0]
        )
    return read, lambda token: place[pool.tokens[token]]


def _foretold(quote: Callable[[int, int, int], int], place: Callable[[int], int], leg: Leg) -> int | None:
    try:
        return quote(place(leg.token_in), place(leg.token_out), leg.size)
    except PoolError:
        return None


@pytest.mark.parametrize("protocol", KINDS)
async def test_a_thousand_quotes_are_the_vault_s_in_both_directions(world: World, protocol: str) -> None:
    for seed, pool in enumerate(of_protocol(world, protocol)):
        ours, place = await _read(world, pool)
        legs = random_legs(world, pool, seed, (1e-13, 3))
        bought = [_foretold(ours.amount_out, place, leg) for leg in legs]
        assert bought == await told_out(world, pool, legs)
        assert 0 < sum(out is None for out in bought) < SWAPS / 2
        costs = [_foretold(ours.amount_in, place, leg) for leg in legs]
        assert costs == await told_in(world, pool, legs)


@pytest.mark.parametrize("protocol", KINDS)
async def test_a_thousand_swaps_pay_what_we_foretell_and_leave_the_balances_we_foretell(
    world: World, protocol: str
) -> None:
    for seed, pool in enumerate(of_protocol(world, protocol)):
        ours, place = await _read(world, pool)
        legs = random_legs(world, pool, seed + 100, (1e-9, 1e-2))
        foretold: list[int | None] = []
        for leg in legs:
            ours, paid = ours.swap(place(leg.token_in), place(leg.token_out), leg.size)
            foretold.append(paid)
        assert await swapped(world, pool, legs) == foretold
        after, _ = await _read(world, pool)
        assert after.balances == ours.balances
        assert after == ours


async def test_a_batch_of_quotes_is_the_quotes_one_by_one(world: World) -> None:
    [pool] = of_protocol(world, "balancer_v2_stable")
    ours, place = await _read(world, pool)
    sizes = [leg.size for leg in random_legs(world, pool, 7, (1e-13, 3))]
    batch = ours.amounts_out(place(0), place(1), sizes)
    one_by_one = [_foretold(ours.amount_out, place, Leg(0, 1, size)) for size in sizes]
    assert [None if out is None else int.from_bytes(out, "little") for out in batch.to_pylist()] == one_by_one
