"""How do one chain's signals become trades: in their order, each simulated, judged, noted, then sent."""

import asyncio
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import NamedTuple

import msgspec

from tidemill.core.clock import Clock
from tidemill.execute.deciding import Refuse, decide, refusal
from tidemill.execute.desk.answers import (
    SIMULATION_FAILED,
    Answer,
    Body,
    failed_message,
    failure_body,
    sent_body,
    sent_message,
    simulation_part,
    status_of,
)
from tidemill.execute.desk.chain_desk import ChainDesk, Prepared
from tidemill.execute.desk.kept_answer import kept_answer
from tidemill.execute.ledger import Ledger
from tidemill.execute.plan.route_codec import with_min_profit
from tidemill.execute.sending.base import Sending
from tidemill.execute.tally import copy_of
from tidemill.execute.trade import Received, Simulated, Trade, after, first_event, is_settled
from tidemill.schema.events import Execution, ExecutionState
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable

_JOBS_AT_ONCE = 64
"""Signals that are judged before their changes go to the ledger together."""

_TURN_EVERY = 16
"""Signals: judging so many takes a millisecond."""

Tell = Callable[[Callable[[], Body]], None]
"""Tells listeners what the function makes, where there are any."""


class Busy(Unreachable):
    """As many signals wait as may: try again later."""


class _Job(NamedTuple):
    received: Received
    done: "asyncio.Future[Answer]"


class _Judged(NamedTuple):
    """What became of a signal before anything was sent."""

    job: _Job
    changes: tuple[Execution, ...]
    trade: Trade | None
    """None: it is not to be sent, and this is what is answered:"""
    answer: Answer | None
    is_kept: bool = True
    """Whether a repeat is to be answered the same."""


class _Why(NamedTuple):
    """Why a signal is not sent."""

    state: ExecutionState
    reason: str
    fault: Fault | None = None
    prepared: Prepared | None = None


class Lane:
    """Takes the signals of one chain."""

    def __init__(
        self,
        desk: ChainDesk,
        sending: Sending,
        ledger: Ledger,
        clock: Clock,
        *,
        priority_fee_wei: int,
        queue_max: int,
        tell: Tell,
    ) -> None:
        """`tell` has listeners told; gas costs the base fee and `priority_fee_wei`, or a signal's own."""
        self.desk = desk
        self.sending = sending
        self._ledger = ledger
        self._clock = clock
        self._priority_fee_wei = priority_fee_wei
        self._queue: asyncio.Queue[_Job] = asyncio.Queue(queue_max)
        self._tell = tell
        self._tally = copy_of(ledger.tally)
        most_wei = desk.settings.limits.gas_price_max_wei or 0
        self._open = {
            told.execution_id: 0 if told.fee_wei is not None else (told.gas_used or 0) * most_wei
            for told in ledger.unsettled.values()
            if self._is_mine(told)
        }
        """Trades under way, each with what it may yet cost: that counts among the day's fees."""
        ledger.listen(self._heard)

    @property
    def waiting(self) -> int:
        """How many signals wait."""
        return self._queue.qsize()

    @property
    def open_count(self) -> int:
        """How many trades are under way."""
        return len(self._open)

    async def take(self, received: Received) -> Answer:
        """Return what became of a signal. Raises: Busy; Unreachable, where the ledger cannot be written."""
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait(_Job(received, done))
        except asyncio.QueueFull:
            raise Busy(
                f"chain {self.desk.settings.name}: expected room, {self._queue.maxsize} signals wait"
            ) from None
        return await done

    async def run(self) -> None:
        """Carry out what waits, until cancelled."""
        try:
            while True:
                jobs = [await self._queue.get()]
                while len(jobs) < _JOBS_AT_ONCE and not self._queue.empty():
                    jobs.append(self._queue.get_nowait())
                judged = await self._judge_all(jobs)
                await asyncio.gather(*map(self._finish, judged))
        finally:
            while not self._queue.empty():
                self._queue.get_nowait().done.cancel()

    async def _judge_all(self, jobs: Sequence[_Job]) -> list[_Judged]:
        """Judge signals in their order; those that nothing forbids so far are simulated together."""
        refused = [self._refusal(job) for job in jobs]
        asked = [job.received.signal for job, one in zip(jobs, refused, strict=True) if one is None]
        prepared = iter(await self.desk.prepare_each(asked))
        judged: list[_Judged] = []
        for place, (job, refuse) in enumerate(zip(jobs, refused, strict=True)):
            if place % _TURN_EVERY == _TURN_EVERY - 1:
                await asyncio.sleep(0)  # others have their turn
            judged.append(self._judge(job, refuse or next(prepared)))
        return judged

    def _refusal(self, job: _Job) -> Refuse | None:
        use = self._tally.day_of(self.desk.settings.name, job.received.recv_ns)
        return refusal(job.received.signal, self.desk.settings.limits, use, self.open_count)

    def _judge(self, job: _Job, prepared: Prepared | Fault | Refuse) -> _Judged:
        """Hold a signal against the limits; what it will take is counted from here on."""
        signal, first = job.received.signal, first_event(job.received)
        limits = self.desk.settings.limits
        if isinstance(prepared, Fault):
            is_wrong = isinstance(prepared, Refused | Malformed)
            state = ExecutionState.REFUSED if is_wrong else ExecutionState.FAILED
            return self._refused(job, first, _Why(state, str(prepared), prepared))
        if isinstance(prepared, Refuse):
            return self._refused(job, first, _Why(ExecutionState.REFUSED, prepared.reason))
        if (refuse := self._refusal(job)) is not None:  # for what was taken since
            return self._refused(job, first, _Why(ExecutionState.REFUSED, refuse.reason))
        use = self._tally.day_of(self.desk.settings.name, first.recv_ns)
        told = prepared.simulation
        if prepared.profit is None:
            why = _Why(ExecutionState.FAILED, told.revert_reason or "reverted", prepared=prepared)
            return self._refused(job, first, why)
        asked_wei = signal.priority_fee_wei
        gas_price_wei = prepared.base_fee_wei + (self._priority_fee_wei if asked_wei is None else asked_wei)
        fee = told.gas_used or 0, gas_price_wei
        use = msgspec.structs.replace(use, fee_wei=use.fee_wei + sum(self._open.values()))
        verdict = decide(signal, prepared.profit, fee, limits, use)
        if isinstance(verdict, Refuse):
            return self._refused(job, first, _Why(ExecutionState.REFUSED, verdict.reason, prepared=prepared))
        simulated = after(first, ExecutionState.SIMULATED, self._clock.now_ns(), **self._known(prepared))
        self._tally.take(simulated)
        self._open[simulated.execution_id] = fee[0] * fee[1]
        route = msgspec.structs.replace(prepared.route, min_profit=verdict.min_profit)
        trade = Trade(
            received=job.received,
            route=route,
            plan=with_min_profit(prepared.plan, verdict.min_profit),
            simulated=Simulated(simulation=told, profit=prepared.profit),
            gas_price_max_wei=limits.gas_price_max_wei or 2 * gas_price_wei,
            told=simulated,
        )
        return _Judged(job, (first, simulated), trade, None)

    def _known(self, prepared: Prepared) -> dict[str, object]:
        told = prepared.simulation
        return {
            "simulated_profit": prepared.profit,
            "simulated_profit_usd": self.desk.settings.usd(prepared.route.loan.token, prepared.profit),
            "simulated_block": told.block_number,
            "gas_used": told.gas_used,
        }

    def _refused(self, job: _Job, first: Execution, why: _Why) -> _Judged:
        """Return what becomes of a signal that is not sent; one that could not be judged may be repeated."""
        now_ns, mode = self._clock.now_ns(), job.received.mode
        known = {} if why.prepared is None else self._known(why.prepared)
        told = after(first, why.state, now_ns, reason=why.reason, **known)
        if why.state == ExecutionState.FAILED:
            found = None if why.prepared is None else simulation_part(why.prepared.simulation)
            body = failure_body(SIMULATION_FAILED, mode, now_ns, reason=why.reason, simulation=found)
        else:
            body = failure_body(why.reason, mode, now_ns)
        status = HTTPStatus.OK if why.fault is None else status_of(why.fault)
        is_kept = why.fault is None or isinstance(why.fault, Refused | Malformed)
        return _Judged(job, (first, told), None, Answer(body, status), is_kept)

    async def _finish(self, judged: _Judged) -> None:
        try:
            answer = await self._carry_out(judged)
        except Unreachable as fault:  # the ledger's disk: nothing follows from what it does not have
            if not judged.job.done.done():
                judged.job.done.set_exception(fault)
            return
        if not judged.job.done.done():
            judged.job.done.set_result(answer)

    async def _carry_out(self, judged: _Judged) -> Answer:
        received = judged.job.received
        key = received.signal.idempotency_key
        trade, answer = judged.trade, judged.answer
        if trade is None:
            assert answer is not None, "what is not sent is answered"
            kept = None if key is None or not judged.is_kept else (key, kept_answer(received, answer))
            await self._ledger.tell(*judged.changes, answer=kept)
            self._tell(lambda: failed_message(received.signal, answer.content))
            return answer
        claim = None if key is None else (key, kept_answer(received, None))
        simulated = trade.told
        trade, state = self.sending.begin(trade)
        begun = () if trade.told is simulated else (trade.told,)
        try:
            await self._ledger.tell(*judged.changes, *begun, answer=claim, state=state)
        except Unreachable:
            self._open.pop(received.execution_id, None)  # nobody has it, and nothing will be told of it
            raise
        return await self._send(trade)

    async def _send(self, trade: Trade) -> Answer:
        received = trade.received
        try:
            sent = await self.sending.send(trade)
        except Fault as fault:
            now_ns = self._clock.now_ns()
            failed = after(trade.told, ExecutionState.FAILED, now_ns, reason=str(fault))
            body = failure_body(str(fault), received.mode, now_ns)
            answer = Answer(body, status_of(fault))
            await self._keep(received, answer, failed)
            self._tell(lambda: failed_message(received.signal, body))
            return answer
        if is_settled(sent.told):  # nobody took it
            body = failure_body(sent.told.reason or sent.told.state, received.mode, sent.told.event_ns)
            answer = Answer(body)
            await self._keep(received, answer)
            self._tell(lambda: failed_message(received.signal, body))
            return answer
        answer = Answer(sent_body(sent.told))
        await self._keep(received, answer)
        self._tell(lambda: sent_message(received.signal, sent.told))
        return answer

    async def _keep(self, received: Received, answer: Answer, *changes: Execution) -> None:
        key = received.signal.idempotency_key
        if key is not None or changes:
            kept = None if key is None else (key, kept_answer(received, answer))
            await self._ledger.tell(*changes, answer=kept)

    def _heard(self, told: Execution) -> None:
        if not self._is_mine(told):
            return
        if told.state != ExecutionState.SIMULATED:  # that was counted when it was judged
            self._tally.take(told)
        if is_settled(told):
            self._open.pop(told.execution_id, None)
        elif told.fee_wei is not None and told.execution_id in self._open:
            self._open[told.execution_id] = 0  # it is among the day's

    def _is_mine(self, told: Execution) -> bool:
        return told.source == self.desk.settings.name
