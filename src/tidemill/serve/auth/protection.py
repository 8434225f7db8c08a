"""Make of the settings what stands before the routes, and keep it as the world is now."""

import asyncio
import logging
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack, contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Any, NamedTuple

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

from tidemill.core.clock import NS_PER_S, Clock, SystemClock
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Refused
from tidemill.serve.auth.addresses import Addresses, networks_of
from tidemill.serve.auth.audit import Audit, auditing
from tidemill.serve.auth.config import AuthSettings
from tidemill.serve.auth.connection import limited_protocol
from tidemill.serve.auth.credentials import Credentials
from tidemill.serve.auth.guard import Guard, Rules, Visits
from tidemill.serve.auth.key_ring import KeyRing
from tidemill.serve.auth.origins import checked_origins
from tidemill.serve.auth.rate import OwnBuckets
from tidemill.serve.auth.shared_rate import SharedBuckets
from tidemill.serve.auth.shared_tickets import SharedTickets
from tidemill.serve.auth.tickets import Tickets
from tidemill.serve.auth.tls import tls_context
from tidemill.serve.auth.tokens import TokenKeys
from tidemill.serve.config import ApiSettings
from tidemill.serve.route import RouteTable
from tidemill.store.latest.redis_link import RedisLink
from tidemill.store.latest_config import RedisSettings
from tidemill.store.registry.api_keys import open_api_keys
from tidemill.store.registry_config import RegistrySettings

_log = logging.getLogger("tidemill.api")
_LOOK_EVERY_S = 1.0


class Surroundings(NamedTuple):
    """What is there beside the settings of the API itself."""

    registry_url: str
    """Where API keys are kept."""
    registry: RegistrySettings
    redis: RedisSettings
    logs: Path
    """The folder of the log files."""
    redactor: Redactor
    shared_secret: bytes | None = None
    """What the workers of one port know of each other; None: there is one."""
    clock: Clock = SystemClock()


class _Known(NamedTuple):
    """How callers are known, where they are asked."""

    keys: KeyRing
    tokens: TokenKeys
    credentials: Credentials


class Protection:
    """What stands before the routes of one process."""

    def __init__(
        self,
        api: ApiSettings,
        around: Surroundings,
        known: _Known | None,
        tickets: Tickets,
        audit: Audit | None,
        link: RedisLink | None,
    ) -> None:
        """Raise Refused, naming the setting that does not fit."""
        self._known = known
        self.parts: tuple[object, ...] = (tickets,)
        """What routes answer from."""
        self._clock = around.clock
        self._limits = api.limits
        self._cors = sorted(checked_origins(api.auth.cors_origins))
        self.tls: SSLContext | None = tls_context(api.tls)
        self._link = link
        own = OwnBuckets()
        self._addresses = _addresses(api.auth)
        self._visits = Visits()
        self._rules = Rules(
            credentials=None if known is None else known.credentials,
            addresses=self._addresses,
            buckets=own if self._link is None else SharedBuckets(self._link, around.redis.prefix, own),
            limits=api.limits,
            origins=frozenset(self._cors),
            is_tls=self.tls is not None,
            audit=audit,
            clock=around.clock,
        )

    def guards(self, table: RouteTable, *, asks: bool = True) -> list[Middleware]:
        """Return what sees each request before its route; where not `asks`, nobody is asked who they are."""
        rules = self._rules if asks else self._rules._replace(credentials=None)
        guard = Middleware(Guard, table=table, rules=rules, visits=self._visits)
        if not self._cors:
            return [guard]
        cors = Middleware(
            CORSMiddleware,
            allow_origins=self._cors,
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "Last-Event-ID"],
            expose_headers=[
                "ETag",
                "Retry-After",
                "RateLimit-Limit",
                "RateLimit-Remaining",
                "RateLimit-Reset",
            ],
        )
        return [cors, guard]

    def serving(self, *, is_tls: bool) -> dict[str, Any]:
        """Return how uvicorn is to treat connections."""
        told: dict[str, Any] = {
            "http": limited_protocol(self._limits, self._is_counted),
            "proxy_headers": False,  # it would believe every program of this machine
        }
        if is_tls and (context := self.tls) is not None:
            told["ssl_context_factory"] = lambda *_: context
        return told

    def _is_counted(self, peer: str) -> bool:
        return self._known is not None and not self._addresses.is_proxy_at(peer)

    async def run(self) -> None:
        """Hear of keys that are made and revoked, and end what they opened, until cancelled."""
        known = self._known
        if known is None:
            await asyncio.Event().wait()
            return
        async with AsyncExitStack() as opened, asyncio.TaskGroup() as tasks:
            if self._link is not None:
                await opened.enter_async_context(self._link)
            tasks.create_task(known.keys.run(), name="api keys")
            tasks.create_task(self._look(known), name="api visits")

    async def _look(self, known: _Known) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now_s = self._clock.now_ns() / NS_PER_S
            self._visits.end(lambda caller, now_s=now_s: known.credentials.is_good(caller, now_s))
            try:
                if await asyncio.to_thread(known.tokens.reload):
                    _log.info("api.auth.jwt_keys: taken anew")
            except Refused as fault:
                _log.warning("the keys of tokens stay as they were: %s", fault)


@contextmanager
def protecting(api: ApiSettings, around: Surroundings) -> Iterator[Protection]:
    """Open what stands before the routes. Raises: Refused, Unreachable."""
    with ExitStack() as opened:
        link = RedisLink(around.redis) if api.auth.is_on and around.redis.url is not None else None
        shared = None
        if link is not None and around.shared_secret is not None:
            shared = SharedTickets(link, around.redis.prefix, around.shared_secret)
        tickets = Tickets(api.auth.ticket_ttl_s, shared)
        known = _known(api.auth, around, tickets, opened) if api.auth.is_on else None
        is_audited = api.auth.is_on if api.audit.enabled is None else api.audit.enabled
        audit = None
        if is_audited:
            audit = opened.enter_context(auditing(around.logs, api.audit, around.redactor))
        yield Protection(api, around, known, tickets, audit, link)


def _known(auth: AuthSettings, around: Surroundings, tickets: Tickets, opened: ExitStack) -> _Known:
    kept = opened.enter_context(open_api_keys(around.registry_url, around.registry))
    keys, tokens = KeyRing(kept.all), TokenKeys(auth)
    held = kept.all()
    keys.take(held, time.monotonic())
    if not tokens.are_there and not held:
        _log.warning("nobody can call the data API yet: `tidemill keys create` makes a key")
    return _Known(keys, tokens, Credentials(keys, tokens, tickets))


def _addresses(auth: AuthSettings) -> Addresses:
    return Addresses(
        networks_of("api.auth.allowed_addresses", auth.allowed_addresses),
        networks_of("api.auth.trusted_proxies", auth.trusted_proxies),
    )
