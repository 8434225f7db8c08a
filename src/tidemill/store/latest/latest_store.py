"""Keep in Redis what is the latest: books, trades, the program's metrics and its health."""

import asyncio
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
"""Made in about 1 ms: other work goes on in between."""
_COMMANDS_TOGETHER = 16
"""Sent at once, a megabyte of books: awaited one by one, the answers took longer than making the books."""
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
        commands: list[Command] = []
        for at in range(0, len(names), _BOOKS_AT_ONCE):
            if len(commands) == _COMMANDS_TOGETHER:
                await self._link.send(commands)
                commands = []
            elif commands:
                await asyncio.sleep(0)
            books = list(self._entries.books(names[at : at + _BOOKS_AT_ONCE]))
            if books:
                commands.append(self._books_command(books))
        commands += [command for entry in trades for command in self._trade_commands(entry)]
        await self._link.send(commands)

    async def put_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Write the newest metrics, which are gone after a minute. Raises: Unreachable, Refused."""
        await self._put_json("metrics:realtime", metrics, METRICS_EXPIRE_S)

    async def put_health(self, health: Mapping[str, Any]) -> None:
        """Write how everything fares, gone after two minutes. Raises: Unreachable, Refused."""
        await self._put_json("health:status", health, HEALTH_EXPIRE_S)

    async def _put_json(self, name: str, value: Mapping[str, Any], expire_s: int) -> None:
        key, text = f"{self._settings.prefix}:{name}", msgspec.json.encode(value)
        await self._link.send([("SET", key, text, "EX", expire_s), *self._published(key, text)])

    def _books_command(self, books: Sequence[BookEntry]) -> Command:
        keys = (self._key("orderbook", book.name) for book in books)
        said = (self._settings.expire_s, int(self._settings.is_published))
        return ("EVAL", _PUT_BOOKS, len(books), *keys, *said, *(book.text for book in books))

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
