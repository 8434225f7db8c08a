"""Keep tickets in Redis, so that the worker which is called need not be the one that gave the ticket."""

import hashlib
import hmac

import msgspec

from tidemill.schema.faults import Fault
from tidemill.serve.auth.caller import Caller
from tidemill.store.latest.redis_link import RedisLink

_MS_PER_S = 1_000
_MARK_BYTES = 32


class SharedTickets:
    """Those of processes that know one secret; who can write to Redis and does not know it makes none."""

    def __init__(self, link: RedisLink, prefix: str, secret: bytes) -> None:
        self._link = link
        self._prefix = prefix
        self._secret = secret

    async def put(self, ticket: str, caller: Caller, ttl_s: float) -> bool:
        """Keep it; False, where Redis does not answer."""
        name, told = self._name(ticket), msgspec.json.encode(caller)
        try:
            await self._link.ask("SET", name, self._mark(name, told) + told, "PX", round(ttl_s * _MS_PER_S))
        except Fault:  # it opens a stream of the worker that gave it
            return False
        return True

    async def take(self, ticket: str) -> Caller | None:
        """Return who it stands for, once; None where it is none, or Redis does not answer."""
        name = self._name(ticket)
        try:
            found: bytes | None = await self._link.ask("GETDEL", name)
        except Fault:
            return None
        if found is None:
            return None
        mark, told = found[:_MARK_BYTES], found[_MARK_BYTES:]
        if not hmac.compare_digest(mark, self._mark(name, told)):
            return None
        return msgspec.json.decode(told, type=Caller)

    def _name(self, ticket: str) -> str:
        """Return its key, which opens nothing."""
        return f"{self._prefix}:ticket:{hashlib.blake2b(ticket.encode(), digest_size=16).hexdigest()}"

    def _mark(self, name: str, told: bytes) -> bytes:
        return hmac.digest(self._secret, name.encode() + told, "sha256")
