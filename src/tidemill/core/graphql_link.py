"""How is a GraphQL WebSocket kept open, with its subscriptions, through everything that a server may do."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from msgspec import Struct

from tidemill.core.backoff import Backoff
from tidemill.core.breaker import Breaker, BreakerLimits, BreakerState
from tidemill.core.clock import NS_PER_MS, Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.graphql import (
    Conversation,
    Ended,
    GraphqlLimits,
    Next,
    Subprotocol,
    Unread,
    fault_of_close,
)
from tidemill.core.socket import Socket, SocketLimits
from tidemill.schema.events import HealthState
from tidemill.schema.faults import Fault, Refused, Unreachable

_TICK_S = 0.05


class LinkLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one GraphQL WebSocket is kept."""

    graphql: GraphqlLimits = GraphqlLimits()
    socket: SocketLimits = SocketLimits()
    reconnect_first_ms: int = 250
    reconnect_max_ms: int = 3_000
    """A server that is back is found within 5 s, the half on top included."""
    resubscribe_ms: int = 1_000
    """A subscription that the server ended is begun again after this time."""


def _breaker_limits(limits: LinkLimits) -> BreakerLimits:
    """Return how long a breaker stays open: no longer than the longest wait, so that both end together."""
    max_ms = limits.reconnect_max_ms
    return BreakerLimits(open_first_ms=min(BreakerLimits().open_first_ms, max_ms), open_max_ms=max_ms)


class Listener(Protocol):
    """Hears what a link has to tell."""

    def on_result(self, key: str, result: bytes, recv_ns: int) -> None:
        """Take a subscription's result."""

    def on_fault(self, key: str | None, fault: Fault) -> None:
        """Take what went wrong: with one subscription, or, where the key is None, with the connection."""

    def on_state(self, link: "GraphqlLink", state: HealthState, detail: str) -> None:
        """Take how the connection fares now; a live one has its subscriptions begun anew."""


class _Subscription(NamedTuple):
    query: str
    due_ns: int
    """When it may be begun."""


class GraphqlLink:
    """One WebSocket and the subscriptions that are its own; `run` it until cancelled."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        listener: Listener,
        limits: LinkLimits | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        payload: Any = None,
    ) -> None:
        self.endpoint = redact_url(url)
        self.state = HealthState.CONNECTING
        self.subprotocol: Subprotocol | None = None
        """What the server chose; None before the first connection."""
        self.connection_count = 0
        """How often the server accepted a conversation."""
        self.breaker = Breaker(_breaker_limits(limits or LinkLimits()))
        self._url = url
        self._clock = clock
        self._listener = listener
        self._limits = limits or LinkLimits()
        self._headers = headers
        self._payload = payload
        self._wanted: dict[str, _Subscription] = {}
        self._keys: dict[str, str] = {}
        """The subscription of each operation of this connection."""
        self._waiting: dict[str, asyncio.Future[bytes]] = {}
        self._conversation: Conversation | None = None
        self._socket: Socket | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """Its subscriptions."""
        return tuple(self._wanted)

    def subscribe(self, key: str, query: str) -> None:
        """Keep a subscription, now and after every reconnect."""
        self.unsubscribe(key)
        self._wanted[key] = _Subscription(query, 0)
        self._begin_due()

    def unsubscribe(self, key: str) -> None:
        """End a subscription; where there is none, nothing happens."""
        if self._wanted.pop(key, None) is None:
            return
        for operation in [one for one, its_key in self._keys.items() if its_key == key]:
            del self._keys[operation]
            if self._conversation is not None:
                self._conversation.end(operation)
        self._flush()

    async def ask(self, query: str, timeout_ms: int) -> bytes:
        """Return the result of a query, as JSON. Raises: Unreachable; what the server answers instead."""
        conversation = self._conversation
        if conversation is None or not conversation.is_acknowledged:
            raise Unreachable(f"{self.endpoint}: not connected")
        operation = conversation.ask(query)
        self._waiting[operation] = answer = asyncio.get_running_loop().create_future()
        self._flush()
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                return await answer
        except TimeoutError:
            raise Unreachable(f"{self.endpoint}: no answer within {timeout_ms} ms") from None
        finally:
            self._waiting.pop(operation, None)
            conversation.end(operation)
            self._flush()

    async def run(self) -> None:
        """Keep the connection until cancelled, or until the server refuses it: `state` is then `refused`."""
        backoff = Backoff(self._limits.reconnect_first_ms, self._limits.reconnect_max_ms)
        loop = asyncio.get_running_loop()
        while True:
            if self.breaker.state(self._clock.now_ns()) is BreakerState.OPEN:
                await asyncio.sleep(_TICK_S)
                continue
            opened_s = loop.time()
            try:
                await self._converse()
            except Fault as fault:
                if self._failed(fault):
                    return
            await asyncio.sleep(backoff.wait_s(loop.time() - opened_s))

    def _failed(self, fault: Fault) -> bool:
        """Tell how a connection ended; return whether no other can be had."""
        self.breaker.failed(self._clock.now_ns())
        is_refused = isinstance(fault, Refused)
        self._tell(HealthState.REFUSED if is_refused else HealthState.DOWN, str(fault))
        self._listener.on_fault(None, fault)
        return is_refused

    async def _converse(self) -> None:
        """Speak with the server until a fault ends it."""
        self._tell(HealthState.CONNECTING, "")
        offered = tuple(Subprotocol)
        async with await Socket.connect(
            self._url, self._clock, self._limits.socket, headers=self._headers, subprotocols=offered
        ) as socket:
            if socket.subprotocol not in offered:
                raise Refused(
                    f"{self.endpoint}: expected one of {', '.join(offered)}, found {socket.subprotocol}"
                )
            self.subprotocol = Subprotocol(socket.subprotocol)
            conversation = Conversation(self.subprotocol, self.endpoint, self._limits.graphql, self._payload)
            self._socket, self._conversation = socket, conversation
            try:
                conversation.begin(self._clock.now_ns())
                await self._serve(socket, conversation)
            except Unreachable as fault:
                raise fault_of_close(socket.close_code, fault) from fault
            finally:
                self._socket = self._conversation = None
                self._keys.clear()
                for answer in self._waiting.values():
                    if not answer.done():
                        answer.set_exception(Unreachable(f"{self.endpoint}: the connection was lost"))

    async def _serve(self, socket: Socket, conversation: Conversation) -> None:
        receiving: asyncio.Task[list[tuple[int, bytes]]] | None = None
        try:
            while True:
                self._flush()
                receiving = receiving or asyncio.ensure_future(socket.receive())
                await asyncio.wait((receiving,), timeout=_TICK_S)
                if receiving.done():
                    frames, receiving = receiving.result(), None
                    for recv_ns, frame in frames:
                        self._hear(conversation, frame, recv_ns)
                conversation.tick(self._clock.now_ns())
                self._begin_due()
        finally:
            if receiving is not None:
                receiving.cancel()

    def _hear(self, conversation: Conversation, frame: bytes, recv_ns: int) -> None:
        was_acknowledged = conversation.is_acknowledged
        for heard in conversation.hear(frame, recv_ns):
            match heard:
                case Next(operation, result, recv_ns):
                    if operation in self._waiting:
                        self._answer(operation, result)
                    elif operation in self._keys:
                        self._listener.on_result(self._keys[operation], result, recv_ns)
                case Ended(operation, fault):
                    self._over(operation, fault)
                case Unread(_, fault):
                    self._listener.on_fault(None, fault)
        if conversation.is_acknowledged and not was_acknowledged:
            self.breaker.succeeded()
            self.connection_count += 1
            self._begin_due()
            self._tell(HealthState.LIVE, str(conversation.subprotocol))

    def _answer(self, operation: str, result: bytes | Fault) -> None:
        answer = self._waiting[operation]
        if answer.done():
            return
        if isinstance(result, Fault):
            answer.set_exception(result)
        else:
            answer.set_result(result)

    def _over(self, operation: str, fault: Fault | None) -> None:
        """Take note of an operation's end: a subscription is begun again, unless it was refused."""
        if operation in self._waiting:
            self._answer(operation, fault or Unreachable(f"{self.endpoint}: the server ended a query"))
            return
        key = self._keys.pop(operation, None)
        if key is None:
            return
        fault = fault or Unreachable(f"{self.endpoint}: the server ended the subscription {key!r}")
        if isinstance(fault, Refused):
            del self._wanted[key]
        else:
            due_ns = self._clock.now_ns() + self._limits.resubscribe_ms * NS_PER_MS
            self._wanted[key] = self._wanted[key]._replace(due_ns=due_ns)
        self._listener.on_fault(key, fault)

    def _begin_due(self) -> None:
        conversation = self._conversation
        if conversation is None or not conversation.is_acknowledged:
            return
        now_ns, active = self._clock.now_ns(), set(self._keys.values())
        for key, subscription in self._wanted.items():
            if key not in active and subscription.due_ns <= now_ns:
                self._keys[conversation.ask(subscription.query)] = key
        self._flush()

    def _flush(self) -> None:
        if self._conversation is None or self._socket is None:
            return
        try:
            for frame in self._conversation.take_outgoing():
                self._socket.send(frame)
        except Unreachable:
            pass  # the reader finds the same end, and says why

    def _tell(self, state: HealthState, detail: str) -> None:
        self.state = state
        self._listener.on_state(self, state, detail)
