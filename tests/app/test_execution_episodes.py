"""Do a block's transactions in this process do what anvil's do, and does one who pays more come first?"""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from tests.services import need_node

from tidemill.app.training.episode_chain import InProcessChain, MinedChain
from tidemill.app.training.episode_market import Reserves, best_circle, gain_of, planting
from tidemill.app.training.episode_plan import plan_of
from tidemill.app.training.execution_episodes import ExecutionEpisodes, Site, open_site
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.learn.parameters.agent import ActionParams
from tidemill.learn.parameters.episodes import learn_from_episodes
from tidemill.sandbox.rpc import Rpc

in_module = pytest.mark.asyncio(loop_scope="module")
LEAST: ActionParams = {"slippage": 0.1, "priority_fee": 1.0}
MOST: ActionParams = {"slippage": 2.0, "priority_fee": 10.0}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def site() -> AsyncIterator[Site]:
    need_node()
    async with open_site() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def in_process(site: Site) -> AsyncIterator[ExecutionEpisodes]:
    async with HttpEndpoint(site.world.http_url, SystemClock()) as http:
        chain = InProcessChain(http, chain_id=site.world.chain_id)
        yield ExecutionEpisodes(site, chain, seed=1, name="sandbox")


@in_module
async def test_anvil_gives_the_same_receipts_and_the_same_profit(
    site: Site, in_process: ExecutionEpisodes
) -> None:
    async with Rpc(site.world.http_url) as rpc:
        chain = MinedChain(rpc)
        mined = ExecutionEpisodes(site, chain, seed=1, name="sandbox")
        sent = 0
        for episode in range(8):
            assert await in_process.begin(episode) == await mined.begin(episode)
            for params in (LEAST, MOST):
                assert await in_process.outcome(params) == await mined.outcome(params)
                assert in_process.receipts == mined.receipts
                sent += len(mined.receipts)
        await chain.restore()
    assert sent > 40


@in_module
async def test_who_pays_more_than_rivals_gains_what_who_pays_less_finds_gone(
    in_process: ExecutionEpisodes,
) -> None:
    contested = next(at for at in range(99) if len(plan_of(1, at).rival_shares) > 1)
    await in_process.begin(contested)
    low, high = await in_process.outcome(LEAST), await in_process.outcome(MOST)
    assert (low.is_success, high.is_success) == (False, True)
    assert low.reward_usd < 0 < high.reward_usd


@in_module
async def test_an_episode_tried_again_is_the_same(in_process: ExecutionEpisodes) -> None:
    told = []
    for _ in range(2):
        await in_process.begin(3)
        told.append([await in_process.outcome(params) for params in (MOST, LEAST)])
    assert told[0] == told[1]


@in_module
async def test_the_same_seed_learns_the_same_and_reports_the_same(site: Site) -> None:
    learned = []
    async with HttpEndpoint(site.world.http_url, SystemClock()) as http:
        chain = InProcessChain(http, chain_id=site.world.chain_id)
        for _ in range(2):
            environment = ExecutionEpisodes(site, chain, seed=5, name="sandbox")
            learned.append(await learn_from_episodes(environment, 20, judged_episodes=20, seed=5))
    one, two = learned
    assert one.report == two.report
    assert one.report.lines[0].policy == "fixed"
    assert one.q_agent.metrics.updates == 20


@pytest.mark.parametrize("cheap", [0, 1])
@pytest.mark.parametrize("gap", [0.0015, 0.005])
def test_a_planted_gap_is_as_wide_as_was_wanted_and_its_best_size_is_best(cheap: int, gap: float) -> None:
    pairs = [Reserves(6_000 * 10**18, 18_000_000 * 10**6), Reserves(3_000 * 10**18, 9_030_000 * 10**6)]
    sells_weth, size_in = planting(pairs, cheap, gap)
    pairs[cheap], _ = pairs[cheap].after(size_in, sells_weth=sells_weth)
    kept = (1 - 0.003) ** 2
    assert pairs[cheap].price / (pairs[1 - cheap].price * kept) == pytest.approx(1 - gap, rel=1e-4)
    circle = best_circle(pairs)
    assert circle.cheap == cheap
    assert circle.gain > 0
    for share in (0.9, 1.1):
        assert gain_of(pairs, cheap, int(circle.size_in * share)) < circle.gain
