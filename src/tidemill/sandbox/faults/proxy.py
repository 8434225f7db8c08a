"""How is an endpoint made to misbehave: a proxy before it follows a scenario, and does what it is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from tidemill.core.clock import Clock, SystemClock
from tidemill.sandbox.faults.calls import method_of
from tidemill.sandbox.faults.dice import Dice
from tidemill.sandbox.faults.door import Door, cut
from tidemill.sandbox.faults.endpoint import Endpoint
from tidemill.sandbox.faults.injected import Injected, LogIdentity
from tidemill.sandbox.faults.link import Link
from tidemill.sandbox.faults.scenario import Scenario
from tidemill.sandbox.faults.spelling import Every, Span
from tidemill.sandbox.faults.upstream import Upstream
from tidemill.schema.faults import Fault

_MESSAGE_BYTES_MAX = 64 << 20


class FaultProxy:
    """A running proxy; made by `fault_proxy`."""

    def __init__(self, endpoint: Endpoint, dice: Dice) -> None:
        self._endpoint = endpoint
        self._dice = dice
        self._door = Door(self._serve)
        self._freeze: Injected | None = None
        self._outage: Injected | None = None
        self._outage_count = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.http_url = f"http://127.0.0.1:{self._door.port}"
        self.ws_url = f"ws://127.0.0.1:{self._door.port}"
        self.connection_count = 0
        """WebSockets opened since the start."""
        self.request_count = 0
        """Requests over HTTP since the start."""

    @property
    def scenario(self) -> Scenario:
        """Return the faults that it has by itself."""
        return self._endpoint.scenario

    @property
    def injected(self) -> list[Injected]:
        """Return the newest 200,000 faults, oldest first."""
        return list(self._endpoint.injections.kept)

    @property
    def counts(self) -> Counter[str]:
        """Return how often each kind of fault was injected; `frozen_message`: lost in a freeze."""
        return self._endpoint.injections.counts

    @property
    def dropped_logs(self) -> set[LogIdentity]:
        """Return block hash and index of the logs that some answer or notice lacked."""
        return self._endpoint.injections.dropped_logs()

    @property
    def fork_block(self) -> int | None:
        """Return the first block of the other fork; None where `wrong_fork` is not had."""
        return self._endpoint.fork_block

    @property
    def is_frozen(self) -> bool:
        """Say whether nothing is said."""
        return self._endpoint.is_frozen

    def drops_log(self, block_hash: bytes, log_index: int) -> bool:
        """Say whether the scenario leaves this log out, whether it was asked for or not.

        With `wrong_fork`, a log is known by its block's other hash.
        """
        return self._dice.hits(self.scenario.drop_log, "drop_log", block_hash, log_index)

    def freeze(self) -> None:
        """Say nothing from now on; each freeze needs its own `thaw`."""
        self._endpoint.freeze_count += 1
        if self._freeze is None:
            self._freeze = self._add("freeze")

    def thaw(self) -> None:
        """End one freeze; what would have been said meanwhile is lost."""
        assert self._endpoint.freeze_count > 0, "a thaw follows a freeze"
        self._endpoint.freeze_count -= 1
        if self._freeze is not None and not self._endpoint.is_frozen:
            self._freeze.until_ns = self._endpoint.clock.now_ns()
            self._freeze = None

    @asynccontextmanager
    async def outage(self) -> AsyncIterator[None]:
        """Cut every connection and accept none until the block ends."""
        self._outage_count += 1
        if self._outage is None:
            self._outage = self._add("refuse")
        self._door.shut()
        try:
            yield
        finally:
            self._outage_count -= 1
            if not self._outage_count:
                await self._door.open()
                self._outage.until_ns = self._endpoint.clock.now_ns()
                self._outage = None

    def cut_all(self) -> int:
        """Cut every connection; return how many there were. New ones are accepted."""
        cut_count = self._door.cut_all()
        if cut_count:
            self._add("disconnect")
        return cut_count

    async def __aenter__(self) -> Self:
        """Let clients in."""
        await self._door.open()
        self._follow_timetable()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Cut all connections; nothing is left behind."""
        await self._leave_timetable()
        await self._door.close()

    async def change(self, scenario: Scenario) -> None:
        """Have these faults from now on, on connections that are open too; times start from now.

        Raises: Unreachable, Malformed where a fault needs an answer of the node and none comes.
        """
        await self._endpoint.change(scenario)
        await self._leave_timetable()
        self._follow_timetable()

    def _follow_timetable(self) -> None:
        # no task group: it would wrap what the user's block raises
        self._tasks = [
            asyncio.create_task(work, name=f"fault proxy: {name}") for name, work in self._timetable().items()
        ]

    async def _leave_timetable(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _timetable(self) -> dict[str, Coroutine[Any, Any, None]]:
        scenario = self.scenario
        works: dict[str, Coroutine[Any, Any, None]] = {}
        if scenario.freeze is not None:
            works["freeze"] = self._freeze_by(scenario.freeze)
        if scenario.refuse is not None:
            works["refuse"] = self._refuse_by(scenario.refuse)
        if isinstance(scenario.disconnect, Every):
            works["disconnect"] = self._disconnect(scenario.disconnect)
        return works

    async def _freeze_by(self, span: Span) -> None:
        while True:
            await asyncio.sleep(span.after_ms / 1_000)
            self.freeze()
            try:
                await asyncio.sleep(span.for_ms / 1_000)
            finally:
                self.thaw()

    async def _refuse_by(self, span: Span) -> None:
        while True:
            await asyncio.sleep(span.after_ms / 1_000)
            async with self.outage():
                await asyncio.sleep(span.for_ms / 1_000)

    async def _disconnect(self, every: Every) -> None:
        while True:
            await asyncio.sleep(every.ms / 1_000)
            self.cut_all()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._door.is_open:  # it came in as the door was shut
            cut(request)
            await _never()
        try:
            if request.headers.get("upgrade", "").lower() == "websocket":
                return await self._socket(request)
            return await self._post(request)
        except Fault as fault:
            return web.Response(status=502, text=str(fault))

    async def _socket(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.is_frozen:
            await _never()
        node = await self._endpoint.upstream.connect()
        client: web.WebSocketResponse[bool] = web.WebSocketResponse(
            max_msg_size=_MESSAGE_BYTES_MAX, compress=False, decode_text=False
        )
        try:
            await client.prepare(request)
            self.connection_count += 1
            await Link(self._endpoint, request, client, node).run()
        finally:
            await node.close()
        return client

    async def _post(self, request: web.BaseRequest) -> web.StreamResponse:
        body = await request.read()
        self.request_count += 1
        if self.is_frozen:
            await self._say_nothing()
        asked = await self._endpoint.asked(body, 0)
        if asked.is_refused:
            return web.Response(
                status=429,
                headers={"retry-after": "1"},
                body=asked.joined(None),
                content_type="application/json",
            )
        status, kind, answer = 200, "application/json", None
        if asked.forward is not None:
            status, kind, answer = await self._endpoint.upstream.post(asked.forward)
            view = self._endpoint.view()
            if view is not None:
                (answer,) = view.tell(answer)
        return await self._answer(request, body, asked.joined(answer), (status, kind))

    async def _answer(
        self, request: web.BaseRequest, body: bytes, answer: bytes, head: tuple[int, str]
    ) -> web.StreamResponse:
        spoilt = self._endpoint.answers.take(answer, self._endpoint.clock.now_ns())
        if spoilt.injected:
            method = method_of(body)
            for injected in spoilt.injected:
                injected.method = method
                self._endpoint.injections.add(injected)
        if spoilt.delay_ms:
            await asyncio.sleep(spoilt.delay_ms / 1_000)
        if spoilt.is_cut:
            cut(request)
            await _never()
        if self.is_frozen or not spoilt.messages:
            await self._say_nothing()
        status, kind = head
        return web.Response(status=status, body=spoilt.messages[0], headers={"content-type": kind})

    async def _say_nothing(self) -> None:
        if self.is_frozen:
            self.counts["frozen_message"] += 1
        await _never()

    def _add(self, kind: str) -> Injected:
        return self._endpoint.injections.add(Injected(kind, self._endpoint.clock.now_ns()))


async def _never() -> None:
    """Wait until the client hangs up: that cancels its handler."""
    await asyncio.Event().wait()


@asynccontextmanager
async def fault_proxy(
    *,
    http_url: str | None = None,
    ws_url: str | None = None,
    scenario: Scenario | None = None,
    seed: int = 0,
    clock: Clock | None = None,
) -> AsyncIterator[FaultProxy]:
    """Run a proxy before an endpoint until the block ends, on a free loopback port for both protocols.

    Raises: Refused where no endpoint is given; Unreachable, Malformed where a fault needs an answer of the
    node to start from and none comes.
    """
    dice = Dice(seed)
    async with Upstream(http_url, ws_url) as upstream:
        endpoint = Endpoint(dice, upstream, clock or SystemClock())
        await endpoint.change(scenario or Scenario())
        async with FaultProxy(endpoint, dice) as proxy:
            yield proxy
