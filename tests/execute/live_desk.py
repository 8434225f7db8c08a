"""A desk that trades live on the sandbox's chain: an account of its own, a ledger, and gaps to trade on."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from msgspec import Struct, structs
from tests.execute.arena import Arena, bytes_of, hop, route

from tidemill.core.clock import NS_PER_S, SystemClock
from tidemill.execute.account.fees import FeePolicy
from tidemill.execute.account.signer import KeySigner
from tidemill.execute.chain_facts import FeeRule
from tidemill.execute.endpoints import Endpoints
from tidemill.execute.ledger import Ledger, open_ledger
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.execute.live.stopping import StopLimits
from tidemill.execute.plan.executor_site import ExecutorSite
from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import Hop, Route
from tidemill.execute.plan.route_codec import call_data, encode, pool_called
from tidemill.execute.sending.live import LiveSending
from tidemill.execute.sending.live_terms import LiveTerms, Ways
from tidemill.execute.sending.mempool import Mempool
from tidemill.execute.sending.submitting import Submitter
from tidemill.execute.signal import Signal
from tidemill.execute.simulation.simulate import Simulator
from tidemill.execute.simulation.simulation import BlockOverride, Call
from tidemill.execute.trade import Simulated, Trade, after, first_event, received
from tidemill.sandbox import abi
from tidemill.schema.events import Execution, ExecutionMode, ExecutionState

WIDENED = 100 * 10**18
"""WETH that is sold to make a gap: small enough for many gaps in a row."""
CLOCK = SystemClock()
_COUNT = count()
GWEI = 10**9
STOP = StopLimits(daily_loss_max_wei=10**18, head_age_max_ms=10**9, unknown_max_ms=10**9)
"""Blocks come when a test says so: their age says nothing."""


class Desk(Struct):
    """What a test of LIVE holds in its hand."""

    arena: Arena
    live: LiveSending
    ledger: Ledger
    switch: KillSwitch
    signer: KeySigner
    terms: LiveTerms
    events: list[Execution]
    simulator: Simulator

    @property
    def account(self) -> str:
        return "0x" + self.signer.address.hex()

    @property
    def states(self) -> list[str]:
        """The states that the ledger was told of, in order."""
        return [one.state.value for one in self.events]

    async def gap(self, widened: int = WIDENED) -> list[Hop]:
        """Make WETH cheap at Uniswap and return the circle that closes the gap."""
        arena = self.arena
        cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
        dear = arena.pool("sushiswap", "uniswap_v2", ("WETH", "USDC"))
        await arena.widen(cheap, arena.world.weth, widened)
        usdc, weth = arena.token("USDC"), arena.token("WETH")
        return [hop(cheap, usdc, weth), hop(dear, weth, usdc)]

    async def trade(
        self,
        hops: Sequence[Hop],
        source: LoanSource,
        *,
        amount: int,
        blocks: int = 50,
        keeps_percent: int | None = None,
        head: int | None = None,
    ) -> Trade:
        """Return a trade, which the ledger knows, on the newest state, or that of `head`, which is followed.

        It reverts with less than `keeps_percent` of what it would gain there; None: with nothing.
        """
        head = await self.simulator.follow() if head is None else head
        planned = route(self.arena.loan(source, amount), hops, min_profit=1, last_block=head + blocks)
        simulated = await self._simulated(planned, head)
        if keeps_percent is not None:
            least = -(-simulated.profit * keeps_percent // 100)
            planned = structs.replace(planned, min_profit=least)
        one = received(
            signal_of_route(planned),
            chain=self.terms.name,
            mode=ExecutionMode.LIVE,
            recv_ns=CLOCK.now_ns(),
            count=next(_COUNT),
        )
        first = first_event(one)
        told = after(first, ExecutionState.SIMULATED, CLOCK.now_ns(), simulated_profit=simulated.profit)
        await self.ledger.tell(first, told)
        return Trade(
            received=one,
            route=planned,
            plan=encode(planned),
            simulated=simulated,
            gas_price_max_wei=500 * GWEI,
            told=told,
        )

    async def _simulated(self, planned: Route, head: int) -> Simulated:
        site = self.terms.site
        call = Call(sender=self.signer.address, to=site.executor, data=call_data(encode(planned)))
        # A pair that is touched in a later second than before writes two words more.
        later = BlockOverride(number=head + 1, timestamp_s=CLOCK.now_ns() // NS_PER_S + 60)
        simulation = await self.simulator.run(call, block_override=later)
        assert simulation.is_success, simulation.revert_reason
        profit = simulation.change_of(planned.loan.token, site.owner)
        assert profit is not None
        return Simulated(simulation=simulation, profit=profit)

    async def mine(self, blocks: int = 1) -> None:
        for _ in range(blocks):
            await self.arena.rpc.call("evm_mine")

    async def look(self, blocks: int = 0) -> None:
        """Mine so many blocks, looking after each."""
        for _ in range(blocks):
            await self.mine()
            await self.live.look_once()
        if not blocks:
            await self.live.look_once()

    async def receipt(self, digest: bytes | None) -> dict[str, Any]:
        assert digest is not None
        return await self.arena.rpc.call("eth_getTransactionReceipt", "0x" + digest.hex())


def signal_of_route(planned: Route) -> Signal:
    """Return the signal that stands for a route through pairs."""
    return Signal(
        chain_id=31_337,
        token=planned.loan.token,
        amount=planned.loan.amount,
        flash_source=planned.loan.source,
        protocols=tuple(HopKind.UNISWAP_V2 for _ in planned.hops),
        routers=tuple(pool_called(one) for one in planned.hops),
        path=tuple(one.token_out for one in planned.hops),
        extras=tuple(b"" for _ in planned.hops),
    )


def terms_for(executor: str, owner: str, signer: KeySigner, **changes: Any) -> LiveTerms:
    """Return what holds on the sandbox's chain, but for `changes`."""
    terms = LiveTerms(
        chain_id=31_337,
        name="sandbox",
        site=ExecutorSite(executor=bytes_of(executor), owner=bytes_of(owner), operator=signer.address),
        rule=FeeRule.EIP1559,
        policy=FeePolicy(),
        stop=STOP,
        final_blocks=3,
        replace_after_blocks=3,
        poll_ms=20,
        gas_max=1 << 24,
        usd=lambda token, amount: None,
    )
    return structs.replace(terms, **changes)


async def funded(arena: Arena, key: KeySigner | None = None) -> KeySigner:
    """Return the key, a new one where none is given, of an operator with ether for gas."""
    signer = key or KeySigner.made()
    account = "0x" + signer.address.hex()
    await arena.rpc.call("anvil_setBalance", account, hex(10**20))
    await arena.send(arena.owner, arena.executor, abi.flat_call("set_operator(address,bool)", account, 1))
    return signer


@asynccontextmanager
async def open_desk(
    arena: Arena,
    data: Path,
    *,
    signer: KeySigner | None = None,
    trading: Submitter | None = None,
    urls: Sequence[str] = (),
    **changes: Any,
) -> AsyncIterator[Desk]:
    """Open a desk with its ledger in `data`; the same folder and key again: as after a restart.

    `urls` are the endpoints, where they are not the arena's own.
    """
    operator = signer or await funded(arena)
    terms = terms_for(arena.executor, arena.owner, operator, **changes)
    async with Endpoints(urls or [arena.world.http_url], CLOCK, chain_id=terms.chain_id) as node:
        async with open_ledger(data, ExecutionMode.LIVE) as ledger:
            public = Mempool(node)
            ways = Ways(node=node, trading=trading or public, cancelling=public)
            switch = KillSwitch(data)
            live = LiveSending(terms, ways, signer=operator, ledger=ledger, switch=switch, clock=CLOCK)
            simulator = Simulator(node, chain_id=terms.chain_id)
            desk = Desk(arena, live, ledger, switch, operator, terms, [], simulator)
            ledger.listen(desk.events.append)
            await live.take_up(list(ledger.unsettled.values()))
            yield desk
