"""What is a route of alerts, and what do the answers of those that go over HTTP mean."""

from http import HTTPStatus
from typing import Protocol

import aiohttp

from tidemill.schema.faults import Refused, Unreachable
from tidemill.serve.alerting.notice import Notice

_BUSY = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})
_TIMEOUT = aiohttp.ClientTimeout(total=10)
_SHOWN_CHARS = 200


class AlertRoute(Protocol):
    """Tells people."""

    async def send(self, notice: Notice, now_ns: int) -> None:
        """Tell it. Raises: Unreachable, where it is to be tried again; Refused, where that would not help."""
        ...


async def ask(method: str, url: str, where: str, **request: object) -> None:
    """Make one request; `where` names its receiver (the URL may be secret). Raises: Unreachable, Refused."""
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.request(method, url, allow_redirects=False, **request) as answer,  # pyright: ignore[reportArgumentType]
        ):
            status, said = answer.status, (await answer.text(errors="replace"))[:_SHOWN_CHARS]
    except (aiohttp.ClientError, TimeoutError) as fault:
        raise Unreachable(f"{where}: expected an answer within 10 s: {type(fault).__name__}") from None
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return
    message = f"{where}: expected status 200 to 299, found {status}: {said}"
    raise (Unreachable if status in _BUSY or status >= HTTPStatus.INTERNAL_SERVER_ERROR else Refused)(message)
