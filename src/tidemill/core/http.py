"""How is one JSON question asked over HTTP, and what does each way of failing mean."""

import asyncio
import re
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import aiohttp
import msgspec

from tidemill.core.clock import Clock
from tidemill.core.endpoint import redact_text, redact_url
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable

_DENIED = frozenset({401, 403, 404, 405, 410})
_BUSY = frozenset({408, 425, 429})
_READ_BYTES = 1 << 18


class HttpLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long an HTTP endpoint is waited for, and how much it may answer."""

    connect_timeout_ms: int = 5_000
    answer_timeout_ms: int = 30_000
    answer_bytes_max: int = 64 << 20
    """Of each connection's answer, all of which may be in memory at once; a question whose answer is larger
    is asked again in parts."""
    connections_max: int = 8


class HttpAnswer(msgspec.Struct, frozen=True):
    """The endpoint answered: the body, and when its last byte was read."""

    recv_ns: int
    body: bytes


class HttpFailure(msgspec.Struct, frozen=True):
    """The endpoint did not answer the question: why, when, and how long it asks to be left alone."""

    recv_ns: int
    fault: Fault
    retry_after_ms: int | None = None
    too_large: bool = False
    """The batch or its answer was too large: a smaller one may pass."""


class HttpEndpoint:
    """One endpoint that takes JSON, with its pool of connections; use it as an async context manager."""

    def __init__(
        self,
        url: str,
        clock: Clock,
        limits: HttpLimits | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._headers = {"Content-Type": "application/json", **(headers or {})}
        self.endpoint = redact_url(url)
        self._url = url
        self._clock = clock
        self._limits = limits or HttpLimits()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Make the pool; nothing is sent yet."""
        limits = self._limits
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limits.connections_max),
            timeout=aiohttp.ClientTimeout(
                total=limits.answer_timeout_ms / 1_000, sock_connect=limits.connect_timeout_ms / 1_000
            ),
            headers=self._headers,
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> HttpAnswer | HttpFailure:
        """Send one batch and return its answer, or the class of fault that came instead; raise nothing for
        it. `headers` are of this one alone.
        """
        return await self._ask("POST", self._url, body, headers)

    async def get(self, path: str) -> HttpAnswer | HttpFailure:
        """Ask for what is at `path`, which is added to the address, and return as `post` does."""
        return await self._ask("GET", f"{self._url}{path}", None)

    async def _ask(
        self, method: str, url: str, body: bytes | None, headers: Mapping[str, str] | None = None
    ) -> HttpAnswer | HttpFailure:
        assert self._session is not None, "use it as an async context manager"
        try:
            async with self._session.request(
                method, url, data=body, headers=headers, allow_redirects=False
            ) as response:
                return await self._read(response)
        except TimeoutError:
            return self._failure(
                Unreachable(f"{self.endpoint}: no answer within {self._limits.answer_timeout_ms} ms")
            )
        except (
            aiohttp.InvalidURL,
            aiohttp.NonHttpUrlClientError,
            UnicodeError,
        ):  # a label of over 63 letters
            return self._failure(Refused(f"{self.endpoint}: expected an http:// or https:// address"))
        except aiohttp.ClientPayloadError as error:
            return self._failure(Unreachable(f"{self.endpoint}: the answer broke off: {self._redact(error)}"))
        except (aiohttp.ClientError, OSError, asyncio.IncompleteReadError) as error:
            return self._failure(Unreachable(f"{self.endpoint}: {self._redact(error)}"))

    async def _read(self, response: aiohttp.ClientResponse) -> HttpAnswer | HttpFailure:
        status = response.status
        if status in _BUSY or status >= 500:
            wait_ms = _retry_after_ms(response.headers.get("Retry-After"))
            return self._failure(
                Unreachable(f"{self.endpoint}: answered HTTP {status}"), retry_after_ms=wait_ms
            )
        if status in _DENIED or 300 <= status < 400:
            return self._failure(Refused(f"{self.endpoint}: expected an answer, found HTTP {status}"))
        if status == 413:
            return self._failure(
                Unreachable(f"{self.endpoint}: the batch is too large (HTTP 413)"), too_large=True
            )
        parts: list[bytes] = []
        size_bytes = 0
        async for part in response.content.iter_chunked(_READ_BYTES):
            parts.append(part)
            size_bytes += len(part)
            if size_bytes > self._limits.answer_bytes_max:
                response.close()
                text = f"{self.endpoint}: the answer exceeds {self._limits.answer_bytes_max} bytes"
                return self._failure(Unreachable(text), too_large=True)
        body = b"".join(parts)
        if body.lstrip()[:1] not in (b"{", b"["):
            text = f"{self.endpoint}: expected JSON, found {body[:60]!r} (HTTP {status})"
            return self._failure(Malformed(text))
        return HttpAnswer(self._clock.now_ns(), body)

    def _failure(
        self, fault: Fault, *, retry_after_ms: int | None = None, too_large: bool = False
    ) -> HttpFailure:
        return HttpFailure(self._clock.now_ns(), fault, retry_after_ms, too_large)

    def _redact(self, error: Exception) -> str:
        return redact_text(str(error) or type(error).__name__, self._url)


def _retry_after_ms(header: str | None) -> int | None:
    wait_s = retry_after_s(header)
    return None if wait_s is None else min(wait_s, 3_600) * 1_000


def retry_after_s(header: str | None) -> int | None:
    """Return the wait that a Retry-After in seconds asks for; its date form is left to our own backoff."""
    digits = re.fullmatch(r"\s*([0-9]{1,9})\s*", header or "")
    return None if digits is None else int(digits[1])
