"""How is a node asked many things at once, and what did it say to each?"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.schema.faults import Malformed

_CALLS_A_REQUEST = 100
"""Nodes' own limits begin above this."""

Question = tuple[str, Sequence[Any]]
"""A method and its parameters."""


class Said(Struct, frozen=True):
    """A node's error, with the bytes of a revert where it tells them."""

    code: int
    message: str
    data: Any = None

    @property
    def error(self) -> RpcError:
        """The error, by which its remedy is found."""
        return RpcError(self.code, self.message)

    @property
    def revert(self) -> bytes | None:
        """What the contract reverted with; None where this is no revert."""
        if not self.error.is_reverted:
            return None
        # Some wrap the bytes.
        inner = self.data.get("data") if isinstance(self.data, dict) else self.data
        text = inner if isinstance(inner, str) else "0x"
        try:
            return bytes.fromhex(text.removeprefix("Reverted ").removeprefix("0x"))
        except ValueError:
            return b""


class _Reply(Struct, frozen=True):
    id: int
    result: Any = None
    error: Said | None = None


_REPLIES = msgspec.json.Decoder(list[_Reply])


async def ask_each(http: HttpEndpoint, questions: Sequence[Question]) -> list[Any]:
    """Return a result or a `Said` for each question, in order.

    Raises: Unreachable, Refused, Malformed where the node does not answer at all.
    """
    found: list[Any] = []
    for start in range(0, len(questions), _CALLS_A_REQUEST):
        found += await _ask_part(http, questions[start : start + _CALLS_A_REQUEST])
    return found


async def ask(http: HttpEndpoint, questions: Sequence[Question]) -> list[Any]:
    """Return the result of each question, in order.

    Raises: as `ask_each`; Refused, Gap or Unreachable where the node answers any with an error.
    """
    found = await ask_each(http, questions)
    for (method, _), result in zip(questions, found, strict=True):
        if isinstance(result, Said):
            raise fault_of(result.error, f"{http.endpoint} {method}")
    return found


async def _ask_part(http: HttpEndpoint, questions: Sequence[Question]) -> list[Any]:
    body = [
        {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        for number, (method, params) in enumerate(questions)
    ]
    answer = await http.post(msgspec.json.encode(body))
    if isinstance(answer, HttpFailure):
        raise answer.fault
    try:
        replies = _REPLIES.decode(answer.body)
    except msgspec.DecodeError as error:
        raise Malformed(f"{http.endpoint}: expected a list of answers, found: {error}") from error
    by_id = {reply.id: reply for reply in replies}
    if set(by_id) != set(range(len(questions))) or len(replies) != len(questions):
        raise Malformed(f"{http.endpoint}: expected {len(questions)} answers by id, found {len(replies)}")
    return [by_id[number].error or by_id[number].result for number in range(len(questions))]
