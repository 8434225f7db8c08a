"""What every way of handing a signed transaction over promises, and what came of handing it over."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.chains.evm.answers import RpcError
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.execute.account.node_errors import Remedy, remedy_of
from tidemill.execute.account.transaction import Signed
from tidemill.schema.faults import Refused


class Blocks(Struct, frozen=True):
    """Which blocks may include a transaction."""

    first: int
    last: int


class Taken(Struct, frozen=True):
    """Whoever it was handed to has it."""


class NotTaken(Struct, frozen=True):
    """It was not taken, or nobody can say."""

    remedy: Remedy
    reason: str


class Submitter(ABC):
    """One way of handing a signed transaction over; the same bytes may be handed over again."""

    is_private = False
    """Whether only who builds blocks sees it: a node then knows nothing of it until it is included."""

    def __init__(self, http: HttpEndpoint) -> None:
        self._http = http

    @abstractmethod
    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        """Hand `signed` over for `blocks`; raise nothing for what the other side does."""

    async def _ask(
        self, method: str, params: list[Any], headers: Mapping[str, str] | None = None
    ) -> Taken | NotTaken:
        return await self._send(spelled(method, params), headers)

    async def _send(self, body: bytes, headers: Mapping[str, str] | None = None) -> Taken | NotTaken:
        answer = await self._http.post(body, headers)
        if isinstance(answer, HttpFailure):
            # A request that was denied did nothing; one without an answer may have done its work.
            remedy = Remedy.GIVE_UP if isinstance(answer.fault, Refused) else Remedy.UNCERTAIN
            return NotTaken(remedy, str(answer.fault))
        try:
            reply = _REPLY.decode(answer.body)
        except msgspec.DecodeError as error:
            return NotTaken(Remedy.UNCERTAIN, f"{self._http.endpoint}: expected an answer: {error}")
        if reply.error is None:
            return Taken()
        remedy = remedy_of(reply.error)
        if remedy == Remedy.WATCH:
            return Taken()
        return NotTaken(remedy, f"{self._http.endpoint}: {reply.error.code}: {reply.error.message[:300]}")


def spelled(method: str, params: list[Any]) -> bytes:
    """Return the body of one question."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


class _Reply(Struct, frozen=True):
    result: Any = None
    error: RpcError | None = None


_REPLY = msgspec.json.Decoder(_Reply)
