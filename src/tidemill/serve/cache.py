"""Keep answers that cost a query for a while: in the process, or in Redis for several."""

import time
from collections import OrderedDict

from msgspec import Struct

from tidemill.schema.faults import Fault
from tidemill.serve.config import CACHE_MAX_BYTES
from tidemill.store.latest.redis_link import RedisLink

_ENTRIES_MAX = 1_000


class Cached(Struct, frozen=True):
    """An answer, and when it was made."""

    content: bytes
    made_s: float
    """Seconds since 1970, for several processes to agree on."""


class Cache:
    """Answers that are at most `ttl_s` old; without a `link` they are this process's own."""

    def __init__(
        self,
        ttl_s: float,
        link: RedisLink | None = None,
        prefix: str = "tidemill",
        bytes_max: int = CACHE_MAX_BYTES,
    ) -> None:
        self._ttl_s = ttl_s
        self._bytes_max = bytes_max
        self._link = link
        self._prefix = prefix
        self._kept: OrderedDict[str, Cached] = OrderedDict()
        self._bytes = 0

    async def get(self, key: str) -> Cached | None:
        """Return what is kept; None where nothing is, or Redis does not answer."""
        found = self._kept.get(key) if self._link is None else await self._ask(self._link, key)
        return found if found is not None and time.time() - found.made_s <= self._ttl_s else None

    async def put(self, key: str, content: bytes) -> None:
        """Keep an answer, where there is room, and Redis answers."""
        made = Cached(content, time.time())
        if self._link is None:
            self._keep(key, made)
            return
        value = f"{made.made_s:.3f}\n".encode() + content
        try:
            await self._link.ask("SET", self._name(key), value, "PX", max(round(self._ttl_s * 1_000), 1))
        except Fault:  # it is a cache: without it the store is asked again
            return

    async def close(self) -> None:
        """Close the connections to Redis."""
        if self._link is not None:
            await self._link.__aexit__(None, None, None)

    async def _ask(self, link: RedisLink, key: str) -> Cached | None:
        try:
            found = await link.ask("GET", self._name(key))
        except Fault:
            return None
        if not isinstance(found, bytes):
            return None
        made, _, content = found.partition(b"\n")
        return Cached(content, float(made))

    def _keep(self, key: str, made: Cached) -> None:
        old = self._kept.pop(key, None)
        self._bytes += len(made.content) - (len(old.content) if old else 0)
        self._kept[key] = made
        while len(self._kept) > _ENTRIES_MAX or self._bytes > self._bytes_max:
            self._bytes -= len(self._kept.popitem(last=False)[1].content)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:cache:{key}"
