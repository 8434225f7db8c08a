"""How the honest node is reached: whole answers over HTTP, sockets as they are, and questions of our own."""

from types import TracebackType
from typing import Any, Self

import aiohttp
import msgspec

from tidemill.core.endpoint import redact_text, redact_url
from tidemill.schema.faults import Malformed, Refused, Unreachable

_TIMEOUT_S = 60
_NUMBERS_KEPT_MAX = 100_000


class Upstream:
    """The endpoint behind the proxy; use it as `async with Upstream(http_url, ws_url) as upstream`."""

    def __init__(self, http_url: str | None, ws_url: str | None) -> None:
        if http_url is None and ws_url is None:
            raise Refused("fault proxy: expected an HTTP or a WebSocket endpoint, found none")
        self._http_url = http_url
        self._ws_url = ws_url
        self._numbers: dict[str, int] = {}

    async def __aenter__(self) -> Self:
        """Connect when first asked."""
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            skip_auto_headers=("Accept-Encoding", "User-Agent"),
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close what is open."""
        await self._session.close()

    async def post(self, body: bytes) -> tuple[int, str, bytes]:
        """Return status, content type and body of the node's answer.

        Raises: Unreachable, Refused where there is no HTTP endpoint.
        """
        if self._http_url is None:
            raise Refused(
                "fault proxy: expected a WebSocket, found a request over HTTP; no such endpoint is known"
            )
        try:
            async with self._session.post(
                self._http_url, data=body, headers={"content-type": "application/json"}
            ) as response:
                kind = response.headers.get("content-type", "application/json")
                return response.status, kind, await response.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(self._http_url, "an answer", error) from error

    async def connect(self) -> aiohttp.ClientWebSocketResponse[bool]:
        """Open a socket whose text comes as bytes.

        Raises: Unreachable, Refused where there is no WebSocket endpoint.
        """
        if self._ws_url is None:
            raise Refused("fault proxy: expected HTTP, found a WebSocket: no WebSocket endpoint is known")
        try:
            return await self._session.ws_connect(self._ws_url, max_msg_size=0, decode_text=False)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _unreachable(self._ws_url, "a WebSocket", error) from error

    async def newest(self) -> int:
        """Return the number of the newest block.

        Raises: Unreachable, Malformed.
        """
        result = await self._ask("eth_blockNumber")
        try:
            return int(result, 16)
        except (TypeError, ValueError) as error:
            raise Malformed(f"eth_blockNumber: expected a number in hex, found {result!r}") from error

    async def number_of(self, block_hash: str) -> int | None:
        """Return the number of a block, None where the node does not know it.

        Raises: Unreachable, Malformed.
        """
        if block_hash not in self._numbers:
            match await self._ask("eth_getBlockByHash", block_hash, False):
                case {"number": str(number)}:
                    if len(self._numbers) >= _NUMBERS_KEPT_MAX:
                        self._numbers.clear()
                    self._numbers[block_hash] = int(number, 16)
                case _:
                    return None
        return self._numbers[block_hash]

    async def _ask(self, method: str, *params: Any) -> Any:
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        if self._http_url is not None:
            _, _, answer = await self.post(body)
        else:
            socket = await self.connect()
            async with socket:
                await socket.send_bytes(body)
                answer = (await socket.receive(_TIMEOUT_S)).data
        try:
            return msgspec.json.decode(answer).get("result")
        except (msgspec.DecodeError, AttributeError, TypeError) as error:
            raise Malformed(f"{method}: expected a JSON-RPC answer, found {answer[:200]!r}") from error


def _unreachable(url: str, expected: str, error: Exception) -> Unreachable:
    return Unreachable(f"{redact_url(url)}: expected {expected}, found {redact_text(repr(error), url)}")
