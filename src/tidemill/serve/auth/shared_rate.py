"""Share the buckets of tokens through Redis, so that processes count one caller's requests together."""

import logging

from tidemill.schema.faults import Fault
from tidemill.serve.auth.rate import Buckets, Granted
from tidemill.store.latest.redis_link import RedisLink

_log = logging.getLogger("tidemill.api")
_AGAIN_S = 5.0
"""Redis that failed is left alone for so long: a request that waits for it would be slow each time."""
_TAKE = """
local now = redis.call('TIME')
local now_ms = now[1] * 1000 + math.floor(now[2] / 1000)
local limit, cost = tonumber(ARGV[1]), tonumber(ARGV[2])
local kept = redis.call('HMGET', KEYS[1], 'left', 'then_ms')
local left = tonumber(kept[1] or limit)
left = math.min(limit, left + math.max(0, now_ms - tonumber(kept[2] or now_ms)) * limit / 60000)
local granted = left >= cost and 1 or 0
left = left - cost * granted
redis.call('HSET', KEYS[1], 'left', tostring(left), 'then_ms', now_ms)
redis.call('PEXPIRE', KEYS[1], 60000)
return {granted, tostring(left)}
"""
"""One step on the server, by its own clock; one that is not asked for a minute is full again."""


class SharedBuckets:
    """Buckets in Redis; while it does not answer, those of this process."""

    def __init__(self, link: RedisLink, prefix: str, own: Buckets) -> None:
        self._link = link
        self._prefix = prefix
        self._own = own
        self._away_until_s = 0.0

    async def take(self, account: str, per_minute: int, cost: int, now_s: float) -> Granted:
        """Take `cost` tokens of the account's bucket, or none where it has less."""
        if now_s < self._away_until_s:
            return await self._own.take(account, per_minute, cost, now_s)
        key = f"{self._prefix}:rate:{account}:{per_minute}"
        try:
            granted, told = await self._link.ask("EVAL", _TAKE, 1, key, per_minute, cost)
        except Fault as fault:
            _log.warning("requests are counted by this process alone for %g s: %s", _AGAIN_S, fault)
            self._away_until_s = now_s + _AGAIN_S
            return await self._own.take(account, per_minute, cost, now_s)
        left = float(told)
        wait_s = 0.0 if granted else (cost - left) * 60 / per_minute
        return Granted(bool(granted), per_minute, int(left), wait_s)
