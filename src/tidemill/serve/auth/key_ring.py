"""Know every API key without asking the database each time, and hear within seconds what was revoked."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from typing import NoReturn

from tidemill.schema.faults import Fault
from tidemill.serve.auth.api_key import id_of, is_key
from tidemill.serve.auth.caller import By, Caller
from tidemill.serve.auth.denial import Denied, unknown_caller
from tidemill.serve.role import Role
from tidemill.store.registry.api_keys import ApiKey

_log = logging.getLogger("tidemill.api")
_READ_EVERY_S = 1.0
_STALE_S = 30.0
"""Keys that were not read for so long let nobody in: one of them may have been revoked."""
NO_KEY = "expected a key or token that is known here and good now, found another"
"""One answer for every way in which it is not, so that a guess learns nothing."""


class KeyRing:
    """The keys as the database had them a moment ago."""

    def __init__(self, read: Callable[[], list[ApiKey]]) -> None:
        self._read = read
        self._by_id: dict[str, ApiKey] = {}
        self._read_s: float | None = None

    async def run(self) -> None:
        """Read the keys every second until cancelled; while the database is away, those that were read last
        stand for half a minute.
        """
        clock = asyncio.get_running_loop().time
        was_away = False
        while True:
            try:
                self.take(await asyncio.to_thread(self._read), clock())
                was_away = False
            except Fault as fault:
                if not was_away:
                    _log.warning("API keys cannot be read, and let nobody in after %g s: %s", _STALE_S, fault)
                was_away = True
            await asyncio.sleep(_READ_EVERY_S)

    def take(self, keys: list[ApiKey], monotonic_s: float) -> None:
        """Note what the database holds."""
        self._by_id = {key.id: key for key in keys}
        self._read_s = monotonic_s

    def caller(self, secret: str, now_s: float, monotonic_s: float) -> Caller:
        """Return whose key it is. Raises: Denied."""
        key_id = id_of(secret)
        if key_id is None:
            raise unknown_caller(NO_KEY)
        if self._read_s is None or monotonic_s - self._read_s > _STALE_S:
            _stale()
        key = self._by_id.get(key_id)
        if key is None or not is_key(secret, key) or not _is_good(key, now_s):
            raise unknown_caller(NO_KEY)
        expires_s = None if key.expires_at is None else key.expires_at.timestamp()
        return Caller(key.id, Role(key.role), By.KEY, expires_s, key.requests_per_minute)

    def is_good(self, key_id: str, now_s: float) -> bool:
        """Say whether a key that let somebody in would still."""
        key = self._by_id.get(key_id)
        return key is not None and _is_good(key, now_s)


def _is_good(key: ApiKey, now_s: float) -> bool:
    is_over = key.expires_at is not None and key.expires_at.timestamp() <= now_s
    return key.revoked_at is None and not is_over


def _stale() -> NoReturn:
    raise Denied(
        HTTPStatus.SERVICE_UNAVAILABLE, "expected to know which keys are good, the registry does not answer"
    )
