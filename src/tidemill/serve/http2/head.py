"""What does the head of an HTTP/2 request ask, as ASGI spells it?"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import httptools

from tidemill.serve.asgi import Scope

_CONNECTION_ALONE = frozenset(
    (b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade")
)
"""What an answer over HTTP/1.1 says of its connection, and none over HTTP/2 may. Source: RFC 9113, 8.2.2."""

Header = tuple[bytes, bytes]
Head = Sequence[tuple[Any, Any]]
"""The library's; of bytes, as it is asked for them."""


class BadHead(Exception):
    """It is framed as it should be, and asks nothing that can be answered."""


def head_bytes(head: Head) -> int:
    """Return how much of a request's line and headers there is."""
    return sum(len(name) + len(value) for name, value in head)


def asked_by(head: Head) -> Scope:
    """Return what a request's head adds to the scope of its connection. Raises: BadHead."""
    named = {name: value for name, value in head if name.startswith(b":")}
    headers = [(name, value) for name, value in head if not name.startswith(b":")]
    if b":authority" in named:  # where both are said, h2 has checked that they are the same
        headers = [(b"host", named[b":authority"]), *(one for one in headers if one[0] != b"host")]
    try:  # as uvicorn reads the line of an HTTP/1.1 request, so that both are asked the same
        url = httptools.parse_url(named.get(b":path", b""))
        method = named[b":method"].decode("ascii")
        path = (url.path or b"").decode("ascii")
    except (httptools.HttpParserInvalidURLError, UnicodeDecodeError):
        raise BadHead from None
    return {
        "method": method,
        "path": unquote(path) if "%" in path else path,
        "raw_path": url.path or b"",
        "query_string": url.query or b"",
        "headers": headers,
    }


def told_head(status: int, headers: Sequence[Header]) -> list[Header]:
    """Return the head of an answer."""
    kept = ((name.lower(), value) for name, value in headers)
    return [(b":status", str(status).encode()), *(one for one in kept if one[0] not in _CONNECTION_ALONE)]
