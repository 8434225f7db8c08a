"""Keep in Redis what is the latest: books, trades, the program's metrics and its health."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from tidemill.bus.base import Batches
from tidemill.schema.faults import Fault, leaves
from tidemill.store.latest.books import TOPICS as BOOK_TOPICS
from tidemill.store.latest.books import Books, Depth, Name
from tidemill.store.latest.entries import BookEntry, LatestEntries, TradesEntry
from tidemill.store.latest.redis_link import Command, RedisLink
from tidemill.store.latest_config import RedisSettings

TOPICS = (*BOOK_TOPICS, "trade")
"""What is read from the bus."""
_BOOKS_AT_ONCE = 40
"""Made, or packed to be sent, in about 1 ms: other work goes on in between."""
_TRADES_AT_ONCE = 40
"""As for books."""
_SENT_AT_ONCE = 4
"""So many commands are under way at most: awaited one by one, answers took longer than making the books."""
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
        together: dict[str, list[pa.RecordBatch]] = {}
        for topic, batch in batches:
            together.setdefault(topic, []).append(batch)
        commands = await self._trade_commands(together.pop("trade", []))
        touched: dict[Name, None] = {}
        for topic, some in together.items():
            touched.update(dict.fromkeys(self._entries.note(topic, some)))
            await asyncio.sleep(0)
        try:
            async with asyncio.TaskGroup() as tasks:
                await self._send_books(list(touched), tasks)
                await self._link.send(commands)
        except* Fault as faults:
            raise next(leaves(faults)) from None

    async def _send_books(self, names: Sequence[Name], tasks: asyncio.TaskGroup) -> None:
        """Make books and have them sent: Redis writes some while the next are made."""
        room = asyncio.Semaphore(_SENT_AT_ONCE)

        async def send(command: Command) -> None:
            try:
                await self._link.send([command])
            finally:
                room.release()

        for at in range(0, len(names), _BOOKS_AT_ONCE):
            await room.acquire()
            books = list(self._entries.books(names[at : at + _BOOKS_AT_ONCE]))
            if books:
                tasks.create_task(send(self._books_command(books)), name="redis books")
            else:
                room.release()
            await asyncio.sleep(0)

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

    async def _trade_commands(self, batches: Sequence[pa.RecordBatch]) -> list[Command]:
        commands: list[Command] = []
        for batch in batches:
            for at in range(0, batch.num_rows, _TRADES_AT_ONCE):
                commands.append(self._trades_command(self._entries.trades(batch.slice(at, _TRADES_AT_ONCE))))
                await asyncio.sleep(0)
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
