"""Are our swaps in Balancer V3 pools those of its own vault, to the unit."""

from collections.abc import AsyncIterator
from random import Random

import pytest
import pytest_asyncio
from tests.chains.test_anvil import config_of
from tests.chains.test_pool_query import bytes_of, querying
from tests.services import need_node

from tidemill._rust import PoolError, PoolReading
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import World

from .balancer_v3 import Venue, asked, deploy, swap_call

pytestmark = pytest.mark.timeout(900)
"""The sources are compiled once, which takes a minute of an idle machine."""

Leg = tuple[tuple[int, int], int]
"""Places of the token in and out, and the size."""
ROUNDS, ASKED = 10, 100
"""A thousand swaps of each pool, on ten of its states."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def venue() -> AsyncIterator[tuple[World, Venue]]:
    need_node()
    async with open_world() as world, Rpc(world.http_url) as rpc:
        yield world, await deploy(world, rpc)


async def _read(query: PoolQuery, pool: str) -> PoolReading:
    [state] = await query.read([PoolWanted(bytes_of(pool))], is_exact=True)
    assert isinstance(state, PoolState), state
    assert state.reading.doubt is None
    return state.reading


def _legs(
    reading: PoolReading, dice: Random, shares: tuple[float, float]
) -> list[tuple[tuple[int, int], int]]:
    legs: list[tuple[tuple[int, int], int]] = []
    for _ in range(ASKED):
        coin_in, coin_out = dice.sample(range(len(reading.coins)), 2)
        size = int(reading.coins[coin_in].reserve * 10 ** dice.uniform(*shares))
        legs.append(((coin_in, coin_out), max(1, size)))
    return legs


def _foretold(reading: PoolReading, coins: tuple[int, int], size: int) -> int | None:
    try:
        return reading.amount_out(*coins, size)
    except PoolError:
        return None


async def _moved(world: World, rpc: Rpc, venue: Venue, calls: list[str]) -> None:
    """Make swaps in one block."""
    sender = world.accounts.provider
    sent = [{"from": sender, "to": venue.hand, "data": data, "gas": hex(2_000_000), **FEES} for data in calls]
    for transaction in sent:
        await rpc.all([Call("eth_sendTransaction", [transaction])])
    await rpc.call("evm_mine")


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("kind", ["weighted", "stable"])
async def test_a_thousand_swaps_pay_what_the_vault_pays(venue: tuple[World, Venue], kind: str) -> None:
    world, deployed = venue
    pool, dice = getattr(deployed, kind), Random(kind)
    bought = 0
    async with Rpc(world.http_url) as rpc, querying(config_of(world), world.http_url) as query:
        for _ in range(ROUNDS):
            reading = await _read(query, pool)
            tokens = ["0x" + coin.address.hex() for coin in reading.coins]
            legs = _legs(reading, dice, (-9, 0.2))
            told = await asked(rpc, deployed.hand, [swap_call(pool, tokens, *leg) for leg in legs])
            foretold = [_foretold(reading, *leg) for leg in legs]
            assert foretold == told
            bought += sum(size is not None for size in told)
            made = _legs(reading, dice, (-4, -2))[:5]
            await _moved(world, rpc, deployed, [swap_call(pool, tokens, *leg) for leg in made])
    assert bought > ROUNDS * ASKED / 2
