"""Keep in Redis what is the latest: books, trades, the program's metrics and its health."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidemill.bus.base import Batches
from tidemill.store.latest.books import TOPICS as BOOK_TOPICS
from tidemill.store.latest.books import Books, Depth, Name
from tidemill.store.latest.entries import BookEntry, LatestEntries, TradesEntry
from tidemill.store.latest.redis_link import Command, RedisLink
from tidemill.store.latest_config import RedisSettings

TOPICS = (*BOOK_TOPICS, "trade")
"""What is read from the bus."""
_BOOKS_AT_ONCE = 40
"""Made and sent in about 1 ms: other work goes on in between."""
_PUT_BOOKS = """
for number, key in ipairs(KEYS) do
  local text = ARGV[number + 2]
  redis.call('SET', key, text, 'EX', ARGV[1])
  if ARGV[2] == '1' then redis.call('PUBLISH', key, text) end
end
"""
"""One command and one answer for many books: apart, they took most of the time that a book took."""
METRICS_EXPIRE_S = 60
HEALTH_EXPIRE_S = 120


def _no_books(source: str, instrument: str, levels: int) -> Depth | None:
    return None


class LatestStore:
    """Writes batches of events, and what the metrics say, to one Redis; a `Sink` of a `Tail`.

    Books are those that this process keeps; without them a book's key has the best levels alone.
    """

    def __init__(self, link: RedisLink, settings: RedisSettings, books: Books = _no_books) -> None:
        self._link = link
        self._settings = settings
        self._entries = LatestEntries(
            books, depth_levels=settings.depth_levels, trades_kept=settings.trades_kept
        )

    async def put(self, batches: Batches) -> None:
        """Write what changed: each book once, every trade. Raises: Unreachable, Refused."""
        names, trades = self._entries.take(batches)
        for at in range(0, len(names), _BOOKS_AT_ONCE):
            books = list(self._entries.books(names[at : at + _BOOKS_AT_ONCE]))
            if books:
                await self._put_books(books)
        await self._link.send([command for entry in trades for command in self._trade_commands(entry)])

    async def put_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write the newest metrics, which are gone after a minute. Raises: Unreachable, Refused."""
        await self._put_json("metrics:realtime", metrics, METRICS_EXPIRE_S)

    async def put_health(self, health: Mapping[str, Any]) -> None:
        """Write how everything fares, gone after two minutes. Raises: Unreachable, Refused."""
        await self._put_json("health:status", health, HEALTH_EXPIRE_S)

    async def _put_json(self, name: str, value: Mapping[str, Any], expire_s: int) -> None:
        key, text = f"{self._settings.prefix}:{name}", msgspec.json.encode(value)
        await self._link.send([("SET", key, text, "EX", expire_s), *self._published(key, text)])

    async def _put_books(self, books: Sequence[BookEntry]) -> None:
        keys = (self._key("orderbook", book.name) for book in books)
        said = (self._settings.expire_s, int(self._settings.is_published))
        await self._link.ask("EVAL", _PUT_BOOKS, len(books), *keys, *said, *(book.text for book in books))

    def _trade_commands(self, entry: TradesEntry) -> list[Command]:
        """Return a sorted set's commands: what is sent twice is in it once."""
        key, kept = self._key("trades", entry.name), self._settings.trades_kept
        members = [part for event_ns, text in entry.trades for part in (event_ns, text)]
        commands: list[Command] = [
            ("ZADD", key, *members),
            ("ZREMRANGEBYRANK", key, 0, -kept - 1),
            ("EXPIRE", key, self._settings.expire_s),
        ]
        for _, text in entry.trades:
            commands += self._published(key, text)
        return commands

    def _published(self, channel: str, text: bytes) -> list[Command]:
        return [("PUBLISH", channel, text)] if self._settings.is_published else []

    def _key(self, kind: str, name: Name) -> str:
        return f"{self._settings.prefix}:{kind}:{name[0]}:{name[1]}"
