"""How much, and for how long, may a request send."""

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from tidemill.serve.asgi import Receive
from tidemill.serve.auth.config import LimitSettings
from tidemill.serve.auth.denial import Denied


def check_sizes(scope: Mapping[str, Any], limits: LimitSettings) -> None:
    """Raise Denied where the request says itself that it is too large."""
    query_bytes = len(scope.get("query_string", b""))
    if query_bytes > limits.query_bytes_max:
        raise Denied(
            HTTPStatus.REQUEST_URI_TOO_LONG,
            f"query: expected {limits.query_bytes_max} bytes at most, found {query_bytes}",
        )
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit() and int(value[:20]) > limits.body_bytes_max:
            raise _too_large(limits)


def limited(receive: Receive, limits: LimitSettings, deadline_s: float) -> Receive:
    """Return `receive` for one request, which raises Denied past the limit of bytes or, by the loop's clock,
    of time; once the body is there it waits as long as `receive` does.
    """
    read_bytes = 0
    is_whole = False

    async def receive_limited() -> Any:
        nonlocal read_bytes, is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(deadline_s):
                message = await receive()
        except TimeoutError:
            raise Denied(
                HTTPStatus.REQUEST_TIMEOUT, f"body: expected it whole within {limits.body_timeout_s:g} s"
            ) from None
        if message["type"] == "http.disconnect":
            raise Denied(HTTPStatus.BAD_REQUEST, "body: expected it whole, the connection ended before")
        read_bytes += len(message.get("body", b""))
        is_whole = not message.get("more_body", False)
        if read_bytes > limits.body_bytes_max:
            raise _too_large(limits)
        return message

    return receive_limited


def _too_large(limits: LimitSettings) -> Denied:
    return Denied(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"body: expected {limits.body_bytes_max} bytes at most, found more",
    )
