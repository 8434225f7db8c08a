"""Send nothing: wait for the block in which a trade would have been, and see what it would have done."""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from msgspec import Struct

from tidemill.bus.base import State
from tidemill.core.clock import Clock
from tidemill.execute.account.l2_fees import DataCost, Priced, data_costs
from tidemill.execute.config import PaperSettings
from tidemill.execute.desk.chain_desk import ChainDesk, profit_of
from tidemill.execute.ledger import Ledger
from tidemill.execute.plan.executor_site import ExecutorSite
from tidemill.execute.sending.base import Sending, Sent
from tidemill.execute.simulation.forked_state import Head, read_head
from tidemill.execute.simulation.simulate import Ran, Simulator
from tidemill.execute.simulation.simulation import Simulation
from tidemill.execute.trade import Trade, after
from tidemill.schema.events import Execution, ExecutionState
from tidemill.schema.faults import Fault, Gap, Malformed, Unknown, Unreachable

_log = logging.getLogger("tidemill.execute")
_KEPT = b"paper/"
_RETRY_S = 1.0
_JUDGED_AT_ONCE = 16
"""Trades, so that others have their turn, and the ledger has what is known of them."""


class _Order(Struct, frozen=True, kw_only=True):
    """What a trade is judged by, kept until it is."""

    plan: bytes
    gas_price_max_wei: int
    block: int
    """In which it would have been included."""
    priority_fee_wei: int | None = None
    """What its signal offers; None: what the settings say."""


class _Pending(Struct, frozen=True):
    told: Execution
    order: _Order


class _Seen(Struct, frozen=True):
    """What a trade would have done at one place of a block; without a profit it would have failed."""

    simulation: Simulation
    profit: int | None


class _Look(NamedTuple):
    """What is known of a trade that is judged."""

    first: _Seen
    last: _Seen
    counts: _Seen
    """Which of both does."""
    cost: DataCost


class Paper(Sending):
    """Judges one chain's trades by its own blocks.

    A trade is run twice: on the state before its block, as that block's first transaction, and on the state
    after it, when all that competitors really did is done. Which of both counts is a setting. In its fee is
    what a second layer takes for its data, as the chain's own contract tells at that block.
    """

    def __init__(self, desk: ChainDesk, ledger: Ledger, settings: PaperSettings, clock: Clock) -> None:
        """`desk` tells of new blocks; simulations of past ones are run apart from its own."""
        self._desk = desk
        self._ledger = ledger
        self._settings = settings
        self._clock = clock
        chain_id = desk.settings.facts.chain_id
        self._before, self._after = (Simulator(desk.http, chain_id=chain_id) for _ in range(2))
        """On the state before the block that is judged by, and on the one after it."""
        self._due: dict[int, list[_Pending]] = {}

    def begin(self, trade: Trade) -> tuple[Trade, State]:
        """Have the ledger keep what the trade is judged by."""
        told = after(trade.told, ExecutionState.PAPER_PENDING, self._clock.now_ns())
        kept = {_KEPT + told.execution_id: msgspec.json.encode(self._order_of(trade))}
        return msgspec.structs.replace(trade, told=told), kept

    async def send(self, trade: Trade) -> Sent:
        """Have the trade wait for its block."""
        order = self._order_of(trade)
        self._due.setdefault(order.block, []).append(_Pending(trade.told, order))
        if self._desk.head is not None and order.block <= self._desk.head.number:  # it came meanwhile
            async with self._desk.grown:
                self._desk.grown.notify_all()
        return Sent(told=trade.told)

    def _order_of(self, trade: Trade) -> _Order:
        return _Order(
            plan=trade.plan,
            gas_price_max_wei=trade.gas_price_max_wei,
            block=trade.simulated.simulation.block_number + self._settings.inclusion_blocks,
            priority_fee_wei=trade.received.signal.priority_fee_wei,
        )

    async def take_up(self, unsettled: Sequence[Execution]) -> None:
        """Go on waiting for the blocks of trades that were not judged; of others nothing was noted yet."""
        for told in unsettled:
            stored = await self._ledger.bus.get(_KEPT + told.execution_id)
            if stored is None:
                why = "the process ended before it was noted"
                await self._ledger.tell(after(told, ExecutionState.FAILED, self._clock.now_ns(), reason=why))
                continue
            order = msgspec.json.decode(stored, type=_Order)
            self._due.setdefault(order.block, []).append(_Pending(told, order))

    async def run(self) -> None:
        """Judge trades as their blocks come, until cancelled."""
        while True:
            newest = await self._until_due()
            for block in sorted(block for block in self._due if block <= newest):
                try:
                    await self._judge_all(block)
                except Fault as fault:  # an endpoint, or the disk: they wait
                    _log.warning("paper on %s: block %d: %s", self._desk.settings.name, block, fault)
                    await asyncio.sleep(_RETRY_S)
                    break

    async def _until_due(self) -> int:
        """Wait for the block of a trade, and return the newest one's number."""
        desk = self._desk
        async with desk.grown:
            while True:
                if desk.head is not None and any(block <= desk.head.number for block in self._due):
                    return desk.head.number
                await desk.grown.wait()

    async def _judge_all(self, block: int) -> None:
        """Have the ledger know what became of the trades of a block. Raises: as `_judge`, and the ledger."""
        head: Head | None = None
        while pending := self._due[block][:_JUDGED_AT_ONCE]:
            try:
                head = head or await read_head(self._desk.http, block)
                changes = await self._judge(head, pending)
            except (Gap, Unknown, Malformed) as fault:
                why, now_ns = f"it could not be judged: {fault}", self._clock.now_ns()
                changes = [after(one.told, ExecutionState.UNKNOWN, now_ns, reason=why) for one in pending]
            done = {_KEPT + told.execution_id: None for told in changes}
            await self._ledger.tell(*changes, state=done)
            del self._due[block][: len(pending)]
        del self._due[block]

    async def _judge(self, head: Head, pending: Sequence[_Pending]) -> list[Execution]:
        """Return what became of the trades of a block. Raises: Gap, Unknown, Malformed, where that cannot be
        said; Unreachable, Refused where nobody answers.
        """
        block, site = head.number, await self._desk.site()
        calls = [self._desk.call_of(one.order.plan, site, head, one.told.token) for one in pending]
        if self._after.block == block - 1:  # all of it is read already
            self._before, self._after = self._after, self._before
        await self._before.follow(block - 1)
        before = await self._before.run_each(calls, head, overrides=site.overrides)
        await self._after.follow(block)
        after_all = await self._after.run_each(calls, head, overrides=site.overrides, before=before)
        first = [_seen(ran, one, site) for ran, one in zip(before, pending, strict=True)]
        last = [_seen(ran, one, site) for ran, one in zip(after_all, pending, strict=True)]
        if any(seen.simulation.block_hash != head.block_hash for seen in last):
            raise Unreachable(f"block {block}: expected it to stay while it was looked at, it was replaced")
        counts = first if self._settings.position == "first" else last
        priced = [
            Priced(site.operator, site.executor, call.data, seen.simulation.gas_used or 0)
            for call, seen in zip(calls, counts, strict=True)
        ]
        costs = await data_costs(self._desk.http, self._desk.settings.facts.fee_rule, priced, hex(block))
        looks = zip(first, last, counts, costs, strict=True)
        return [self._verdict(one, _Look(*look), head) for one, look in zip(pending, looks, strict=True)]

    def _verdict(self, one: _Pending, look: _Look, head: Head) -> Execution:
        counts, gas_used = look.counts, look.counts.simulation.gas_used
        if gas_used is not None:
            gas_used += look.cost.gas
        offered_wei = one.order.priority_fee_wei
        tip_wei = self._settings.priority_fee_wei if offered_wei is None else offered_wei
        price_wei = head.base_fee_wei + tip_wei
        known = {
            "block_number": head.number,
            "block_hash": head.block_hash,
            "first_profit": look.first.profit,
            "last_profit": look.last.profit,
            "gas_used": gas_used,
        }
        now_ns = self._clock.now_ns()
        if price_wei > one.order.gas_price_max_wei:
            why = f"a gas price of {price_wei} wei was above its limit, {one.order.gas_price_max_wei}"
            return after(one.told, ExecutionState.PAPER_MISSED, now_ns, reason=why, **known)
        if gas_used is not None:
            fee_wei = gas_used * price_wei + look.cost.fee_wei
            known |= {"effective_gas_price_wei": price_wei, "fee_wei": fee_wei}
        if counts.profit is None:
            why = counts.simulation.revert_reason
            return after(one.told, ExecutionState.PAPER_MISSED, now_ns, reason=why, **known)
        known |= {
            "realised_profit": counts.profit,
            "realised_profit_usd": self._desk.settings.usd(one.told.token, counts.profit),
        }
        return after(one.told, ExecutionState.PAPER_FILLED, now_ns, **known)


def _seen(ran: Ran, one: _Pending, site: ExecutorSite) -> _Seen:
    return _Seen(ran.simulation, profit_of(ran.simulation, one.told.token, site))
