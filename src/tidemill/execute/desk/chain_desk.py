"""What would a signal do on one chain as it is now, and which block is its newest?"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from msgspec import Struct, structs

from tidemill.core.clock import NS_PER_MS, Clock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.chain_settings import ChainSettings
from tidemill.execute.plan.executor_site import ExecutorSite
from tidemill.execute.plan.planning import route_of
from tidemill.execute.plan.route import Address, Route
from tidemill.execute.plan.route_codec import call_data, encode
from tidemill.execute.plan.routers import Routers
from tidemill.execute.signal import Signal
from tidemill.execute.simulation.forked_state import Head, read_head
from tidemill.execute.simulation.node import ask
from tidemill.execute.simulation.simulate import Ran, Simulator
from tidemill.execute.simulation.simulation import Call, Simulation
from tidemill.schema.faults import Fault, Malformed, Refused, Unknown

_log = logging.getLogger("tidemill.execute")
_ANY_BLOCK = (1 << 40) - 1
_STALE_POLLS = 20
"""After so many polls without an answer the newest block is not known."""
_STALE_MS_MIN = 5_000
_MS_PER_S = 1_000
_TURN_EVERY = 16
"""Signals: planning so many takes a millisecond."""
_GAS_LIMIT = 10_000_000
"""Of a simulation: five times what ten hops take, and below Ethereum's cap of a transaction."""
_PROFIT_MAX = (1 << 128) - 1
"""Smallest units: a plan has room for no more."""

FindSite = Callable[[HttpEndpoint], Awaitable[ExecutorSite]]


class Prepared(Struct, frozen=True, kw_only=True):
    """A signal's route, and what it would do as the first transaction of the next block."""

    route: Route
    """Asking for any profit at all."""
    plan: bytes
    """`route`, as the executor reads it."""
    simulation: Simulation
    profit: int | None
    """Smallest units that the owner gains; None where it fails."""
    base_fee_wei: int


class _Planned(NamedTuple):
    route: Route
    plan: bytes


class ChainDesk:
    """One chain, followed as long as `run` runs."""

    def __init__(
        self,
        settings: ChainSettings,
        http: HttpEndpoint,
        clock: Clock,
        find_site: FindSite,
        *,
        valid_blocks: int,
    ) -> None:
        """`find_site` tells where the executor is; a route is good for `valid_blocks` blocks."""
        self.settings = settings
        self.http = http
        self.head: Head | None = None
        self.grown = asyncio.Condition()
        """Told of each new head."""
        self._clock = clock
        self._find_site = find_site
        self._valid_blocks = valid_blocks
        self._site: ExecutorSite | None = None
        self._is_checked = False
        self._heard_ns = 0
        self._simulator = Simulator(http, chain_id=settings.facts.chain_id)
        self._routers = Routers(http, settings.routers)
        self._following = asyncio.Lock()

    async def run(self) -> None:
        """Follow the chain's newest block until cancelled."""
        is_heard = True
        while True:
            try:
                await self.follow()
                is_heard = True
            except Fault as fault:
                if is_heard:
                    _log.warning("%s: %s", self.settings.name, fault)
                is_heard = False
            await asyncio.sleep(self.settings.poll_ms / _MS_PER_S)

    async def follow(self) -> Head:
        """Make the newest block the one that is simulated on.

        Raises: Unreachable, Refused, Gap, Malformed.
        """
        async with self._following:
            await self._check_chain()
            head = await read_head(self.http, None)
            if self.head is None or head.block_hash != self.head.block_hash:
                await self._simulator.follow(head.number)
                self.head = head
                async with self.grown:
                    self.grown.notify_all()
            self._heard_ns = self._clock.now_ns()
            return head

    async def site(self) -> ExecutorSite:
        """Return where the executor is. Raises: as `find_site`."""
        if self._site is None:
            self._site = await self._find_site(self.http)
        return self._site

    async def prepare(self, signal: Signal) -> Prepared:
        """Simulate a signal on the newest block.

        Raises: Refused, Malformed where it stands for no route that could go through; Unreachable, Gap,
        Unknown where it could not be simulated.
        """
        [found] = await self.prepare_each([signal])
        if isinstance(found, Fault):
            raise found
        return found

    async def prepare_each(self, signals: Sequence[Signal]) -> list[Prepared | Fault]:
        """Simulate signals on the newest block, each by itself; return for each what `prepare` would."""
        try:
            self._check_fit()
            head = await self._newest()
            site = await self.site()
        except Fault as fault:
            return [fault for _ in signals]
        planned: list[_Planned | Fault] = []
        for place, signal in enumerate(signals):
            if place % _TURN_EVERY == 0:
                await asyncio.sleep(0)  # others have their turn on the loop
            planned.append(await self._planned(signal, head))
        calls = [
            self.call_of(one.plan, site, head, one.route.loan.token)
            for one in planned
            if isinstance(one, _Planned)
        ]
        block_ms = self.settings.facts.block_ms
        try:
            ran = await self._simulator.run_each(
                calls, lambda head: _next_block(head, block_ms), overrides=site.overrides
            )
        except Fault as fault:
            return [fault if isinstance(one, _Planned) else one for one in planned]
        told = iter(ran)
        return [_prepared(one, next(told), site) if isinstance(one, _Planned) else one for one in planned]

    async def _planned(self, signal: Signal, head: Head) -> "_Planned | Fault":
        """Return the route of a signal, or why there is none."""
        last_block = head.number + self._valid_blocks if self.settings.facts.counts_own_blocks else _ANY_BLOCK
        try:
            pools = await self._routers.pools_of(signal)
            route = route_of(signal, pools, self.settings.lenders, min_profit=1, last_block=last_block)
            return _Planned(route, encode(route))
        except Fault as fault:
            return fault

    def call_of(self, plan: bytes, site: ExecutorSite, head: Head, token: Address) -> Call:
        """Return the call that carries a plan out; of balances it tells what the owner has of `token`."""
        return Call(
            sender=site.operator,
            to=site.executor,
            data=call_data(plan),
            gas_limit=min(_GAS_LIMIT, head.gas_limit),
            watched=((token, site.owner),),
        )

    async def _newest(self) -> Head:
        stale_ms = max(_STALE_POLLS * self.settings.poll_ms, _STALE_MS_MIN)
        if self.head is not None and self._clock.now_ns() - self._heard_ns < stale_ms * NS_PER_MS:
            return self.head
        return await self.follow()

    def _check_fit(self) -> None:
        facts = self.settings.facts
        why = facts.retired or facts.unfit
        if why is not None:
            raise Refused(f"chain {facts.chain_id} ({facts.name}): nothing is executed there: {why}")

    async def _check_chain(self) -> None:
        """Raise Refused, where the endpoint is of another chain than the settings say."""
        if self._is_checked:
            return
        [told] = await ask(self.http, [("eth_chainId", [])])
        expected = self.settings.facts.chain_id
        if told != hex(expected):
            raise Refused(
                f"{self.http.endpoint}: expected chain {expected}, found one that says {told!r:.40}"
            )
        self._is_checked = True


def profit_of(told: Simulation, token: Address, site: ExecutorSite) -> int | None:
    """Return what the owner gains of the borrowed `token`; None where the call fails.

    Raises: Unknown, where the simulation does not tell of balances; Malformed, where the token tells of more
        than a plan can name: who made it can have it tell anything.
    """
    if not told.is_success:
        return None
    profit = told.change_of(token, site.owner)
    if profit is None:
        raise Unknown(f"simulation by {told.method}: expected to be told of balances, it tells of none")
    if abs(profit) > _PROFIT_MAX:
        raise Malformed(f"token 0x{token.hex()}: expected a gain, it tells of more than a plan can name")
    return profit


def _prepared(planned: _Planned, ran: Ran, site: ExecutorSite) -> Prepared | Fault:
    try:
        profit = profit_of(ran.simulation, planned.route.loan.token, site)
    except Fault as fault:
        return fault
    return Prepared(
        route=planned.route,
        plan=planned.plan,
        simulation=ran.simulation,
        profit=profit,
        base_fee_wei=ran.within.base_fee_wei,
    )


def _next_block(head: Head, block_ms: int) -> Head:
    timestamp_s = head.timestamp_s + max(1, block_ms // _MS_PER_S)
    return structs.replace(head, number=head.number + 1, timestamp_s=timestamp_s)
