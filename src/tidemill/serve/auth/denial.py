"""Why is a request turned away, and what is it told."""

from collections.abc import Iterable
from http import HTTPStatus

import msgspec

from tidemill.serve.answers import FaultAnswer

Header = tuple[bytes, bytes]
_POLICY_VIOLATION, _TRY_LATER = 1008, 1013


class Denied(Exception):
    """A request is turned away before its route sees it."""

    def __init__(self, status: HTTPStatus, message: str, headers: Iterable[Header] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.headers = tuple(headers)

    @property
    def body(self) -> bytes:
        """What is answered: the fault's class is its remedy."""
        later = self.status in {HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS}
        return msgspec.json.encode(FaultAnswer("Unreachable" if later else "Refused", str(self)))

    @property
    def close_code(self) -> int:
        """What closes a WebSocket that is open, for the same reason."""
        return _TRY_LATER if self.status is HTTPStatus.TOO_MANY_REQUESTS else _POLICY_VIOLATION


def unknown_caller(message: str) -> Denied:
    """Return the denial of who did not say who they are, or not so that it can be believed."""
    return Denied(HTTPStatus.UNAUTHORIZED, message, [(b"www-authenticate", b'Bearer realm="tidemill"')])
