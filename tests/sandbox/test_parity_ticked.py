"""Are our swaps in pools with ticks, followed from their logs, those of their own contracts, to the unit."""

from collections.abc import AsyncIterator, Callable
from random import Random
from typing import Any

import pytest
import pytest_asyncio
from tests.app.until import until
from tests.services import need_node

from tidemill._rust import AlgebraPool, PoolError
from tidemill.app.chains.in_memory import Followed, followed
from tidemill.app.sandbox.world import pool_name, world_config
from tidemill.sandbox import abi
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.venues import VENUES, Change, Leg
from tidemill.sandbox.world import FurtherPool, World

from .parity import SWAPS, Receipt, mined, of_protocol, paid, random_legs, told_in, told_out

PROTOCOLS = ("algebra_integral", "uniswap_v4", "algebra_v1", "algebra_v2", "pancake_v3")
ROUNDS = 10
ASKED_SHARES = (1e-12, 1.0)
"""Of a pool's depth: from a few units to more than there is."""
MADE_SHARES = (1e-9, 2e-2)
MOST_S = 4_000
"""Between two rounds, so that an oracle of volatility has something to tell."""
_FEE = abi.topic("Fee(uint16)")
_SWAP = abi.topic("Swap(address,address,int256,int256,uint160,uint128,int24)")

Worlds = tuple[World, Followed]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def following() -> AsyncIterator[Worlds]:
    need_node()
    async with open_world() as opened, followed(world_config(opened)) as chain:
        yield opened, chain


async def _changed_liquidity(world: World, pool: FurtherPool, dice: Random) -> None:
    """Add liquidity to the pool or take some out, at a later time."""
    provider, tokens = world.accounts.provider, {token.address: token for token in world.tokens}
    pair = tuple(tokens[token] for token in pool.tokens)
    change = Change(dice.random() < 0.7, dice.uniform(1e-4, 1e-2), pair, provider)
    data = VENUES[pool.protocol].change_liquidity(pool, change)
    fields = {"from": provider, "to": pool.manager, "data": data, "gas": hex(3_000_000)}
    async with Rpc(world.http_url) as rpc:
        await rpc.call("evm_increaseTime", dice.randint(1, MOST_S))
        await rpc.call("eth_sendTransaction", fields)
        await rpc.call("evm_mine")
        await rpc.call("evm_increaseTime", dice.randint(1, MOST_S))


async def _read(following: Worlds, pool: FurtherPool) -> Any:
    """Return the pool as its logs tell it after the newest block, once what they do not tell was read."""
    world, chain = following
    async with Rpc(world.http_url) as rpc:
        await chain.reached(int(await rpc.call("eth_blockNumber"), 16))

    async def is_known() -> bool:
        kept = chain.book.pools.get(pool_name(pool))
        return kept is not None and kept.is_complete

    await until(is_known)  # the fee of a new Algebra pool is asked for after its first block
    return chain.book.pools.get(pool_name(pool))


def _charged(ours: Any, pool: FurtherPool, receipt: Receipt) -> Any:
    """Return the pool with the fee that a log before the swap's says, in the block's first transaction."""
    first, *swapped = [log for log in receipt.logs if log.address == pool.address]
    if first.topics[0] != _FEE:
        return ours
    assert [log.topics[0] for log in swapped] == [_SWAP]
    slot, fee = (ours.sqrt_price_x96, ours.tick, ours.liquidity), int(first.data, 16)
    return AlgebraPool(generation=ours.generation, fees_ppm=(fee, fee), slot=slot, ticks=ours.ticks)


def _state(pool: Any) -> tuple[object, ...]:
    return pool.sqrt_price_x96, pool.tick, pool.liquidity, pool.ticks, pool.fee_ppm


def _foretold(quote: Callable[[bool, int], int], leg: Leg) -> int | None:
    try:
        return quote(leg.zero_for_one, leg.size)
    except PoolError:
        return None


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_a_thousand_swaps_and_quotes_each_way_are_the_contract_s(
    following: Worlds, protocol: str
) -> None:
    world, _ = following
    pools, dice = of_protocol(world, protocol), Random(protocol)
    count = SWAPS // ROUNDS // len(pools)
    fees: set[int] = set()
    refused = 0
    for part in range(ROUNDS):
        for pool in pools:
            seed = f"{pool_name(pool)} {part}"
            await _changed_liquidity(world, pool, dice)
            ours = await _read(following, pool)
            legs = random_legs(world, pool, f"made {seed}", MADE_SHARES, count)
            receipts = await mined(world, pool, legs)
            ours = _charged(ours, pool, receipts[0])
            for leg, receipt in zip(legs, receipts, strict=True):
                ours, _, size_out = ours.swap(leg.zero_for_one, amount_in=leg.size)
                assert size_out == paid(world, pool, leg, receipt), (pool, leg)
            kept = await _read(following, pool)
            assert _state(kept) == _state(ours)
            fees.add(kept.fee_ppm)
            # At the block of those swaps: a fee that moves with time has moved already.
            asked = random_legs(world, pool, f"asked {seed}", ASKED_SHARES, count)
            bought = [_foretold(kept.amount_out, leg) for leg in asked]
            assert bought == await told_out(world, pool, asked)
            costs = [_foretold(kept.amount_in, leg) for leg in asked]
            assert costs == await told_in(world, pool, asked)
            refused += sum(size is None for size in (*bought, *costs))
    assert refused > 0
    assert (len(fees) > len(pools)) == (protocol in ("algebra_v1", "algebra_v2")), fees
