"""Who talks to the nodes: the only code of a chain that does I/O; it feeds the machine and obeys it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Literal

import msgspec

from tidemill.chains.evm.calls import Failed
from tidemill.chains.evm.config import EvmConfig, check_config
from tidemill.chains.evm.follower import EvmFollower, drift_entry
from tidemill.chains.evm.links import Links, link_name
from tidemill.chains.evm.replay import start_entry
from tidemill.chains.evm.steps import Call, Step
from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.http import HttpAnswer, HttpEndpoint, HttpFailure, HttpLimits
from tidemill.core.recording import Entry, Kind, Recorder
from tidemill.core.socket import Socket, SocketLimits
from tidemill.schema.faults import Fault, Refused, Unreachable

INBOX_BATCHES_MAX = 256
"""How many batches of entries may wait for the machine."""
_STEP_ENTRIES_MAX = 10_000
_ALONE = frozenset({"eth_getLogs", "eth_call"})
"""Their answers are large: each goes in a request of its own."""


class Traffic(msgspec.Struct):
    """What came over one WebSocket since the start, however often it was connected."""

    connects: int = 0
    frames: int = 0


OnStep = Callable[[Step], Awaitable[Sequence[bytes] | None]]
"""Takes a step; returns the pools, by address, that contradict their logs and must be read anew, if any."""


class Shell:
    """Runs one follower on its connections until cancelled or refused."""

    def __init__(
        self,
        follower: EvmFollower,
        on_step: OnStep,
        clock: Clock,
        *,
        recorder: Recorder | None = None,
        on_recorder_fault: Callable[[Fault], None] | None = None,
    ) -> None:
        self._follower = follower
        self._config = check_config(follower.config)
        self._on_step = on_step
        self._clock = clock
        self._recorder = recorder
        self._on_recorder_fault = on_recorder_fault
        self._inbox: asyncio.Queue[list[Entry]] = asyncio.Queue(maxsize=INBOX_BATCHES_MAX)
        self.inbox_wait_count = 0
        """How often what came in had to wait for room in the inbox."""
        self._sockets: dict[str, Socket] = {}
        self._lost = {link.name: asyncio.Event() for link in follower.links.sockets}
        self._traffic = {link.name: Traffic() for link in follower.links.sockets}
        self._tasks: asyncio.TaskGroup | None = None
        self._running: set[asyncio.Task[None]] = set()
        self._http: dict[str, HttpEndpoint] = {}

    @property
    def links(self) -> Links:
        """Its connections, and how each endpoint fares."""
        return self._follower.links

    def told(self, now_ns: int) -> dict[str, dict[str, Any]]:
        """Return every endpoint's scorecard, its connections' state and traffic, by its number as text."""
        found = self.links.told(now_ns)
        for card in found.values():
            for name, link in card["links"].items():
                traffic = self._traffic.get(name)
                link["connects"] = 0 if traffic is None else traffic.connects
                link["frames"] = 0 if traffic is None else traffic.frames
        return found

    @property
    def inbox_batches(self) -> int:
        """How many batches of entries wait for the machine, of at most 256."""
        return self._inbox.qsize()

    async def run(self, run_id: str, state: Mapping[bytes, bytes]) -> None:
        """Follow the chain; `state` is what the follower's checkpoint was read from, and goes into the
        recording.

        Cancellation leaves every finished step whole: a step is given to `on_step` once, or not at all.

        Raises: Refused or Unsafe where the chain cannot go on; a Fault that `on_step` raises, as it is.
        """
        limits = HttpLimits(answer_timeout_ms=self._config.answer_timeout_ms)
        source = self._config.source
        async with AsyncExitStack() as opened:
            for name, url in _urls(self._config, "http"):
                self._http[name] = await opened.enter_async_context(HttpEndpoint(url, self._clock, limits))
            async with asyncio.TaskGroup() as self._tasks:
                self._start(self._tick(), f"tick {source}")
                for name, url in _urls(self._config, "ws"):
                    self._start(self._read(name, url), f"read {source} {name}")
                start = start_entry(self._config, run_id, state, self._clock.now_ns())
                stop = await self._feed(start)
                for task in self._running:
                    task.cancel()
        raise stop

    def _start(self, work: Coroutine[None, None, None], name: str) -> None:
        assert self._tasks is not None
        task = self._tasks.create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _feed(self, start: Entry) -> Fault:
        """Feed the machine until it stops; return why."""
        entries = [start]
        while True:
            await self._record(entries)
            step = self._follower.step(entries)
            self._send(step.calls)
            for name in step.reconnect:
                self._lost[name].set()
            try:
                drifted = await self._on_step(step)
            except Fault as fault:
                return fault
            if step.blocks:  # a search of them covers the blocks of one step
                await self._record([Entry(Kind.STEP, entries[-1].recv_ns)])
            if step.stop is not None:
                return step.stop
            if drifted:
                entries = [drift_entry(drifted, self._clock.now_ns())]
                continue
            entries = await self._inbox.get()
            while len(entries) < _STEP_ENTRIES_MAX and not self._inbox.empty():
                entries += self._inbox.get_nowait()

    async def _record(self, entries: Sequence[Entry]) -> None:
        if self._recorder is None:
            return
        try:
            await self._recorder.append(entries)
        except Fault as fault:
            if isinstance(fault, Refused):
                self._recorder = None  # what follows a hole cannot be replayed
            if self._on_recorder_fault is not None:
                self._on_recorder_fault(fault)

    def _send(self, calls: Sequence[Call]) -> None:
        posts: list[list[Call]] = []
        batches: dict[str, list[Call]] = {}
        for call in calls:
            if call.connection not in self._http:
                self._send_frame(call)
            elif call.method in _ALONE:
                posts.append([call])
            else:
                batch = batches.setdefault(call.connection, [])
                batch.append(call)
                if len(batch) >= self._config.http_batch_calls:
                    posts.append(batches.pop(call.connection))
        for post in (*posts, *batches.values()):
            self._start(self._post(post), f"post {self._config.source}")

    def _send_frame(self, call: Call) -> None:
        socket = self._sockets.get(call.connection)
        if socket is None:
            return  # its CLOSE entry is on its way: the machine asks again
        try:
            socket.send(call.encode())
        except Unreachable:
            self._lost[call.connection].set()

    async def _post(self, calls: list[Call]) -> None:
        name = calls[0].connection
        http = self._http[name]
        ids = tuple(call.id for call in calls)
        requests = [call.encode() for call in calls]
        answer = await http.post(requests[0] if len(calls) == 1 else b"[" + b",".join(requests) + b"]")
        match answer:
            case HttpAnswer(recv_ns, data):
                left = Failed("Malformed", f"{http.endpoint}: the answer lacks calls that were asked", ids)
                entries = [Entry(Kind.FRAME, recv_ns, name, data), _failed(left, recv_ns, name)]
            case HttpFailure(recv_ns, fault, retry_after_ms, too_large):
                failed = Failed(type(fault).__name__, str(fault), ids, retry_after_ms, too_large)
                entries = [_failed(failed, recv_ns, name)]
        await self._hand_over(entries)

    async def tell(self, entries: list[Entry]) -> None:
        """Tell the machine what was found beside its own questions; it is recorded with them."""
        await self._hand_over(entries)

    async def _hand_over(self, entries: list[Entry]) -> None:
        """Put entries into the inbox; where it is full, wait: TCP then holds back who sends."""
        if self._inbox.full():
            self.inbox_wait_count += 1
        await self._inbox.put(entries)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(self._config.tick_ms / 1_000)
            await self._hand_over([Entry(Kind.TICK, self._clock.now_ns())])

    async def _read(self, name: str, url: str) -> None:
        """Keep a WebSocket connected; what it says goes into the inbox."""
        backoff = Backoff(self._config.reconnect_first_ms, self._config.reconnect_max_ms)
        while True:
            opened_s = asyncio.get_running_loop().time()
            try:
                await self._read_once(name, url)
            except Fault as fault:
                failed = _failed(Failed(type(fault).__name__, str(fault)), self._clock.now_ns(), name)
                await self._hand_over([failed])
            await asyncio.sleep(backoff.wait_s(asyncio.get_running_loop().time() - opened_s))

    async def _read_once(self, name: str, url: str) -> None:
        async with await Socket.connect(url, self._clock, SocketLimits()) as socket:
            self._sockets[name] = socket
            self._traffic[name].connects += 1
            self._lost[name].clear()
            await self._hand_over([Entry(Kind.OPEN, self._clock.now_ns(), name)])
            reason = f"{socket.endpoint}: replaced because it was silent"
            receive = asyncio.ensure_future(self._receive(name, socket))
            lost = asyncio.ensure_future(self._lost[name].wait())
            try:
                await asyncio.wait((receive, lost), return_when=asyncio.FIRST_COMPLETED)
                if receive.done():
                    reason = receive.result()
            finally:
                del self._sockets[name]
                receive.cancel()
                lost.cancel()
            await self._hand_over([Entry(Kind.CLOSE, self._clock.now_ns(), name, reason.encode())])

    async def _receive(self, name: str, socket: Socket) -> str:
        """Pass on what comes in until the connection ends; return why it ended."""
        while True:
            try:
                frames = await socket.receive()
            except Fault as fault:
                return str(fault)
            self._traffic[name].frames += len(frames)
            await self._hand_over([Entry(Kind.FRAME, recv_ns, name, data) for recv_ns, data in frames])


def _urls(config: EvmConfig, kind: Literal["ws", "http"]) -> list[tuple[str, str]]:
    """Return name and address of every connection of a kind."""
    urls = [endpoint.ws_url if kind == "ws" else endpoint.http_url for endpoint in config.endpoints]
    return [(link_name(kind, number), url) for number, url in enumerate(urls) if url is not None]


def _failed(failed: Failed, recv_ns: int, connection: str) -> Entry:
    return Entry(Kind.FAILED, recv_ns, connection, msgspec.json.encode(failed))
