"""Where do signals come in: each once, to its chain's lane; with the counts of all, and who listens."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from tidemill.core.clock import NS_PER_S, Clock
from tidemill.execute.chain_facts import CHAINS
from tidemill.execute.desk.answers import (
    Answer,
    Body,
    failed_message,
    failure_body,
    not_configured,
    sent_body,
    simulation_body,
    state_message,
    status_of,
)
from tidemill.execute.desk.kept_answer import kept_of
from tidemill.execute.desk.lane import Busy, Lane
from tidemill.execute.desk.limits import LimitsTold, told_limits
from tidemill.execute.ledger import Ledger
from tidemill.execute.signal import Signal, signal_of
from tidemill.execute.trade import received
from tidemill.schema.events import Execution, ExecutionMode, ExecutionState
from tidemill.schema.faults import Fault, Refused

_RETRY_AFTER_S = 1
_NOT_SENT = frozenset({ExecutionState.RECEIVED, ExecutionState.SIMULATED, ExecutionState.UNKNOWN})
_LATER = frozenset(ExecutionState) - {
    ExecutionState.RECEIVED,
    ExecutionState.REFUSED,
    ExecutionState.SIMULATED,
    ExecutionState.PAPER_PENDING,
    ExecutionState.SENT,
}
"""States that listeners are told of by themselves; what leads to the others is in another message."""

Listener = Callable[[Body], None]


class Desk:
    """Takes signals; use `run` beside it."""

    def __init__(self, mode: ExecutionMode, ledger: Ledger, clock: Clock) -> None:
        """Lanes are added before it runs."""
        self.mode = mode
        self.lanes: dict[int, Lane] = {}
        """By the chain's id."""
        self.listeners: set[Listener] = set()
        self._ledger = ledger
        self._clock = clock
        self._began_ns = clock.now_ns()
        self._count = 0
        self._running: dict[str, tuple[bytes, asyncio.Future[Answer]]] = {}
        ledger.listen(self._heard)

    async def run(self) -> None:
        """Carry out signals until cancelled. Raises: Unreachable, where the ledger cannot be read."""
        for lane in self.lanes.values():
            name = lane.desk.settings.name
            await lane.sending.take_up(
                [told for told in self._ledger.unsettled.values() if told.source == name]
            )
        async with asyncio.TaskGroup() as tasks:
            for lane in self.lanes.values():
                name = lane.desk.settings.name
                tasks.create_task(lane.desk.run(), name=f"blocks {name}")
                tasks.create_task(lane.sending.run(), name=f"sending {name}")
                tasks.create_task(lane.run(), name=f"signals {name}")

    async def execute(self, body: bytes, key: str | None = None) -> Answer:
        """Return what became of the signal that `body` is; its idempotency key may be beside it.

        A fault is an answer, too.
        """
        try:
            signal = signal_of(body, key)
        except Fault as fault:
            return self._failure(str(fault), status_of(fault))
        try:
            return await self._execute(signal)
        except Busy as fault:
            return self._failure(str(fault), status_of(fault))._replace(retry_after_s=_RETRY_AFTER_S)
        except Fault as fault:
            return self._failure(str(fault), status_of(fault))

    async def execute_all(self, bodies: Sequence[bytes]) -> Body:
        """Return what became of each signal, in order."""
        answers = await asyncio.gather(*map(self.execute, bodies))
        succeeded = sum(answer.is_success for answer in answers)
        return {
            "total": len(answers),
            "succeeded": succeeded,
            "failed": len(answers) - succeeded,
            "results": [answer.body for answer in answers],
        }

    async def simulate(self, body: bytes) -> Answer:
        """Return what the signal that `body` is would do now; nothing is noted of it."""
        try:
            signal = signal_of(body)
            lane = self.lanes.get(signal.chain_id)
            if lane is None:
                return self._not_configured(signal)
            prepared = await lane.desk.prepare(signal)
        except Fault as fault:
            return self._failure(str(fault), status_of(fault))
        return Answer(simulation_body(prepared, lane.desk.settings))

    def health(self) -> Body:
        """Return how it fares."""
        return {
            "status": "healthy",
            "mode": self.mode,
            "chains": len(self.lanes),
            "uptime": (self._clock.now_ns() - self._began_ns) / NS_PER_S,
            "stats": self._counts(),
        }

    def stats(self) -> Body:
        """Return what signals came to since the ledger began."""
        tally = self._ledger.tally
        return self._counts() | {
            "total_profit": round(tally.profit_usd, 6),  # what a sum of floats has beyond is none
            "mode": self.mode,
            "connected_clients": len(self.listeners),
            "providers": len(self.lanes),
            "optimism_ratio": tally.optimism_ratio,
            "unpriced_trades": tally.unpriced,
            "paper_filled": tally.paper_filled,
            "paper_missed": tally.paper_missed,
            "unknown": tally.unknown,
            "under_way": len(self._ledger.unsettled),
            "waiting": sum(lane.waiting for lane in self.lanes.values()),
        }

    def limits(self) -> list[LimitsTold]:
        """Return what the trades of each chain are held against, and what they took today."""
        days, now_ns = self._ledger.tally.days, self._clock.now_ns()
        chains = [(lane.desk.settings, lane.open_count) for lane in self.lanes.values()]
        return [told_limits(chain, days.get(chain.name), count, now_ns) for chain, count in chains]

    def tell(self, make: Callable[[], Body]) -> None:
        """Tell all listeners what `make` makes; it is not asked where there are none."""
        if self.listeners:
            news = make()
            for listener in tuple(self.listeners):
                listener(news)

    async def _execute(self, signal: Signal) -> Answer:
        """Carry a signal out once. Raises: Refused, where its key is another signal's; Busy, Unreachable."""
        key = signal.idempotency_key
        if key is None:
            return await self._carry_out(signal)
        known = self._known(key, signal)
        if known is not None:
            return known
        if key in self._running:
            digest, running = self._running[key]
            _check_same(key, digest, signal)
        else:
            running = asyncio.ensure_future(self._carry_out(signal))
            self._running[key] = signal.digest, running
            running.add_done_callback(lambda _: self._running.pop(key, None))
        return await asyncio.shield(running)

    async def _carry_out(self, signal: Signal) -> Answer:
        lane = self.lanes.get(signal.chain_id)
        if lane is None:
            answer = self._not_configured(signal)
            self.tell(lambda: failed_message(signal, answer.content))
            return answer
        self._count += 1
        name = lane.desk.settings.name
        one = received(signal, chain=name, mode=self.mode, recv_ns=self._clock.now_ns(), count=self._count)
        return await lane.take(one)

    def _known(self, key: str, signal: Signal) -> Answer | None:
        """Return what was answered to a key before. Raises: Refused, where it was another signal's."""
        if key in self._running:
            return None
        stored = self._ledger.answer_to(key)
        if stored is None:
            return None
        kept = kept_of(stored)
        _check_same(key, kept.digest, signal)
        if kept.answer is not None:
            return kept.answer
        told = self._ledger.unsettled.get(kept.execution_id)
        if told is not None and told.state not in _NOT_SENT:
            return Answer(sent_body(told))
        why = "the process ended while it was carried out: see the ledger"
        return self._failure(why, status_of(Refused()), execution_id="0x" + kept.execution_id.hex())

    def _not_configured(self, signal: Signal) -> Answer:
        facts = CHAINS.get(signal.chain_id)
        if facts is None:
            reason = "expected a chain in [execution.chains] or [chains] of the settings"
        elif facts.retired is not None:
            reason = f"{facts.name} is retired: {facts.retired}"
        else:
            reason = f"set {facts.variable} to the address of an endpoint"
        return self._failure(not_configured(signal.chain_id), status_of(Refused()), reason=reason)

    def _failure(self, error: str, status: Any, **more: Any) -> Answer:
        return Answer(failure_body(error, self.mode, self._clock.now_ns(), **more), status)

    def _counts(self) -> Body:
        tally = self._ledger.tally
        return {
            "total_signals": tally.signals,
            "executed": tally.included,
            "failed": tally.failed,
            "paper_executed": tally.paper_accepted,
        }

    def _heard(self, told: Execution) -> None:
        if told.state in _LATER:
            self.tell(lambda: state_message(told))


def _check_same(key: str, digest: bytes, signal: Signal) -> None:
    if digest != signal.digest:
        raise Refused(f"signal: expected idempotency key {key!r:.60} with the signal it first came with")
