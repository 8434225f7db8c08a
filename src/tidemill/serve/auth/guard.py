"""Stand before every route, over HTTP and WebSocket: who calls, may they, how often, how much."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from math import ceil
from typing import NamedTuple

from tidemill.core.clock import NS_PER_S, Clock
from tidemill.serve.asgi import App, Receive, Scope, Send
from tidemill.serve.auth.addresses import Addresses, site_of
from tidemill.serve.auth.audit import Audit, Deed
from tidemill.serve.auth.bodies import check_sizes, limited
from tidemill.serve.auth.caller import ANYBODY, CALLER, By, Caller, check_role
from tidemill.serve.auth.config import LimitSettings
from tidemill.serve.auth.credentials import Credentials, Moment, check_address, without_ticket
from tidemill.serve.auth.denial import Denied, Header
from tidemill.serve.auth.origins import check_origin
from tidemill.serve.auth.rate import Buckets, Granted
from tidemill.serve.auth.replies import Replies
from tidemill.serve.role import Role
from tidemill.serve.route import RouteTable

REQUESTS_PER_MINUTE = 1_000
_DENIED_COST = 10
"""A key or token that is not good costs as much as so many requests: who guesses is soon too fast."""


class Rules(NamedTuple):
    """What is asked of a request."""

    credentials: Credentials | None
    """None where nobody is asked who they are."""
    addresses: Addresses
    buckets: Buckets
    limits: LimitSettings
    origins: frozenset[str]
    is_tls: bool
    audit: Audit | None
    clock: Clock

    @property
    def requests_per_minute(self) -> int | None:
        """Of each account and address; None: any number."""
        asked = self.limits.requests_per_minute
        return REQUESTS_PER_MINUTE if asked is None and self.credentials is not None else asked


class Visits:
    """The requests that are being answered: each ends when who asked would no longer be let in."""

    def __init__(self) -> None:
        self._open: set[tuple[Caller, asyncio.Timeout]] = set()
        self._by_account: Counter[str] = Counter()

    @contextmanager
    def open(self, caller: Caller, limit: asyncio.Timeout, at_once_max: int | None) -> Iterator[None]:
        """Count one among them while the context is open. Raises: Denied, where the caller has too many."""
        if at_once_max is not None and self._by_account[caller.account] >= at_once_max:
            raise Denied(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"expected {at_once_max} requests and streams of one caller at a time at most",
                [(b"retry-after", b"1")],
            )
        visit = (caller, limit)
        self._open.add(visit)
        self._by_account[caller.account] += 1
        try:
            yield
        finally:
            self._open.discard(visit)
            self._by_account[caller.account] -= 1
            if not self._by_account[caller.account]:
                del self._by_account[caller.account]

    def end(self, is_good: Callable[[Caller], bool]) -> None:
        """End those of callers that are not good any more; call it in their loop."""
        now_s = asyncio.get_running_loop().time()
        for caller, limit in self._open:
            if not is_good(caller):
                limit.reschedule(now_s)


class Guard:
    """A plain ASGI middleware: lets through to `app` who may call the route."""

    def __init__(self, app: App, table: RouteTable, rules: Rules, visits: Visits) -> None:
        self._app = app
        self._table = table
        self._rules = rules
        self._visits = visits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or have it answered."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        replies = Replies(scope, send, is_tls=self._rules.is_tls)
        began_s = asyncio.get_running_loop().time()
        why = None
        try:
            await self._answer(scope, receive, replies, began_s)
        except Denied as denied:
            why = str(denied)
            await replies.deny(denied, receive)
        finally:
            self._note(scope, replies.status, began_s, why)

    async def _answer(self, scope: Scope, receive: Receive, replies: Replies, began_s: float) -> None:
        caller = await self._admit(scope, replies, began_s)
        scope.setdefault("state", {})[CALLER] = caller
        scope["query_string"] = without_ticket(scope.get("query_string", b""))
        limits = self._rules.limits
        if scope["type"] == "http":
            receive = limited(receive, limits, began_s + limits.body_timeout_s)
        limit = asyncio.timeout(None)
        is_known = caller.by is not By.NOTHING
        at_once_max = limits.at_once_per_caller_max if is_known else None
        try:
            async with limit:
                with self._visits.open(caller, limit, at_once_max):
                    await self._app(scope, receive, replies.send)
        except TimeoutError:
            if not limit.expired():
                raise
            raise Denied(HTTPStatus.UNAUTHORIZED, "the key or token that opened this has ended") from None

    async def _admit(self, scope: Scope, replies: Replies, began_s: float) -> Caller:
        """Return who calls, who may. Raises: Denied."""
        rules = self._rules
        peer = scope["client"][0] if scope.get("client") else None
        forwarded = [
            value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"
        ]
        address = rules.addresses.caller(peer, forwarded)
        scope.setdefault("state", {})["address"] = str(address)
        if not rules.addresses.may_call(address):
            raise Denied(
                HTTPStatus.FORBIDDEN, "expected a call from api.auth.allowed_addresses, found another"
            )
        site = f"address:{site_of(address)}"
        await self._count(site, rules.requests_per_minute, replies, began_s)
        check_sizes(scope, rules.limits)
        check_origin(scope, rules.origins)
        check_address(scope)
        if rules.credentials is None:
            return ANYBODY
        route = self._table.find(scope)
        if route is not None and route.role is None:
            return ANYBODY._replace(role=Role.VIEWER)
        try:
            at = Moment(rules.clock.now_ns() / NS_PER_S, began_s)
            is_stream = route is not None and route.is_stream
            caller = await rules.credentials.caller(scope, at, is_stream=is_stream)
        except Denied:
            per_minute = rules.requests_per_minute
            if per_minute is not None:
                await rules.buckets.take(site, per_minute, min(_DENIED_COST, per_minute), began_s)
            raise
        scope["state"][CALLER] = caller
        if route is not None:
            check_role(scope, route)
        own = caller.requests_per_minute or rules.requests_per_minute
        await self._count(caller.account, own, replies, began_s)
        return caller

    async def _count(self, account: str, per_minute: int | None, replies: Replies, now_s: float) -> None:
        """Raise Denied where the account asked too often; the answer says how much is left."""
        if per_minute is None:
            return
        granted = await self._rules.buckets.take(account, per_minute, 1, now_s)
        replies.headers = _rate_headers(granted)
        if not granted.is_granted:
            wait_s = ceil(granted.wait_s)
            raise Denied(
                HTTPStatus.TOO_MANY_REQUESTS,
                f"expected {per_minute} requests a minute at most; the next one is answered in {wait_s} s",
                [(b"retry-after", str(wait_s).encode())],
            )

    def _note(self, scope: Scope, status: int, began_s: float, denied: str | None) -> None:
        if self._rules.audit is None:
            return
        state = scope["state"]
        caller: Caller | None = state.get(CALLER)
        now_s = self._rules.clock.now_ns() / NS_PER_S
        took_s = asyncio.get_running_loop().time() - began_s
        self._rules.audit.note(
            Deed(
                time=datetime.fromtimestamp(now_s, UTC).isoformat(timespec="milliseconds"),
                caller="" if caller is None else caller.name,
                by="nothing" if caller is None else caller.by,
                role="" if caller is None else caller.role,
                address=state["address"],
                method=scope.get("method", "WEBSOCKET"),
                path=scope["path"],
                query=without_ticket(scope.get("query_string", b"")).decode("latin-1"),
                status=status,
                took_ms=round(took_s * 1_000, 3),
                denied=denied,
            )
        )


def _rate_headers(granted: Granted) -> tuple[Header, ...]:
    """Return what is left. Source: draft-ietf-httpapi-ratelimit-headers-07."""
    told = {
        b"ratelimit-limit": granted.limit,
        b"ratelimit-remaining": granted.remaining,
        b"ratelimit-reset": ceil(granted.full_in_s),
    }
    policy = f"{granted.limit};w=60".encode()
    return (*((name, str(value).encode()) for name, value in told.items()), (b"ratelimit-policy", policy))
