"""Write points to a server that takes line protocol, as often as it takes and no oftener than it asks."""

import asyncio
import gzip
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

import aiohttp
from msgspec import Struct

from tidemill.bus.base import Batches
from tidemill.core.endpoint import redact_text, redact_url
from tidemill.core.http import retry_after_s
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable
from tidemill.store.line_protocol.encoding import Value, lines_of, point
from tidemill.store.line_protocol_config import InfluxSettings

_BUSY = frozenset({408, 425, 429})
_WRONG_POINTS = frozenset({400, 422})
_RETRY_AFTER_MAX_S = 300
_SHOWN_CHARS = 300


class PointCounts(Struct):
    """What became of points since the start."""

    written: int = 0
    left_out: int = 0
    """Those that line protocol cannot carry, and those of requests that the server found wrong."""
    requests: int = 0
    """Sent, whatever came of them."""


class LineStore:
    """Writes batches of events, and what the metrics say; a `Sink` of a `Tail`.

    A point that is sent twice is there once: its tags and time are the same. Use it as an async context
    manager. Raises: Refused, where the settings have no address.
    """

    def __init__(self, settings: InfluxSettings, on_fault: Callable[[Fault], None] = lambda _: None) -> None:
        """Make one; `on_fault` is told what is left out and why."""
        if settings.url is None or not settings.url.startswith(("http://", "https://")):
            raise Refused(
                f"influxdb.url: expected http:// or https://, found {redact_url(settings.url or '')!r}"
            )
        if settings.token is not None and not settings.token.isprintable():
            raise Refused("influxdb.token: expected one line of text, found control characters")
        self.counts = PointCounts()
        """Read it, never change it."""
        self.name = f"influxdb {redact_url(settings.url)}"
        self._settings = settings
        self._base = settings.url.rstrip("/")
        self._on_fault = on_fault
        self._free_s = 0.0
        """When the server wants to be asked again, in the loop's time."""
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Make the pool of connections; nothing is sent yet."""
        timeout = aiohttp.ClientTimeout(total=self._settings.timeout_ms / 1_000)
        self._session = aiohttp.ClientSession(timeout=timeout, headers=_headers(self._settings))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def put(self, batches: Batches) -> None:
        """Write a point for each row. Raises: Unreachable, where all may be sent again; Refused."""
        lines: list[bytes] = []
        for topic, batch in batches:
            found = lines_of(topic, batch)
            lines += found.lines
            if found.faults:
                self._leave_out(found.faults[0], len(found.faults))
        size = self._settings.batch_size
        for at in range(0, len(lines), size):
            await self._write(lines[at : at + size])

    async def check(self) -> None:
        """Ask whether it would take points; none is written. Raises: Unreachable, Refused."""
        await self._write([])

    async def put_metrics(self, tags: Mapping[str, str], fields: Mapping[str, Value], time_ns: int) -> None:
        """Write one point of the measurement `pipeline`. Raises: Unreachable, Refused, Malformed."""
        await self._write([point("pipeline", tags, fields, time_ns)])

    async def _write(self, lines: Sequence[bytes]) -> None:
        loop = asyncio.get_running_loop()
        if (wait_s := self._free_s - loop.time()) > 0:
            await asyncio.sleep(wait_s)
        status, said, retry_after_s = await self._post(b"\n".join(lines))
        if status < 300:
            self.counts.written += len(lines)
        elif status == 413 and len(lines) > 1:
            middle = len(lines) // 2
            await self._write(lines[:middle])
            await self._write(lines[middle:])
        elif status in _BUSY or status >= 500:
            self._free_s = loop.time() + retry_after_s
            raise Unreachable(f"{self.name}: answered HTTP {status}: {said}")
        elif status in _WRONG_POINTS or status == 413:
            # the server takes those that are right, and says which are not
            self._leave_out(Malformed(f"{self.name}: expected all points to be taken: {said}"), len(lines))
        elif status in {401, 403}:
            raise Refused(
                f"{self.name}: expected its token to open it, found HTTP {status}: {said};"
                " correct influxdb.token (INFLUXDB_TOKEN)"
            )
        else:
            raise Refused(
                f"{self.name}: expected HTTP 204, found {status}: {said}; are influxdb.org, influxdb.bucket"
                f" and influxdb.api as the server has them?"
            )

    async def _post(self, body: bytes) -> tuple[int, str, float]:
        """Return status, what was said, and how long the server wants to be left alone, s."""
        assert self._session is not None, "use it as an async context manager"
        settings = self._settings
        if settings.is_compressed:
            body = gzip.compress(body, compresslevel=1)
        path, params = _target(settings)
        self.counts.requests += 1
        try:
            async with self._session.post(
                f"{self._base}{path}", params=params, data=body, allow_redirects=False
            ) as answer:
                said = (await answer.content.read(_SHOWN_CHARS)).decode(errors="replace").strip()
                shown = redact_text(said or answer.reason or "nothing", self._base)
                return answer.status, shown, _wait_s(answer.headers.get("Retry-After"))
        except TimeoutError:
            raise Unreachable(f"{self.name}: no answer within {settings.timeout_ms} ms") from None
        except (aiohttp.InvalidURL, UnicodeError):  # a label of over 63 letters
            raise Refused(f"{self.name}: expected the address of a server in influxdb.url") from None
        except (aiohttp.ClientError, OSError) as error:
            said = redact_text(str(error) or type(error).__name__, self._base)
            raise Unreachable(f"{self.name}: {said}") from None

    def _leave_out(self, fault: Malformed, count: int) -> None:
        self.counts.left_out += count
        self._on_fault(fault)


def _target(settings: InfluxSettings) -> tuple[str, dict[str, str]]:
    if settings.api == "v1":
        return "/write", {"db": settings.bucket, "precision": "ns"}
    return "/api/v2/write", {"org": settings.org, "bucket": settings.bucket, "precision": "ns"}


def _headers(settings: InfluxSettings) -> dict[str, str]:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    if settings.is_compressed:
        headers["Content-Encoding"] = "gzip"
    if settings.token:
        basic = f"Basic {b64encode(settings.token.encode()).decode()}"
        headers["Authorization"] = basic if settings.api == "v1" else f"Token {settings.token}"
    return headers


def _wait_s(header: str | None) -> float:
    return min(float(retry_after_s(header) or 0), _RETRY_AFTER_MAX_S)
