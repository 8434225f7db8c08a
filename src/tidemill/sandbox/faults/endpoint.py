"""What one misbehaving endpoint knows and keeps, and what it does with a request before the node has it."""

from tidemill.core.clock import Clock
from tidemill.sandbox.faults.calls import (
    TOO_MANY_REQUESTS,
    Asked,
    Bucket,
    Call,
    read_calls,
    refusal,
    without_node,
    write_calls,
)
from tidemill.sandbox.faults.dice import Dice
from tidemill.sandbox.faults.injected import Injected, Injections
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.faults.stream import Stream
from tidemill.sandbox.faults.upstream import Upstream
from tidemill.sandbox.faults.views import Fork, Lag, View, fork_block

_NOTED_MAX = 100_000


class Endpoint:
    """One endpoint's vices, none at first; all connections share it."""

    def __init__(self, dice: Dice, upstream: Upstream, clock: Clock) -> None:
        self.scenario = Scenario()
        self.upstream = upstream
        self.clock = clock
        self.injections = Injections()
        self.answers = Stream(self.scenario, dice, 0)
        self.freeze_count = 0
        """How many reasons there are to say nothing."""
        self.change_count = 0
        """How often the scenario was set: a connection that has seen fewer adapts itself."""
        self._dice = dice
        self._bucket: Bucket | None = None
        self._lag: Lag | None = None
        self._fork: Fork | None = None
        self._noted: dict[tuple[str, str], None] = {}
        self._connections = 0

    @property
    def is_frozen(self) -> bool:
        """Say whether nothing is said."""
        return self.freeze_count > 0

    async def change(self, scenario: Scenario) -> None:
        """Have these faults from now on, after asking the node what they start from.

        Raises: Unreachable, Malformed where a fault needs an answer that does not come; nothing is changed.
        """
        lag = fork = None
        if scenario.stale is not None or scenario.wrong_fork is not None:
            newest = await self.upstream.newest()
            if scenario.stale is not None:
                lag = Lag(scenario.stale, newest, self.note)
            if scenario.wrong_fork is not None:
                first_block = fork_block(self._dice, scenario.wrong_fork, newest)
                fork = Fork(first_block, self._dice, self.note)
        self.scenario, self._lag, self._fork = scenario, lag, fork
        self._bucket = None if scenario.limit is None else Bucket(scenario.limit)
        self.answers.change(scenario)
        self.change_count += 1

    @property
    def fork_block(self) -> int | None:
        """Return the first block of the other fork; None where there is none."""
        return None if self._fork is None else self._fork.first_block

    def stream(self) -> tuple[int, Stream]:
        """Return the next connection's number and faults."""
        self._connections += 1
        return self._connections, Stream(self.scenario, self._dice, self._connections)

    def view(self) -> View | None:
        """Return the chain as one connection sees it; None: as it is."""
        return View(self._lag, self._fork, self.note) if self._lag or self._fork else None

    def note(self, kind: str, block_hash: str) -> None:
        """Keep that a block was withheld or renamed: once, however often it is asked for."""
        if (kind, block_hash) in self._noted:
            return
        if len(self._noted) >= _NOTED_MAX:
            self._noted.clear()
        self._noted[kind, block_hash] = None
        self.injections.add(
            Injected(kind, self.clock.now_ns(), block_hash=bytes.fromhex(block_hash.removeprefix("0x")))
        )

    async def asked(self, body: bytes, connection: int) -> Asked:
        """Return what becomes of a request.

        Raises: Unreachable, Malformed where the node had to be asked something first.
        """
        scenario = self.scenario
        if not (self._bucket or scenario.no_method or scenario.wrong_chain or self._lag or self._fork):
            return Asked(body)
        read = read_calls(body)
        if read is None:
            return Asked(body)
        calls, is_batch = read
        if self._bucket is not None and not self._bucket.take(len(calls), self.clock.now_ns()):
            self._add("limit", connection, calls[0].method if calls else None)
            refusals = [refusal(call, TOO_MANY_REQUESTS, "too many requests") for call in calls]
            return Asked(None, refusals, is_batch, is_refused=True)
        kept: list[Call] = []
        answers: list[bytes] = []
        for call in calls:
            became = await self._became(call, connection)
            if isinstance(became, bytes):
                answers.append(became)
            else:
                kept.append(became)
        if len(kept) == len(calls) and all(one is call for one, call in zip(kept, calls, strict=True)):
            return Asked(body, is_batch=is_batch)
        return Asked(write_calls(kept, is_batch=is_batch), answers, is_batch)

    async def _became(self, call: Call, connection: int) -> Call | bytes:
        answered = without_node(call, self.scenario)
        if answered is not None:
            kind, answer = answered
            self._add(kind, connection, call.method)
            return answer
        view = self.view()
        if view is None:
            return call
        if self._lag is not None:
            self._lag.newest = await self.upstream.newest()
        numbers = {one: await self.upstream.number_of(one) for one in view.hashes(call)}
        return view.ask(call, numbers)

    def _add(self, kind: str, connection: int, method: str | None) -> None:
        self.injections.add(Injected(kind, self.clock.now_ns(), connection=connection, method=method))
