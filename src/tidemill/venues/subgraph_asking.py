"""How is a subgraph asked, by HTTP or WebSocket, and when again: bells, intervals, backoff and breaker."""

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self

from tidemill.core.backoff import Backoff
from tidemill.core.breaker import Breaker, BreakerLimits, BreakerState
from tidemill.core.clock import Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.graphql import request_of
from tidemill.core.graphql_link import GraphqlLink
from tidemill.core.graphql_shards import GraphqlShards
from tidemill.core.http import HttpAnswer, HttpEndpoint, HttpFailure, HttpLimits
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Fault, Refused, Unreachable
from tidemill.venues.subgraph import bell_query
from tidemill.venues.subgraph_config import SubgraphConfig
from tidemill.venues.subgraph_dialects import DIALECTS

_RETRY_FIRST_MS = 250
_RETRY_MAX_MS = 3_000
_REFUSED_S = 60.0
"""What was refused may be granted later, as when a key was paid for; it is not asked for all the time."""
_TICK_S = 0.05


class Asking:
    """The connections of one subgraph; use it as an async context manager."""

    def __init__(
        self,
        config: SubgraphConfig,
        clock: Clock,
        on_fault: Callable[[Fault], None],
        on_state: Callable[[str, HealthState, str], None],
    ) -> None:
        self.pools = tuple(pool.lower() for pool in config.pools)
        """The ids to read, as an indexer spells them; none stands for all."""
        self.breaker = Breaker(BreakerLimits(open_max_ms=_RETRY_MAX_MS))
        self.shards: GraphqlShards | None = None
        """The WebSockets; None where there are none."""
        self.endpoint = redact_url(config.http_url or config.ws_url or "")
        self._config = config
        self._clock = clock
        self._on_fault = on_fault
        self._on_state = on_state
        self._bell = asyncio.Event()
        self._backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
        self._failure: Fault | None = None
        self._retry_after_ms: int | None = None
        token = config.token
        self._headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._http: HttpEndpoint | None = None
        if config.http_url is not None:
            limits = HttpLimits(answer_timeout_ms=config.answer_timeout_ms)
            self._http = HttpEndpoint(config.http_url, clock, limits, headers=self._headers)
        if config.ws_url is not None:
            self.shards = self._sharded(config.ws_url)

    def _sharded(self, url: str) -> GraphqlShards:
        """Return the WebSockets, each with the bells that it carries."""
        payload = {**self._headers, "headers": self._headers} if self._headers else None
        config = self._config

        def make_link(shard: int) -> GraphqlLink:
            listener = _Bells(self, f"{redact_url(url)} {shard}")
            return GraphqlLink(url, self._clock, listener, headers=self._headers, payload=payload)

        shards = GraphqlShards(make_link, config.operations_per_socket_max)
        dialect, count = DIALECTS[config.dialect], config.pools_per_operation
        watched = [self.pools[begin : begin + count] for begin in range(0, len(self.pools), count)]
        for pools in watched or [()]:
            shards.subscribe(",".join(pools) or "all", bell_query(dialect, pools))
        return shards

    async def __aenter__(self) -> Self:
        """Make ready to ask; nothing is sent yet."""
        if self._http is not None:
            await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what was opened for HTTP."""
        if self._http is not None:
            await self._http.__aexit__(kind, error, trace)

    @property
    def is_announced(self) -> bool:
        """Whether every WebSocket lives, so that new swaps are announced."""
        return self.shards is not None and all(
            link.state is HealthState.LIVE for link in self.shards.links.values()
        )

    async def ask(self, query: str) -> bytes:
        """Return a query's result, as JSON. Raises: the fault that came instead."""
        if self._http is None:
            return await self._ask_link(query)
        match await self._http.post(request_of(query)):
            case HttpAnswer(_, body):
                return body
            case HttpFailure(_, fault, retry_after_ms):
                self._retry_after_ms = retry_after_ms
                raise fault

    async def _ask_link(self, query: str) -> bytes:
        links = self.shards.links.values() if self.shards is not None else ()
        live = next((link for link in links if link.state is HealthState.LIVE), None)
        if live is None:
            raise Unreachable(f"{self.endpoint}: not connected")
        return await live.ask(query, self._config.answer_timeout_ms)

    def succeeded(self) -> None:
        """Take note of a round that ended well."""
        self.breaker.succeeded()
        self._backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
        self._failure = None

    def failed(self, fault: Fault) -> None:
        """Take note of one that did not."""
        self.breaker.failed(self._clock.now_ns())
        self._failure = fault

    async def wait(self) -> None:
        """Wait for a bell, or until it is time to ask without one."""
        if self._failure is not None:
            wait_s = self._backoff.wait_s(0)
            if self._retry_after_ms is not None:
                wait_s, self._retry_after_ms = max(wait_s, self._retry_after_ms / 1_000), None
            if isinstance(self._failure, Refused):
                wait_s = _REFUSED_S
            await asyncio.sleep(wait_s)
            while self.breaker.state(self._clock.now_ns()) is BreakerState.OPEN:  # noqa: ASYNC110 time ends it
                await asyncio.sleep(_TICK_S)
            return
        config = self._config
        poll_ms = config.announced_poll_ms if self.is_announced else config.poll_ms
        try:
            async with asyncio.timeout(poll_ms / 1_000):
                await self._bell.wait()
        except TimeoutError:
            pass  # it is time
        self._bell.clear()

    def ring(self) -> None:
        """Have it asked now."""
        self._bell.set()

    def link_failed(self, fault: Fault) -> None:
        """Pass on what went wrong with a WebSocket."""
        self._on_fault(fault)

    def link_fares(self, endpoint: str, state: HealthState, detail: str) -> None:
        """Pass on how a WebSocket fares; one that lives again may have missed something."""
        self._on_state(endpoint, state, detail)
        self.ring()


class _Bells:
    """Hears one WebSocket."""

    def __init__(self, asking: Asking, endpoint: str) -> None:
        self._asking = asking
        self._endpoint = endpoint

    def on_result(self, key: str, result: bytes, recv_ns: int) -> None:
        """Ring: what is new, a query tells."""
        self._asking.ring()

    def on_fault(self, key: str | None, fault: Fault) -> None:
        """Pass it on."""
        self._asking.link_failed(fault)

    def on_state(self, link: GraphqlLink, state: HealthState, detail: str) -> None:
        """Pass it on."""
        self._asking.link_fares(self._endpoint, state, detail)
