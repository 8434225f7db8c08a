"""Keep in Redis what is the latest: books, trades, the program's metrics and its health."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from tidemill._rust import BookSet, ToldBooks
from tidemill.bus.base import Batches
from tidemill.store.latest.books import TOPICS as BOOK_TOPICS
from tidemill.store.latest.books import Name, note
from tidemill.store.latest.redis_link import Command, RedisLink
from tidemill.store.latest.trades import TradesEntry, newest_trades
from tidemill.store.latest_config import RedisSettings

TOPICS = (*BOOK_TOPICS, "trade")
"""What is read from the bus."""
_BOOKS_AT_ONCE = 200
"""Written as one command in less than 1 ms: other work goes on in between."""
_TRADES_AT_ONCE = 40
"""As for books."""
_PUT_BOOKS = """
for number, key in ipairs(KEYS) do
  local text = ARGV[number + 2]
  redis.call('SET', key, text, 'EX', ARGV[1])
  if ARGV[2] == '1' then redis.call('PUBLISH', key, text) end
end
"""
"""One command and one answer for many books: apart, they took most of the time that a book took."""
_PUT_TRADES = """
local at = 4
for _, key in ipairs(KEYS) do
  for _ = 1, ARGV[at] do
    redis.call('ZADD', key, ARGV[at + 1], ARGV[at + 2])
    if ARGV[2] == '1' then redis.call('PUBLISH', key, ARGV[at + 2]) end
    at = at + 2
  end
  redis.call('ZREMRANGEBYRANK', key, 0, -ARGV[3] - 1)
  redis.call('EXPIRE', key, ARGV[1])
  at = at + 1
end
"""
"""Each key's trades go into a sorted set: what is sent twice is in it once."""
METRICS_EXPIRE_S = 60
HEALTH_EXPIRE_S = 120


Kept = Callable[[str], BookSet | None]
"""Takes a source; returns the books that this process keeps of it, None where it keeps none."""


def _no_books(source: str) -> BookSet | None:
    return None


class LatestStore:
    """Writes batches of events, and what the metrics say, to one Redis; a `Sink` of a `Tail`.

    Without a kept book, a book's key has the best levels alone.
    """

    def __init__(self, link: RedisLink, settings: RedisSettings, kept: Kept = _no_books) -> None:
        self._link = link
        self._settings = settings
        self._kept = kept
        self._told = ToldBooks()

    async def put(self, batches: Batches) -> None:
        """Write what changed: each book once, every trade. Raises: Unreachable, Refused."""
        together: dict[str, list[pa.RecordBatch]] = {}
        for topic, batch in batches:
            together.setdefault(topic, []).append(batch)
        commands = await self._trade_commands(together.pop("trade", []))
        touched: dict[Name, None] = {}
        for topic, some in together.items():
            touched.update(dict.fromkeys(note(self._told, topic, some)))
        await asyncio.sleep(0)
        names = list(touched)
        for at in range(0, len(names), _BOOKS_AT_ONCE):
            if at:
                await asyncio.sleep(0)
            commands.append(self._books_command(names[at : at + _BOOKS_AT_ONCE]))
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

    def _books_command(self, names: list[Name]) -> bytes:
        settings = self._settings
        kept = [(source, self._kept(source)) for source in {source for source, _ in names}]
        return self._told.command(
            names,
            [(source, books) for source, books in kept if books is not None],
            script=_PUT_BOOKS,
            prefix=f"{settings.prefix}:orderbook:",
            levels_max=settings.depth_levels,
            settings=[settings.expire_s, int(settings.is_published)],
        )

    async def _trade_commands(self, batches: Sequence[pa.RecordBatch]) -> list[Command]:
        commands: list[Command] = []
        if not batches:
            return commands
        rows = pa.concat_batches(batches)
        for at in range(0, rows.num_rows, _TRADES_AT_ONCE):
            if at:
                await asyncio.sleep(0)
            part = rows.slice(at, _TRADES_AT_ONCE)
            commands.append(self._trades_command(newest_trades(part, self._settings.trades_kept)))
        return commands

    def _trades_command(self, entries: Sequence[TradesEntry]) -> Command:
        settings = self._settings
        keys = (self._key("trades", entry.name) for entry in entries)
        said = (settings.expire_s, int(settings.is_published), settings.trades_kept)
        parts: list[int | bytes] = []
        for entry in entries:
            parts.append(len(entry.trades))
            parts += [part for trade in entry.trades for part in trade]
        return ("EVAL", _PUT_TRADES, len(entries), *keys, *said, *parts)

    def _published(self, channel: str, text: bytes) -> list[Command]:
        return [("PUBLISH", channel, text)] if self._settings.is_published else []

    def _key(self, kind: str, name: Name) -> str:
        return f"{self._settings.prefix}:{kind}:{name[0]}:{name[1]}"
