"""Who is asked where a chain's endpoint does not answer: its other ones, in their order."""

from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self

import msgspec
from typing_extensions import override

from tidemill.chains.evm.answers import RpcError
from tidemill.core.clock import Clock
from tidemill.core.http import HttpAnswer, HttpEndpoint, HttpFailure, HttpLimits
from tidemill.schema.faults import Refused, Unreachable


class _Reply(msgspec.Struct, frozen=True):
    result: object = None
    error: RpcError | None = None


_REPLY = msgspec.json.Decoder(_Reply)
_REPLIES = msgspec.json.Decoder(list[_Reply])
_CHAIN_ID = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'


class Endpoints(HttpEndpoint):
    """A chain's endpoints as one: whoever answered last is asked first, then the others in turn.

    The same bytes go to the next one, a signed transaction's too: it is included once only, whoever has it.
    Answers to one question may be of a node that is behind another; whoever asks reads a state by its block's
    hash. A further endpoint is asked only once it has said that it is of this chain.
    """

    def __init__(
        self, urls: Sequence[str], clock: Clock, limits: HttpLimits | None = None, *, chain_id: int
    ) -> None:
        """`urls`: at least one."""
        super().__init__(urls[0], clock, limits)
        self._others = [HttpEndpoint(url, clock, limits) for url in urls[1:]]
        self._chain_id = chain_id
        self._checked: set[int] = set()
        """Of the others: those that said which chain they are of. The first one's is asked by its users."""
        self._first = 0

    @override
    async def __aenter__(self) -> Self:
        """Make the pools; nothing is sent yet."""
        await super().__aenter__()
        for other in self._others:
            await other.__aenter__()
        return self

    @override
    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        for other in self._others:
            await other.__aexit__(kind, error, trace)
        await super().__aexit__(kind, error, trace)

    @override
    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer | HttpFailure:
        """Return the answer of the first endpoint that gives one; where none does, why not.

        Of several failures one that leaves open whether the request did its work is told before one that does
        not.
        """
        failures: list[HttpFailure] = []
        busy: HttpAnswer | None = None
        count = len(self._others) + 1
        for place in [(self._first + step) % count for step in range(count)]:
            answer = await self._checked_post(place, body, headers)
            if isinstance(answer, HttpFailure):
                failures.append(answer)
            elif _is_busy(answer.body):
                busy = busy or answer
            else:
                self._first = place
                return answer
        open_ones = [one for one in failures if isinstance(one.fault, Unreachable)]
        return busy or (open_ones or failures)[0]

    async def _checked_post(
        self, place: int, body: bytes, headers: Mapping[str, str] | None
    ) -> HttpAnswer | HttpFailure:
        if place == 0:
            return await super().post(body, headers)
        other = self._others[place - 1]
        if place not in self._checked:
            said = await other.post(_CHAIN_ID)
            if isinstance(said, HttpFailure):
                return said
            fault = _other_chain(other.endpoint, said.body, self._chain_id)
            if fault is not None:
                return HttpFailure(said.recv_ns, fault)
            self._checked.add(place)
        return await other.post(body, headers)


def _other_chain(endpoint: str, body: bytes, chain_id: int) -> Refused | None:
    try:
        told = _REPLY.decode(body).result
    except msgspec.DecodeError:
        told = None
    if told == hex(chain_id):
        return None
    return Refused(f"{endpoint}: expected chain {chain_id}, found one that says {told!r:.40}")


def _is_busy(body: bytes) -> bool:
    """Say whether the endpoint had too many questions to answer all of a batch.

    What a single question is answered, as a transaction that is handed over, is passed on as it is.
    """
    if not body.lstrip().startswith(b"[") or b'"error"' not in body:
        return False
    try:
        replies = _REPLIES.decode(body)
    except msgspec.DecodeError:
        return False
    return any(reply.error is not None and reply.error.is_busy for reply in replies)
