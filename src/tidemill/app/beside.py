"""Feed the stores that stand beside the main one, as their sections ask; one that is refused ends alone."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, NamedTuple, Self

from tidemill.app.settings import Settings
from tidemill.bus import Bus
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Fault, Refused, leaves
from tidemill.store.latest import TOPICS, Kept, LatestStore, RedisLink
from tidemill.store.line_protocol import LineStore
from tidemill.store.tail import Sink, Tail, TailCounts, TailSettings, release

_log = logging.getLogger("tidemill.beside")

REDIS, INFLUXDB = "redis", "influxdb"
_QUIET_FAULTS = 3
"""Of a fault that repeats, so many are logged."""


class _Carried(NamedTuple):
    topics: Sequence[str]
    settings: TailSettings
    rows_max: int
    linger_ms: int


class Beside:
    """Redis and the server of line protocol, where they are named; use it as an async context manager.

    Raises: Refused, where a setting does not fit.
    """

    def __init__(self, settings: Settings, bus: Bus, kept: Kept) -> None:
        self.latest: LatestStore | None = None
        self.lines: LineStore | None = None
        self.tails: dict[str, Tail] = {}
        """By name: redis, influxdb."""
        self._settings = settings
        self._bus = bus
        self._kept = kept
        self._opened = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Make ready; what comes on the bus from now on is carried once they run. No server is asked yet."""
        redis, influxdb = self._settings.redis, self._settings.influxdb
        unknown = [topic for topic in influxdb.topics if topic not in EVENTS]
        if unknown:
            raise Refused(f"influxdb.topics: expected names of events, found {', '.join(unknown)}")
        async with AsyncExitStack() as opened:
            if redis.url:
                link = await opened.enter_async_context(RedisLink(redis))
                self.latest = LatestStore(link, redis, self._kept)
                await self._add(REDIS, self.latest, _Carried(TOPICS, redis, rows_max=2_000, linger_ms=0))
            if influxdb.url:
                self.lines = await opened.enter_async_context(
                    LineStore(influxdb, on_fault=_Telling(INFLUXDB))
                )
                carried = _Carried(influxdb.topics, influxdb, influxdb.batch_size, influxdb.flush_interval_ms)
                await self._add(INFLUXDB, self.lines, carried)
            for name in {REDIS, INFLUXDB} - self.tails.keys():
                await release(self._bus, name, tuple(EVENTS))
            self._opened = opened.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._opened.aclose()

    async def run(self, name: str) -> None:
        """Feed one until cancelled, or until it is refused."""
        try:
            await self.tails[name].run()
        except* Refused as refused:
            _log.error("%s gets nothing more, all else goes on: %s", name, next(leaves(refused)))

    def counts(self) -> dict[str, TailCounts]:
        """Return what became of the batches, by name."""
        return {name: tail.counts for name, tail in self.tails.items()}

    def status(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return how each fares, as JSON has it."""
        return {
            name: {
                "state": "up" if counts.is_up else "down",
                "rows": counts.rows,
                "dropped_batches": counts.dropped_batches,
                "retries": counts.retries,
                "last_fault": redact(counts.last_fault),
            }
            for name, counts in self.counts().items()
        }

    async def _add(self, name: str, sink: Sink, carried: _Carried) -> None:
        tail = Tail(
            self._bus,
            sink,
            name,
            carried.topics,
            carried.settings,
            rows_max=carried.rows_max,
            linger_ms=carried.linger_ms,
            on_fault=_Telling(name),
        )
        await tail.start()
        self.tails[name] = tail


class _Telling:
    """Logs faults, but not the same one for ever."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._last = ""
        self._times = 0

    def __call__(self, fault: Fault) -> None:
        self._times = self._times + 1 if str(fault) == self._last else 1
        self._last = str(fault)
        if self._times <= _QUIET_FAULTS:
            more = "; the next ones like it are not logged" if self._times == _QUIET_FAULTS else ""
            _log.warning("%s: %s: %s%s", self._name, type(fault).__name__, fault, more)
