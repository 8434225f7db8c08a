"""How the sandbox talks to its own node: JSON-RPC over HTTP, many calls in one request."""

from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tidemill.schema.faults import Malformed, Refused, Unreachable


class RpcError(msgspec.Struct, frozen=True):
    """What the node says instead of a result."""

    code: int
    message: str


class Call(msgspec.Struct, frozen=True):
    """One method with its parameters."""

    method: str
    params: Sequence[Any] = ()


class _Reply(msgspec.Struct):
    id: int
    result: Any = None
    error: RpcError | None = None


_REPLIES = msgspec.json.Decoder(list[_Reply])


class Rpc:
    """A client of one node; use it as `async with Rpc(url) as rpc`."""

    def __init__(self, url: str, timeout_s: float = 60) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(timeout=self._timeout)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()
            self._http = None

    async def call(self, method: str, *params: Any) -> Any:
        """Return the result of one call.

        Raises: Refused where the node answers an error, Unreachable, Malformed.
        """
        return (await self.all([Call(method, params)]))[0]

    async def all(self, calls: Sequence[Call]) -> list[Any]:
        """Return the results of `calls`, in their order.

        Raises: Refused where the node answers any with an error, Unreachable, Malformed.
        """
        results = await self.each(calls)
        for call, result in zip(calls, results, strict=True):
            if isinstance(result, RpcError):
                raise Refused(f"{self._url} {call.method}: expected a result, found error {result.message}")
        return results

    async def each(self, calls: Sequence[Call]) -> list[Any]:
        """Return a result or an `RpcError` for each of `calls`, in their order; the node may run them in any.

        Raises: Unreachable, Malformed.
        """
        if not calls:
            return []
        body = [
            {"jsonrpc": "2.0", "id": index, "method": call.method, "params": call.params}
            for index, call in enumerate(calls)
        ]
        replies = await self._post(msgspec.json.encode(body))
        if sorted(reply.id for reply in replies) != list(range(len(calls))):
            raise Malformed(f"{self._url}: expected {len(calls)} replies by id, found {len(replies)}")
        ordered = sorted(replies, key=lambda reply: reply.id)
        return [reply.result if reply.error is None else reply.error for reply in ordered]

    async def _post(self, body: bytes) -> list[_Reply]:
        assert self._http is not None, "a client is used inside its `async with`"
        try:
            async with self._http.post(
                self._url, data=body, headers={"content-type": "application/json"}
            ) as response:
                answer = await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{self._url}: expected an answer, found {error!r}") from error
        try:
            return _REPLIES.decode(answer)
        except msgspec.DecodeError as error:
            raise Malformed(
                f"{self._url}: expected a list of JSON-RPC replies, found {answer[:200]!r}"
            ) from error
