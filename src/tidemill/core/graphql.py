"""What is said, and heard, in a GraphQL conversation over a WebSocket: a pure machine for both subprotocols.

Both do the same with other words: `graphql-transport-ws` (npm `graphql-ws`) and the older `graphql-ws` (npm
`subscriptions-transport-ws`). The server chooses.

Source: enisdenjo/graphql-ws, PROTOCOL.md; apollographql/subscriptions-transport-ws, PROTOCOL.md.
"""

from collections import deque
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from tidemill.core.clock import NS_PER_MS
from tidemill.core.expectation import Expectation, ExpectationLimits
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable

Milliseconds = Annotated[int, Meta(ge=1, le=86_400_000)]
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What bytes that are no JSON of the shape we want make the decoder raise."""
_FORGOTTEN_MAX = 4_096
"""So many operations that were ended are remembered: what still comes of one is passed over."""


class Subprotocol(StrEnum):
    """The two ways to speak GraphQL over a WebSocket, by their names in the handshake."""

    TRANSPORT_WS = "graphql-transport-ws"
    LEGACY = "graphql-ws"


class GraphqlLimits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long a GraphQL server is waited for."""

    acknowledge_timeout_ms: Milliseconds = 5_000
    """How long it may take to accept the conversation; servers give up theirs after 3 s."""
    silence_ms: Milliseconds = 2_500
    """A server that says nothing for so long, or for 1.5 times its usual interval where that is longer, is
    asked whether it lives.
    """
    probe_timeout_ms: Milliseconds = 2_000
    """How long that answer may take."""


class Next(Struct, frozen=True):
    """An operation gave a result."""

    operation: str
    result: bytes
    """The result's JSON: data, errors, or both."""
    recv_ns: int


class Ended(Struct, frozen=True):
    """An operation is over; `fault` says why where it did not end by itself."""

    operation: str
    fault: Fault | None = None


class Unread(Struct, frozen=True):
    """A frame that could not be read; the conversation goes on."""

    frame: bytes
    fault: Malformed


Heard = Next | Ended | Unread


class _Frame(Struct):
    type: str
    id: str | None = None
    payload: msgspec.Raw = msgspec.Raw(b"null")


class _Error(Struct):
    message: str = "no message"


class _Result(Struct):
    data: msgspec.Raw = msgspec.Raw(b"null")
    errors: list[_Error] | None = None


_decode_frame = msgspec.json.Decoder(_Frame).decode
_decode_result = msgspec.json.Decoder(_Result).decode

_REFUSALS = (
    "auth error",
    "api key",
    "payment required",
    "subgraph not found",
    "has no field",
    "unauthorized",
)
"""What a server's message has in it, in small letters, where asking again would be told the same."""
FATAL_CLOSES = {
    4400: "it found a message of ours invalid",
    4401: "it wants another authorization",
    4403: "it denies access",
    4406: "it takes no subprotocol of ours",
}
"""Close codes after which a new connection would be closed for the same reason."""
_FATAL = frozenset(FATAL_CLOSES)


def request_of(query: str) -> bytes:
    """Return the body of a POST that asks `query`."""
    return msgspec.json.encode({"query": query})


def data_of(result: bytes, where: str) -> msgspec.Raw:
    """Return what a result's `data` holds, as JSON; a result with any error counts for nothing, for what is
    missing in it cannot be told from what is not there.

    Raises: Malformed; Refused or Unreachable, as the server's first error says.
    """
    try:
        found = _decode_result(result)
    except _UNREADABLE as error:
        raise Malformed(
            f"{where}: expected a GraphQL result, found {bytes(result[:80])!r} ({error})"
        ) from error
    if found.errors:
        raise fault_of(found.errors[0].message, where)
    if bytes(found.data) == b"null":
        raise Malformed(f"{where}: expected data or errors, found neither")
    return found.data


def fault_of(message: str, where: str) -> Fault:
    """Return the fault that a server's error message means."""
    kind = Refused if any(part in message.lower() for part in _REFUSALS) else Unreachable
    return kind(f"{where}: the server answered: {message[:300]}")


def fault_of_close(code: int | None, fault: Fault) -> Fault:
    """Return what the end of a connection means: `fault`, or Refused where the close code says so."""
    if code not in _FATAL:
        return fault
    return Refused(f"{fault}: {FATAL_CLOSES[code]}")


class Conversation:
    """One connection's conversation: give it frames and the time, send what it has to say."""

    def __init__(
        self, subprotocol: Subprotocol, where: str, limits: GraphqlLimits, payload: Any = None
    ) -> None:
        self.is_acknowledged = False
        self.subprotocol = subprotocol
        self._where = where
        self._limits = limits
        self._payload = payload
        self._outgoing: list[bytes] = []
        self._queries: dict[str, str] = {}
        self._forgotten: deque[str] = deque(maxlen=_FORGOTTEN_MAX)
        self._begun_ns = 0
        self._probed_ns: int | None = None
        self._last_number = 0
        self._expectation = Expectation(ExpectationLimits(silence_min_ms=limits.silence_ms))

    @property
    def operations(self) -> tuple[str, ...]:
        """The operations that are not over."""
        return tuple(self._queries)

    def take_outgoing(self) -> list[bytes]:
        """Return the frames to send, in order; each is returned once."""
        outgoing, self._outgoing = self._outgoing, []
        return outgoing

    def begin(self, now_ns: int) -> None:
        """Open the conversation."""
        self._begun_ns = now_ns
        self._say("connection_init", payload=self._payload)

    def ask(self, query: str) -> str:
        """Begin an operation, at the latest when the server has accepted; return its name."""
        self._last_number += 1
        operation = str(self._last_number)
        self._queries[operation] = query
        if self.is_acknowledged:
            self._start(operation)
        return operation

    def end(self, operation: str) -> None:
        """End an operation; where it is over already, nothing happens."""
        if self._queries.pop(operation, None) is None:
            return
        self._forgotten.append(operation)
        if self.is_acknowledged:
            self._say("complete" if self._is_modern else "stop", operation)

    def tick(self, now_ns: int) -> None:
        """Look into silences.

        Raises: Unreachable, where the server does not accept in time, or is dead.
        """
        if not self.is_acknowledged:
            if now_ns - self._begun_ns > self._limits.acknowledge_timeout_ms * NS_PER_MS:
                raise Unreachable(
                    f"{self._where}: expected connection_ack within {self._limits.acknowledge_timeout_ms} ms"
                )
            return
        if self._probed_ns is not None:
            if now_ns - self._probed_ns > self._limits.probe_timeout_ms * NS_PER_MS:
                silent_ms = self._expectation.silent_ns(now_ns) // NS_PER_MS
                raise Unreachable(f"{self._where}: silent for {silent_ms} ms, and no answer to a question")
        elif self._expectation.is_due(now_ns):
            self._probed_ns = now_ns
            self._probe()

    def hear(self, frame: bytes, recv_ns: int) -> Iterator[Heard]:
        """Yield what a frame means for the operations.

        Raises: Refused, where the server does not accept the conversation.
        """
        try:
            said = _decode_frame(frame)
        except _UNREADABLE as error:
            yield Unread(frame, self._malformed(f"a GraphQL message, found {frame[:80]!r} ({error})"))
            return
        self._probed_ns = None  # whoever speaks lives
        self._expectation.heard(recv_ns)
        try:
            yield from self._heard(said, recv_ns)
        except Malformed as fault:
            yield Unread(frame, fault)

    def _heard(self, said: _Frame, recv_ns: int) -> Iterator[Heard]:
        match said.type:
            case "connection_ack" if not self.is_acknowledged:
                self.is_acknowledged = True
                self._expectation.begin(recv_ns)
                for operation in self._queries:
                    self._start(operation)
            case "connection_error" if not self._is_modern:
                raise Refused(f"{self._where}: the server refused: {bytes(said.payload)[:200]!r}")
            case "ping" if self._is_modern:
                self._say("pong")
            case "pong" | "connection_ack" if self._is_modern:
                pass
            case "ka" | "connection_ack" if not self._is_modern:
                pass
            case "next" | "data" if self.is_acknowledged and (said.type == "next") is self._is_modern:
                if self._is_active(said):
                    yield Next(said.id or "", bytes(said.payload), recv_ns)
            case "complete":
                if self._is_active(said):
                    yield self._over(said, None)
            case "error":
                if self._is_active(said):
                    yield self._over(said, fault_of(_message_of(said.payload), self._where))
            case _:
                raise self._malformed(f"a message of {self.subprotocol}, found type {said.type[:40]!r}")

    @property
    def _is_modern(self) -> bool:
        return self.subprotocol is Subprotocol.TRANSPORT_WS

    def _is_active(self, said: _Frame) -> bool:
        """Say whether a message is of an operation that is not over.

        Raises: Malformed, where it names an operation that never was.
        """
        if said.id in self._queries:
            return True
        if said.id in self._forgotten:
            return False
        raise self._malformed(f"the id of an operation, found {said.id!r}")

    def _over(self, said: _Frame, fault: Fault | None) -> Ended:
        operation = said.id or ""
        del self._queries[operation]
        self._forgotten.append(operation)
        return Ended(operation, fault)

    def _probe(self) -> None:
        """Ask something that any living server answers: the older subprotocol has no ping."""
        if self._is_modern:
            self._say("ping")
        else:
            self._last_number += 1
            operation = str(self._last_number)
            self._forgotten.append(operation)
            self._say("start", operation, {"query": "{ __typename }"})

    def _start(self, operation: str) -> None:
        payload = {"query": self._queries[operation]}
        self._say("subscribe" if self._is_modern else "start", operation, payload)

    def _say(self, kind: str, operation: str | None = None, payload: Any = None) -> None:
        message: dict[str, Any] = {"type": kind}
        if operation is not None:
            message["id"] = operation
        if payload is not None:
            message["payload"] = payload
        self._outgoing.append(msgspec.json.encode(message))

    def _malformed(self, expected: str) -> Malformed:
        return Malformed(f"{self._where}: expected {expected}")


def _message_of(payload: msgspec.Raw) -> str:
    """Return the message of an error: one error, or the first of several."""
    readers: tuple[Callable[[], str], ...] = (
        lambda: msgspec.json.decode(payload, type=list[_Error])[0].message,
        lambda: msgspec.json.decode(payload, type=_Error).message,
    )
    for read in readers:
        try:
            return read()
        except (*_UNREADABLE, IndexError):
            continue
    return repr(bytes(payload)[:200])
