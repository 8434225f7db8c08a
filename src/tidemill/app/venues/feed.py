"""Read a venue of one file: keep its books under its rule, commit what it tells, and say how it fares."""

import asyncio
import logging
import secrets
from collections import Counter, deque
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from tidemill.app.chains.pipeline import batches_of
from tidemill.app.insisting import commit_surely
from tidemill.bus import Bus
from tidemill.core.backoff import Backoff
from tidemill.core.clock import NS_PER_S, Clock
from tidemill.core.endpoint import redact_url
from tidemill.core.socket import Socket
from tidemill.process.books import OrderBooks, Taken
from tidemill.process.pools import Batches
from tidemill.schema.events import Health, HealthState
from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable
from tidemill.venues.base import Venue, discover
from tidemill.venues.feed_config import FeedConfig

_log = logging.getLogger("tidemill.feed")

_RETRY_S = 1.0
_AGAIN_S = 1.0
"""A book is asked for so often at most: one that is told wrong again and again must not make a storm."""
_ANSWER_S = 5.0
"""A book that did not come for so long is asked for once more: a venue that is asked often may refuse."""
_FAULTS_KEPT = 100


def find_feed(name: str) -> Venue:
    """Return a venue of one file by its name. Raises: Refused, where there is none."""
    feeds = {venue.name: venue for venue in discover().values() if venue.feed is not None}
    if name not in feeds:
        raise Refused(f"feeds.{name}: expected one of {', '.join(sorted(feeds))}, found {name!r}")
    return feeds[name]


class FeedRun:
    """One such venue as `up` reads it."""

    def __init__(
        self,
        venue: Venue,
        config: FeedConfig,
        bus: Bus,
        clock: Clock,
        *,
        on_batches: Callable[[Batches, list[int]], None],
    ) -> None:
        assert venue.feed is not None
        assert venue.book_rule is not None
        self.books = OrderBooks(venue.name, venue.book_rule)
        self.books.follow(config.instruments)
        self.ended = ""
        """Why it is not read any more."""
        self.faults: deque[Fault] = deque(maxlen=_FAULTS_KEPT)
        """The last ones."""
        self.fault_counts: Counter[str] = Counter()
        """By class."""
        self._name = venue.name
        self._feed = venue.feed
        self._config = config
        self._bus = bus
        self._clock = clock
        self._on_batches = on_batches
        self._url = config.ws_url or venue.feed.ws_url
        self._run_id = secrets.token_hex(8)
        self._doubted: dict[str, float] = {}
        """Instruments whose books are void, and when they are asked for, by the loop's time."""
        self._asked_s: dict[str, float] = {}
        self._connection_count = 0
        self._frame_count = 0
        self._sequence = 0
        self._health_sequence = 0
        self._last_message_ns: int | None = None
        self._state = HealthState.CONNECTING

    async def run(self) -> None:
        """Read until cancelled; a fault that ends it is kept in `ended`."""
        backoff = Backoff(self._config.reconnect_first_ms, self._config.reconnect_max_ms)
        loop = asyncio.get_running_loop()
        while not self.ended:
            opened_s = loop.time()
            try:
                await self._converse()
            except Fault as fault:
                await self._lost(fault)
            await asyncio.sleep(0 if self.ended else backoff.wait_s(loop.time() - opened_s))

    async def _converse(self) -> None:
        """Speak until a fault ends it."""
        self._state = HealthState.CONNECTING
        async with await Socket.connect(self._url, self._clock) as socket:
            self._connection_count += 1
            self._sequence = 0
            self._doubted.clear()
            for frame in self._feed.opening(self._config.instruments):
                socket.send(frame)
            await self._fares(HealthState.LIVE, "")
            await self._serve(socket)

    async def _serve(self, socket: Socket) -> None:
        loop, silence_ms = asyncio.get_running_loop(), self._config.silence_ms
        silent_s = loop.time() + silence_ms / 1_000
        while True:
            frames: list[tuple[int, bytes]] = []
            try:
                async with asyncio.timeout_at(min([silent_s, *self._doubted.values()])):
                    frames = await socket.receive()
            except TimeoutError:
                pass  # something else is due
            now_s = loop.time()
            if frames:
                silent_s = now_s + silence_ms / 1_000
                await self._heard(frames)
            elif now_s >= silent_s:
                raise Unreachable(f"{socket.endpoint}: nothing came for {silence_ms} ms")
            due = sorted(name for name, due_s in self._doubted.items() if due_s <= now_s)
            for name in due:
                del self._doubted[name]
            void = [name for name in due if not self.books.is_live(name)]
            if void:
                for frame in self._feed.again(void):
                    socket.send(frame)
                for name in void:
                    self._doubted[name] = now_s + _ANSWER_S
                    self._asked_s[name] = now_s

    async def _heard(self, frames: Sequence[tuple[int, bytes]]) -> None:
        read = self._feed.read(
            frames, source=self._name, connection=self._connection, first_sequence=self._sequence
        )
        self._sequence = read.next_sequence
        self._frame_count += len(frames)
        self._last_message_ns = frames[-1][0]
        taken = self.books.take(read.batches)
        await self._commit([*read.batches.items(), *taken.batches.items()])
        for fault in taken.gaps.values():
            self._note(fault)
        lacking: set[str] = set()
        for _, detail, instruments in read.unread:
            self._note(Malformed(f"{self._name}: {detail}"))
            lacking.update(set(instruments).intersection(self._config.instruments))
        if lacking:
            await self._restart(sorted(lacking), "a message about it could not be read")
        for name in lacking.union(taken.gaps):
            self._doubted[name] = self._asked_s.get(name, 0.0) + _AGAIN_S

    async def _lost(self, fault: Fault) -> None:
        """Void all books, until the next connection tells them."""
        self._note(fault)
        self._state = HealthState.DOWN
        if isinstance(fault, Refused):
            self._state, self.ended = HealthState.REFUSED, str(fault)
            _log.error("%s ended, the others go on: %s", self._name, fault)
        await self._restart(self._config.instruments, str(fault))
        await self._fares(self._state, str(fault))

    async def _restart(self, instruments: Sequence[str], why: str) -> None:
        self._sequence += 1
        taken: Taken = self.books.restart(
            instruments,
            why,
            now_ns=self._clock.now_ns(),
            connection=self._connection,
            sequence=self._sequence,
        )
        self._sequence += 1
        await self._commit(list(taken.batches.items()))

    async def _fares(self, state: HealthState, detail: str) -> None:
        self._state = state
        now_ns = self._clock.now_ns()
        self._health_sequence += 1
        if detail:
            _log.warning("%s %s: %s: %s", self._name, redact_url(self._url), state.value, detail)
        health = Health(
            event_ns=now_ns,
            recv_ns=now_ns,
            source=self._name,
            connection=f"{self._run_id}-health",
            sequence=self._health_sequence,
            endpoint=redact_url(self._url),
            state=state,
            detail=detail,
        )
        await self._commit(batches_of([health]))

    async def _commit(self, batches: Sequence[tuple[str, pa.RecordBatch]]) -> None:
        if batches:
            self._on_batches(list(batches), await commit_surely(self._bus, batches, {}))

    def _note(self, fault: Fault) -> None:
        self.faults.append(fault)
        self.fault_counts[type(fault).__name__] += 1

    @property
    def _connection(self) -> str:
        return f"{self._run_id}-{self._connection_count}"

    def status(self) -> dict[str, Any]:
        """Return how it fares, as JSON has it."""
        heard_ns, counts = self._last_message_ns, self.books.counts
        return {
            "state": "stopped" if self.ended else "running",
            "endpoint": redact_url(self._url),
            "books": len(self.books),
            "books_live": self.books.live_count,
            "last_message_age_s": None if heard_ns is None else (self._clock.now_ns() - heard_ns) / NS_PER_S,
            "sockets": {
                self._name: {
                    "state": self._state.value,
                    "connections": self._connection_count,
                    "messages": self._frame_count,
                }
            },
            "gaps": counts.gaps,
            "faults": dict(self.fault_counts),
            "last_fault": self.ended or (str(self.faults[-1]) if self.faults else ""),
        }
