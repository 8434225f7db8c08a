"""What comes of a trade's parameters: an opportunity on the sandbox's chain, and a transaction.

An episode is three blocks: traders move the market, somebody opens a gap between two pairs, and then all who
saw it want into the same block, ordered by what they pay.
"""

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from tidemill.app.training.episode_chain import Chain, InProcessChain, Receipt, Transaction
from tidemill.app.training.episode_market import FEE_PPM, Circle, Reserves, best_circle, movement, planting
from tidemill.app.training.episode_plan import EpisodePlan, PlannedSwap, plan_of
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.executor_code import creation_code
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Address, Loan, PairHop, Route
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.learn.parameters.agent import ActionParams
from tidemill.learn.parameters.episodes import Trial
from tidemill.learn.parameters.q_learning import state_of
from tidemill.sandbox import abi
from tidemill.sandbox.atomic import circle_over
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.node import NodeOptions
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import Pool, World

SEEN_EPISODES = 60
"""Of so many before, the state's thirds are made."""
RIVAL_GAS = 220_000
"""What a rival's circle uses, by its own estimate."""
_WEI = 10**18
_WEI_PER_GWEI = 10**9
_USDC = 10**6
_LAST_BLOCK = 2**40 - 1
_DEXES = ("uniswap", "sushiswap")


class Site(Struct, frozen=True):
    """Where episodes take place: a world with an executor, and the two pairs of WETH and USDC."""

    world: World
    executor: str
    owner: str
    """Its operator too."""
    pairs: tuple[Pool, Pool]
    weth_usd: float


class _Opened(Struct):
    plan: EpisodePlan
    base: list[Transaction]
    gap: list[Transaction]
    circle: Circle
    contest: list[Transaction]
    is_fresh: bool
    """Whether the chain stands where the contest begins."""


class ExecutionEpisodes:
    """Episodes on one site, the same for the same seed; `chain` says what comes of transactions."""

    def __init__(self, site: Site, chain: Chain, *, seed: int, name: str) -> None:
        self._site, self._chain, self._seed, self._name = site, chain, seed, name
        self._gas: deque[float] = deque(maxlen=SEEN_EPISODES)
        self._moved: deque[float] = deque(maxlen=SEEN_EPISODES)
        self._opened: _Opened | None = None
        self._trials: dict[tuple[float, float], Trial] = {}
        self.receipts: list[Receipt] = []
        """Of the last contested block, ours last."""

    def of_seed(self, seed: int) -> "ExecutionEpisodes":
        """Return the episodes of another seed on the same site and chain, to be played after these."""
        return ExecutionEpisodes(self._site, self._chain, seed=seed, name=self._name)

    async def begin(self, episode: int) -> str:
        """Open an episode and return its state, such as `sandbox_low_normal`."""
        plan = plan_of(self._seed, episode)
        await self._chain.restore()
        self._trials.clear()
        quiet = await self._reserves()
        before = self._swaps(plan.before, quiet)
        await self._chain.mine(plan.base_fee_wei, before)
        moved = await self._reserves()
        gap = [self._planted(plan, moved)]
        await self._chain.mine(plan.base_fee_wei, gap)
        open_pairs = await self._reserves()
        circle = best_circle(open_pairs)
        contest = [*self._swaps(plan.beside, open_pairs), *self._rivals(plan, circle)]
        self._opened = _Opened(plan, before, gap, circle, contest, is_fresh=True)
        self._gas.append(plan.base_fee_wei / _WEI_PER_GWEI)
        self._moved.append(movement(quiet, moved))
        return state_of(self._name, self._gas, self._moved)

    async def outcome(self, params: ActionParams) -> Trial:
        """Return what our transaction earns with these parameters, in the episode that was opened."""
        key = (params["slippage"], params["priority_fee"])
        if key not in self._trials:
            self._trials[key] = await self._tried(params)
        return self._trials[key]

    async def _tried(self, params: ActionParams) -> Trial:
        opened = self._opened
        assert opened is not None, "an episode is opened first"
        base_fee_wei = opened.plan.base_fee_wei
        if not opened.is_fresh:
            await self._chain.restore()
            await self._chain.mine(base_fee_wei, opened.base)
            await self._chain.mine(base_fee_wei, opened.gap)
        opened.is_fresh = False
        had = await self._held()
        ours = self._ours(opened.circle, params)
        self.receipts = await self._chain.mine(base_fee_wei, [*opened.contest, ours])
        gained = await self._held() - had
        paid_wei = self.receipts[-1].gas_used * (base_fee_wei + ours.tip_wei)
        reward_usd = gained / _USDC - paid_wei / _WEI * self._site.weth_usd
        return Trial(reward_usd, self.receipts[-1].is_success)

    def _ours(self, circle: Circle, params: ActionParams) -> Transaction:
        """Return our transaction: no less profit than what was expected less the slippage, and no loss."""
        site = self._site
        usdc, weth = (_bytes(site.world.token(symbol).address) for symbol in ("USDC", "WETH"))
        lost = int(circle.size_in * params["slippage"] / 100)
        pairs = [_bytes(site.pairs[place].address) for place in (circle.cheap, 1 - circle.cheap)]
        route = Route(
            loan=Loan(
                source=LoanSource.BALANCER_V2, lender=_vault(site.world), token=usdc, amount=circle.size_in
            ),
            hops=tuple(
                PairHop(pair=pair, fee_ppm=FEE_PPM, token_out=token, min_out=0)
                for pair, token in zip(pairs, (weth, usdc), strict=True)
            ),
            min_profit=max(circle.gain - lost, 0),
            last_block=_LAST_BLOCK,
        )
        tip_wei = int(params["priority_fee"] * _WEI_PER_GWEI)
        return Transaction(_bytes(site.owner), _bytes(site.executor), call_data(encode(route)), tip_wei)

    def _rivals(self, plan: EpisodePlan, circle: Circle) -> list[Transaction]:
        """Return the circles of those who bid a share of what they expect, and of none who expects a loss."""
        world = self._site.world
        gain_wei = circle.gain / _USDC / self._site.weth_usd * _WEI - RIVAL_GAS * plan.base_fee_wei
        if gain_wei <= 0:
            return []
        pools = (self._site.pairs[circle.cheap], self._site.pairs[1 - circle.cheap])
        data = circle_over(world, pools, world.token("USDC").address, circle.size_in)
        senders = (world.accounts.arbitrageurs[1], *world.accounts.traders[5:])
        return [
            Transaction(
                _bytes(sender), _bytes(world.arbitrage_hand), _bytes(data), int(gain_wei * share / RIVAL_GAS)
            )
            for sender, share in zip(senders, plan.rival_shares, strict=False)
        ]

    def _swaps(self, planned: Sequence[PlannedSwap], pairs: Sequence[Reserves]) -> list[Transaction]:
        return [
            self._swap(
                self._site.world.accounts.traders[number],
                one.pool,
                (
                    one.sells_weth,
                    int(one.share * (pairs[one.pool].weth if one.sells_weth else pairs[one.pool].usdc)),
                ),
                one.tip_wei,
            )
            for number, one in enumerate(planned)
        ]

    def _planted(self, plan: EpisodePlan, pairs: Sequence[Reserves]) -> Transaction:
        sold = planting(pairs, plan.gap_pool, plan.gap)
        return self._swap(self._site.world.accounts.traders[4], plan.gap_pool, sold, 0)

    def _swap(self, sender: str, place: int, sold: tuple[bool, int], tip_wei: int) -> Transaction:
        world, pool = self._site.world, self._site.pairs[place]
        sells_weth, size_in = sold
        zero_for_one = sells_weth == (pool.token0 == world.weth)
        data = swap_exact_in(pool, zero_for_one=zero_for_one, size_in=size_in, recipient=sender)
        router = next(one.router for one in world.factories if one.address == pool.factory)
        return Transaction(_bytes(sender), _bytes(router), _bytes(data), tip_wei)

    async def _reserves(self) -> list[Reserves]:
        return [
            await read_reserves(self._chain, pool, weth=self._site.world.weth) for pool in self._site.pairs
        ]

    async def _held(self) -> int:
        data = _bytes(abi.flat_call("balanceOf(address)", self._site.owner))
        token = _bytes(self._site.world.token("USDC").address)
        return int.from_bytes(await self._chain.view(token, data))


@asynccontextmanager
async def open_site(folder: Path | None = None) -> AsyncIterator[Site]:
    """Start a sandbox that orders by fees, put an executor on it, and stop it at the end.

    Raises: Refused or Unreachable, where the sandbox is not to be had.
    """
    async with open_world(folder, NodeOptions(order="fees")) as world, Rpc(world.http_url) as rpc:
        owner = world.accounts.arbitrageurs[0]
        code = "0x" + creation_code(_bytes(owner), _bytes(owner)).hex()
        digest = await rpc.call(
            "eth_sendTransaction", {"from": owner, "data": code, "gas": hex(16_000_000), **FEES}
        )
        await rpc.call("evm_mine")
        executor = (await rpc.call("eth_getTransactionReceipt", digest))["contractAddress"]
        tokens = {world.weth, world.token("USDC").address}
        pairs = tuple(
            next(
                pool
                for pool in world.pools
                if (pool.dex, pool.protocol) == (dex, "uniswap_v2") and {pool.token0, pool.token1} == tokens
            )
            for dex in _DEXES
        )
        yield Site(
            world=world,
            executor=executor,
            owner=owner,
            pairs=(pairs[0], pairs[1]),
            weth_usd=float(world.token("WETH").start_price_usd),
        )


@asynccontextmanager
async def open_episodes(
    *, seed: int, name: str, folder: Path | None = None
) -> AsyncIterator[ExecutionEpisodes]:
    """Start a sandbox for episodes whose blocks run in this process. Raises: as `open_site`."""
    async with open_site(folder) as site, HttpEndpoint(site.world.http_url, SystemClock()) as http:
        yield ExecutionEpisodes(
            site, InProcessChain(http, chain_id=site.world.chain_id), seed=seed, name=name
        )


async def read_reserves(chain: Chain, pool: Pool, *, weth: str) -> Reserves:
    """Return what a pair holds after the last block."""
    told = await chain.view(_bytes(pool.address), abi.selector("getReserves()"))
    held0, held1 = (int.from_bytes(told[at : at + 32]) for at in (0, 32))
    return Reserves(held0, held1) if pool.token0 == weth else Reserves(held1, held0)


def _vault(world: World) -> Address:
    vault = next(pool.vault for pool in world.further_pools if pool.protocol == "balancer_v2_weighted")
    assert vault is not None
    return _bytes(vault)


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
