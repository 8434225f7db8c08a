"""What does a client ask: its calls read, some answered without the node, and answers put together again."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tidemill.sandbox.faults.scenario import Scenario

_ENCODER = msgspec.json.Encoder()
_NULL = Raw(b"null")
_UNKNOWN_METHOD = -32601
TOO_MANY_REQUESTS = -32005


class Call(Struct):
    """One JSON-RPC request; the id is kept as it was written."""

    method: str = ""
    id: Raw = _NULL
    params: Any = msgspec.field(default_factory=list[Any])
    jsonrpc: str = "2.0"


_BODY = msgspec.json.Decoder(Call | list[Call])
_REPLIES = msgspec.json.Decoder(list[Raw])


class Asked(Struct, frozen=True):
    """What becomes of one request, or of one batch of them."""

    forward: bytes | None
    """For the node; None: nothing."""
    answers: Sequence[bytes] = ()
    """Given without the node."""
    is_batch: bool = False
    is_refused: bool = False
    """All of it, for there were too many."""

    def joined(self, answer: bytes | None) -> bytes:
        """Return the node's answer and ours as the one that the client waits for."""
        if not self.answers:
            return answer or b""
        if not self.is_batch:
            return self.answers[0]
        try:
            replies = [] if answer is None else list(_REPLIES.decode(answer))
        except msgspec.DecodeError:
            replies = []
        return _ENCODER.encode([*replies, *map(Raw, self.answers)])


def read_calls(body: bytes) -> tuple[list[Call], bool] | None:
    """Return the calls of a request and whether they are a batch; None where it is not JSON-RPC."""
    try:
        decoded = _BODY.decode(body)
    except msgspec.DecodeError:
        return None
    return (decoded, True) if isinstance(decoded, list) else ([decoded], False)


def method_of(body: bytes) -> str | None:
    """Return the method of a request, joined by commas where they are several; None where there is none."""
    calls = read_calls(body)
    return ",".join(dict.fromkeys(call.method for call in calls[0])) if calls else None


def write_calls(calls: Sequence[Call], *, is_batch: bool) -> bytes | None:
    """Return the request with these calls; None where there are none."""
    if not calls:
        return None
    return _ENCODER.encode(calls if is_batch else calls[0])


def answer(call: Call, result: Any) -> bytes:
    """Return the answer to a call."""
    return _ENCODER.encode({"jsonrpc": "2.0", "id": call.id, "result": result})


def refusal(call: Call, code: int, message: str) -> bytes:
    """Return an error as the answer to a call."""
    return _ENCODER.encode({"jsonrpc": "2.0", "id": call.id, "error": {"code": code, "message": message}})


def without_node(call: Call, scenario: Scenario) -> tuple[str, bytes] | None:
    """Return the kind of fault and the answer where the node is not to be asked."""
    if call.method in (scenario.no_method or ()):
        message = f"the method {call.method} does not exist/is not available"
        return "no_method", refusal(call, _UNKNOWN_METHOD, message)
    if scenario.wrong_chain is not None:
        if call.method == "eth_chainId":
            return "wrong_chain", answer(call, hex(scenario.wrong_chain))
        if call.method == "net_version":
            return "wrong_chain", answer(call, str(scenario.wrong_chain))
    return None


class Bucket:
    """How many requests are still allowed: `per_s` at once, refilled as time passes."""

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        self._left = float(per_s)
        self._then_ns: int | None = None

    def take(self, count: int, now_ns: int) -> bool:
        """Take `count` if they are there; a batch larger than the bucket never is."""
        if self._then_ns is not None:
            refill = (now_ns - self._then_ns) * self._per_s / 1e9
            self._left = min(float(self._per_s), self._left + max(0.0, refill))
        self._then_ns = now_ns
        if count > self._left:
            return False
        self._left -= count
        return True
