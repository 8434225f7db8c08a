"""Who says this request that it comes from, and is that so."""

import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

from tidemill.serve.auth.api_key import PREFIX
from tidemill.serve.auth.caller import By, Caller
from tidemill.serve.auth.denial import Denied, unknown_caller
from tidemill.serve.auth.key_ring import KeyRing
from tidemill.serve.auth.tickets import Tickets
from tidemill.serve.auth.tokens import TokenKeys

Scope = Mapping[str, Any]
_TICKET = b"ticket="
_SECRET = re.compile(rb"tidemill_[0-9a-f]{12}_|\beyJ[\w-]{8,}\.[\w-]{8,}")
"""The beginning of a key, or of a signed token, whatever the parameter is called."""
_NOTHING_SHOWN = (
    "expected `Authorization: Bearer …` with an API key or a token, or `X-API-Key`, found neither;"
    " `tidemill keys create` makes a key"
)


class Moment(NamedTuple):
    """Now, twice: what is agreed on with others, and what never jumps."""

    now_s: float
    """Since 1970."""
    monotonic_s: float


class Credentials:
    """Whoever can be known."""

    def __init__(self, keys: KeyRing, tokens: TokenKeys, tickets: Tickets) -> None:
        self._keys = keys
        self._tokens = tokens
        self._tickets = tickets

    async def caller(self, scope: Scope, at: Moment, *, is_stream: bool) -> Caller:
        """Return who calls; a stream may be opened by a ticket. Raises: Denied."""
        shown = list(_shown(scope, is_stream=is_stream))
        if len(shown) > 1:
            raise Denied(HTTPStatus.BAD_REQUEST, "expected one key, token or ticket, found several")
        if not shown:
            raise unknown_caller(_NOTHING_SHOWN)
        ((secret, is_ticket),) = shown
        if not is_ticket:
            return self._known(secret, at)
        caller = await self._tickets.use(secret, at.monotonic_s)
        if caller is None or not self.is_good(caller, at.now_s):
            raise unknown_caller("expected a ticket that was not used and has not ended, found another")
        return caller

    def is_good(self, caller: Caller, now_s: float) -> bool:
        """Say whether who was let in would be still."""
        if caller.expires_s is not None and caller.expires_s <= now_s:
            return False
        return caller.by is not By.KEY or self._keys.is_good(caller.name, now_s)

    def _known(self, secret: str, at: Moment) -> Caller:
        if secret.startswith(PREFIX):
            return self._keys.caller(secret, at.now_s, at.monotonic_s)
        return self._tokens.caller(secret, at.now_s)


def check_address(scope: Scope) -> None:
    """Raise Denied where the request's address holds a key or a token: addresses are logged on their way."""
    if _SECRET.search(scope.get("query_string", b"")) or _SECRET.search(scope.get("raw_path") or b""):
        raise Denied(
            HTTPStatus.BAD_REQUEST,
            "expected no key and no token in the address, where others log it; send it as `Authorization:"
            " Bearer …`, and take this one for known to others",
        )


def without_ticket(query: bytes) -> bytes:
    """Return the query without its ticket, which no route knows."""
    return b"&".join(part for part in query.split(b"&") if not part.startswith(_TICKET))


def _shown(scope: Scope, *, is_stream: bool) -> Iterator[tuple[str, bool]]:
    """Yield each secret that is shown, and whether it is a ticket."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, secret = value.decode("latin-1").partition(" ")
            yield secret.strip() if kind.lower() == "bearer" else "", False
        elif name == b"x-api-key":
            yield value.decode("latin-1").strip(), False
    for part in scope.get("query_string", b"").split(b"&"):
        if is_stream and part.startswith(_TICKET):
            yield part.removeprefix(_TICKET).decode("latin-1"), True
