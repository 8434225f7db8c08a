"""What was asked for, and what became of it: each change of a trade, durable before anything follows."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidemill._rust import keccak256
from tidemill.bus import Bus, BusSettings, open_bus
from tidemill.bus.base import State
from tidemill.execute.tally import Tally, copy_of
from tidemill.execute.trade import is_settled
from tidemill.schema import derive
from tidemill.schema.events import Execution, ExecutionMode
from tidemill.schema.faults import Fault

TOPIC = "execution"
_OPEN = b"open/"
_ANSWER = b"answer/"
_TALLY = b"tally"
_CHANGES_A_COMMIT = 4_096
_ANSWERS_MAX = 100_000
"""Keys whose answers are kept, some 50 MB: hours of signals at ten a second."""

Told = Callable[[Execution], None]


class _Waiting(NamedTuple):
    """What somebody told, and waits for the disk to have."""

    changes: Sequence[Execution]
    state: State
    answer: tuple[bytes, bytes] | None
    """The digest of an idempotency key, and what was answered."""
    done: asyncio.Future[None]


class Ledger:
    """The ledger of one mode, and its only writer; what is told while the disk is busy goes in one commit."""

    def __init__(self, bus: Bus) -> None:
        """`bus` is the ledger's own."""
        self.bus = bus
        self.tally = Tally()
        self.unsettled: dict[bytes, Execution] = {}
        """The newest event of every trade of which more may come."""
        self._answers: OrderedDict[bytes, bytes] = OrderedDict()
        self._answer_count = 0
        self._waiting: list[_Waiting] = []
        self._taken: list[_Waiting] = []
        self._flushing: asyncio.Task[None] | None = None
        self._listeners: list[Told] = []

    async def start(self) -> None:
        """Read where every trade is. Raises: Unreachable."""
        for _, stored in await self.bus.state(_OPEN):
            told = msgspec.json.decode(stored, type=Execution)
            self.unsettled[told.execution_id] = told
        for key, stored in await self.bus.state(_ANSWER):
            self._answers[stored[:32]] = stored[32:]
            self._answer_count = int(key[len(_ANSWER) :], 16) + 1
        tally = await self.bus.get(_TALLY)
        if tally is not None:
            self.tally = msgspec.json.decode(tally, type=Tally)

    def answer_to(self, idempotency_key: str) -> bytes | None:
        """Return what was answered to a signal with that key; None where none was, or it is forgotten."""
        return self._answers.get(_digest(idempotency_key))

    def listen(self, told: Told) -> None:
        """Call `told` with every change once it is durable."""
        self._listeners.append(told)

    async def tell(
        self, *changes: Execution, answer: tuple[str, bytes] | None = None, state: State | None = None
    ) -> None:
        """Keep changes, in order, with an idempotency key's answer and further keys of the bus's state.

        It is durable when this returns; a caller that is cancelled before does not know whether it is.

        Raises: Unreachable, where the disk fails: nothing of it is kept then.
        """
        keyed = None if answer is None else (_digest(answer[0]), answer[1])
        mine = _Waiting(changes, state or {}, keyed, asyncio.get_running_loop().create_future())
        self._waiting.append(mine)
        if self._flushing is None:
            self._flushing = asyncio.ensure_future(self._flush())
            self._flushing.add_done_callback(self._flushed)
        await mine.done

    async def _flush(self) -> None:
        """Commit until nobody waits; what is told meanwhile goes in the next commit."""
        while self._waiting:
            await self._commit()
        self._flushing = None  # whoever tells from here on begins anew

    def _flushed(self, flushing: asyncio.Task[None]) -> None:
        """Have those who wait for what ended early end like it."""
        bug = None if flushing.cancelled() else flushing.exception()
        if bug is None and not flushing.cancelled():
            return
        for one in (*self._taken, *self._waiting):
            if bug is None:
                one.done.cancel()
            elif not one.done.done():
                one.done.set_exception(bug)
        self._waiting.clear()
        self._flushing = None

    async def _commit(self) -> None:
        taken = self._taken = self._next()
        changes = [change for one in taken for change in one.changes]
        tally = copy_of(self.tally)
        state: dict[bytes, bytes | None] = {}
        for change in changes:
            tally.take(change)
        for change in {change.execution_id: change for change in changes}.values():  # each one's newest
            state[_OPEN + change.execution_id] = None if is_settled(change) else msgspec.json.encode(change)
        state[_TALLY] = msgspec.json.encode(tally)
        for one in taken:
            state |= one.state
        answers = [one.answer for one in taken if one.answer is not None]
        for number, (digest, answer) in enumerate(answers, self._answer_count):
            state[_ANSWER + b"%016x" % number] = digest + answer
            if number >= _ANSWERS_MAX:
                state[_ANSWER + b"%016x" % (number - _ANSWERS_MAX)] = None
        batches = [(TOPIC, derive.to_batch(changes))] if changes else []
        try:
            await self.bus.commit(batches, state)
        except Fault as fault:
            for one in taken:
                if not one.done.done():
                    one.done.set_exception(fault)
            return
        self.tally = tally
        self._keep_answers(answers)
        for change in changes:
            self._fold(change)
        for one in taken:
            if not one.done.done():
                one.done.set_result(None)

    def _next(self) -> list[_Waiting]:
        """Take as much of what waits as goes in one commit."""
        changes, count = 0, 0
        while count < len(self._waiting) and changes < _CHANGES_A_COMMIT:
            changes += len(self._waiting[count].changes)
            count += 1
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        return taken

    def _keep_answers(self, answers: Sequence[tuple[bytes, bytes]]) -> None:
        self._answer_count += len(answers)
        self._answers.update(answers)
        while len(self._answers) > _ANSWERS_MAX:
            self._answers.popitem(last=False)

    def _fold(self, change: Execution) -> None:
        if is_settled(change):
            self.unsettled.pop(change.execution_id, None)
        else:
            self.unsettled[change.execution_id] = change
        for told in self._listeners:
            told(change)


def ledger_folder(data: Path, mode: ExecutionMode) -> Path:
    """Return where the ledger of a mode is, in the data folder."""
    return data / "ledger" / mode.lower()


@asynccontextmanager
async def open_ledger(data: Path, mode: ExecutionMode) -> AsyncIterator[Ledger]:
    """Open the ledger of a mode in the data folder, as its only writer.

    Of LIVE every change is forced to disk before anything follows from it. Of PAPER nothing is at stake: what
    was told survives the process, and a power loss may cost the last moments.

    Raises: Refused, where another process writes to it; Unreachable, where the disk fails.
    """
    sync = "commit" if mode == ExecutionMode.LIVE else "interval"
    settings = BusSettings(retention_bytes=8 << 30, sync=sync)
    async with open_bus(f"lmdb://{ledger_folder(data, mode)}", settings) as bus:
        ledger = Ledger(bus)
        await ledger.start()
        yield ledger


def _digest(idempotency_key: str) -> bytes:
    return keccak256(idempotency_key.encode())
