"""Is an opportunity through each kind of pool signalled so that the execution server gains what was found?"""

from fractions import Fraction
from functools import partial

import pytest
from msgspec import structs

from tidemill._rust import Factory
from tidemill.app.brain.signal import (
    KINDS,
    Found,
    Terms,
    lender_of,
    signal_of_opportunity,
    why_unspellable,
)
from tidemill.app.chains.in_memory import followed
from tidemill.app.sandbox.world import FOLLOWED, followed_pools, pool_name, world_config, world_search
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.chain_settings import chains_of
from tidemill.execute.config import ExecutionChainConfig, ExecutionSettings
from tidemill.execute.desk.chain_desk import ChainDesk
from tidemill.execute.plan.executor_site import paper_site
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.sandbox.fill import units
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import FurtherPool, Pool, World

from .contracts import mine
from .test_coin_opportunities import Paths, known, planted

_SOLD_USD = 1_000_000
_SHARES = {
    "balancer_v3_stable": Fraction(3, 10),
    "balancer_v2_stable": Fraction(3, 10),
    "curve_stable": Fraction(3, 10),
    "curve_stable_ng": Fraction(3, 10),
}
"""A stable pool gives at its peg until nearly a third of all it holds was sold."""


def test_every_kind_of_pool_is_one_of_the_executors() -> None:
    with pytest.raises(ValueError, match="protocol") as raised:
        Factory(bytes(20), "none", "none", 0, 1)  # says which kinds there are
    told = str(raised.value).partition("expected ")[2].partition(", found")[0]
    assert set(KINDS) == set(told.removeprefix("a protocol of ").split(", "))
    assert set(KINDS.values()) == set(HopKind)


def opening(world: World, pool: Pool | FurtherPool, trader: str) -> dict[str, str]:
    """Return a swap that opens a gap at a pool."""
    if isinstance(pool, FurtherPool):
        return planted(world, pool, _SHARES.get(pool.protocol, Fraction(1, 20)), trader)
    router = next(one.router for one in world.factories if one.address == pool.factory)
    token = next(one for one in world.tokens if one.address == pool.token0)
    size = units(token, Fraction(_SOLD_USD))
    data = swap_exact_in(pool, zero_for_one=True, size_in=size, recipient=trader)
    return {"from": trader, "to": router, "data": data, "gas": hex(5_000_000)}


def tokens_of(pool: Pool | FurtherPool) -> tuple[str, ...]:
    return pool.tokens if isinstance(pool, FurtherPool) else (pool.token0, pool.token1)


def vault(world: World) -> str:
    return next(one.vault for one in world.further_pools if one.protocol == "balancer_v2_weighted") or ""


def manager(world: World) -> str:
    return next(one.address for one in world.further_pools if one.protocol == "uniswap_v4")


@pytest.mark.timeout(300)
async def test_what_is_found_through_each_kind_of_pool_is_what_the_server_says_it_gains(
    fresh_world: World,
) -> None:
    world, paths, clock = fresh_world, Paths(), SystemClock()
    trader = world.accounts.traders[0]
    chain = ExecutionChainConfig(
        source="sandbox",
        chain_id=world.chain_id,
        http_url=world.http_url,
        balancer_v2=vault(world),
        uniswap_v4=manager(world),
    )
    settings = chains_of(ExecutionSettings(chains={"sandbox": chain}), {})[world.chain_id]
    config = structs.replace(world_config(world), start_block=world.ready_block + 1)
    async with (
        followed(config, search=world_search(world), on_batches=paths.take) as seen,
        Rpc(world.http_url) as rpc,
        HttpEndpoint(world.http_url, clock) as http,
    ):
        await rpc.call("evm_mine")  # the block to begin with
        desk = ChainDesk(settings, http, clock, lambda asked: paper_site(asked, None), valid_blocks=3)
        for protocol in ("uniswap_v2", "uniswap_v3", *FOLLOWED):
            pool = max(
                (one for one in followed_pools(world) if one.protocol == protocol),
                key=lambda one: world.weth in tokens_of(one),
            )
            await known(seen, pool_name(pool), int(await rpc.call("eth_blockNumber"), 16))
            opened = await mine(rpc, [opening(world, pool, trader)])
            assert opened.went_through == [True], protocol
            path = partial(paths.best_through, pool_name(pool), opened.number)
            found = Found(*await paths.until(path))
            assert why_unspellable(found) is None
            lender = lender_of(found, LoanSource.BALANCER_V2)
            await desk.follow()
            prepared = await desk.prepare(signal_of_opportunity(found, Terms(lender, None, 0, 1.0)))
            assert prepared.simulation.is_success, (protocol, prepared.simulation.revert_reason)
            promised = found.opportunity["gross_profit"]
            assert prepared.profit is not None
            if any(
                hop["protocol"] == "algebra" for hop in found.hops
            ):  # its fee is another in the next block
                assert prepared.profit > promised // 2, protocol
            else:
                assert prepared.profit == promised, protocol
