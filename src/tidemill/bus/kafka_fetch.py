"""Fetch batches of many partitions by one consumer, each from the offset that its reader asks for."""

import asyncio
import queue
import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from tidemill.bus.kafka_client import KafkaClient, Lane
from tidemill.bus.kafka_scan import Record, ask_leader, scan_config
from tidemill.bus.waiting import wait_until
from tidemill.schema.faults import Fault, Gap

_POLL_S = 0.01
"""How long the thread waits for a message before it looks for what is asked of it."""
_MESSAGES_A_POLL = 500
_FETCH_WAIT_MS = 25
"""How long the broker waits for news of what is fetched: for so long a further partition waits too."""
_AHEAD_MAX = 1_000
_HELD_BYTES_MAX = 4 << 20
"""Of each partition; then it is fetched no further until its reader comes."""


class _Held:
    """What was fetched of one partition, in order: every batch from `first` up to `position`."""

    def __init__(self, first: int, generation: int) -> None:
        self.generation = generation
        """Which beginning it is; what an earlier one fetched does not count."""
        self.first = first
        self.position = first
        self.records: deque[Record] = deque()
        self.held_bytes = 0
        self.served = first
        """What comes before was handed out."""
        self.is_paused = False
        self.fault: Fault | None = None
        self.grown = asyncio.Event()


class Fetcher:
    """The consumer and its thread; everything but that thread's work belongs to one event loop."""

    def __init__(self, client: KafkaClient) -> None:
        self._client = client
        self._held: dict[Lane, _Held] = {}
        self._asked: queue.SimpleQueue[Callable[[Any], None] | None] = queue.SimpleQueue()
        self._counted = count(1)
        self._generations: dict[Lane, int] = {}
        """As the thread has them."""
        self._known: set[str] = set()
        """Topics whose leaders the consumer has asked for."""
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="kafka fetch", daemon=True)
        self._is_closing = False
        self._thread.start()

    def now(self, lane: Lane, offset: int, records_max: int) -> tuple[list[Record], bool]:
        """Return what is here already from `offset` on, and whether more would be too much. Raises: Gap."""
        held = self._held.get(lane)
        if held is None or offset < held.first:
            return [], False
        if held.fault is not None:
            fault = held.fault
            del self._held[lane]  # the next one asks anew
            self._ask(lambda consumer: self._assign(consumer, lane, None, 0))
            raise fault
        found: list[Record] = []
        found_bytes, is_full = 0, False
        for record in held.records:
            if record.offset >= offset:
                found.append(record)
                found_bytes += len(record.value or b"")
                is_full = len(found) == records_max or found_bytes >= self._client.bus.read_bytes_max
                if is_full:
                    break
        if found:
            held.served = max(held.served, found[-1].offset + 1)
        self._make_room(lane, held)
        return found, is_full

    def holds(self, lane: Lane, offset: int) -> bool:
        """Whether `offset` is where this is fetching, so that it need not begin anew."""
        held = self._held.get(lane)
        if held is None or offset < held.first:
            return False
        # One that reads ahead of another waits for what comes, unless that is far off or comes no more.
        return offset <= held.position or (offset < held.position + _AHEAD_MAX and not held.is_paused)

    async def until(self, lane: Lane, offset: int, deadline_s: float) -> None:
        """Wait until something from `offset` on is here, or the loop's clock shows `deadline_s`."""
        held = self._held.get(lane)
        if held is None or not self.holds(lane, offset):
            generation = next(self._counted)
            if held is not None:
                held.grown.set()  # who waits there looks again
            held = self._held[lane] = _Held(offset, generation)
            self._ask(lambda consumer: self._assign(consumer, lane, offset, generation))
        held.grown.clear()
        if held.fault is None and not any(record.offset >= offset for record in held.records):
            await wait_until(held.grown, deadline_s)

    def close(self) -> None:
        """End the thread; blocking."""
        self._is_closing = True
        self._asked.put(None)
        self._thread.join()

    def _make_room(self, lane: Lane, held: _Held) -> None:
        while (
            held.held_bytes > _HELD_BYTES_MAX // 2 and held.records and held.records[0].offset < held.served
        ):
            gone = held.records.popleft()
            held.first = gone.offset + 1
            held.held_bytes -= len(gone.value or b"")
        if held.is_paused and held.held_bytes <= _HELD_BYTES_MAX // 2:
            held.is_paused = False
            self._ask(lambda consumer: consumer.resume([TopicPartition(*lane)]))

    def _ask(self, what: Callable[[Any], None]) -> None:
        self._asked.put(what)

    def _arrived(self, came: dict[Lane, tuple[int, list[Record], Fault | None]]) -> None:
        for lane, (generation, records, fault) in came.items():
            held = self._held.get(lane)
            if held is None or held.generation != generation:
                continue  # of before it began anew
            held.records.extend(records)
            held.held_bytes += sum(len(record.value or b"") for record in records)
            if records:
                held.position = records[-1].offset + 1
            held.fault = fault or held.fault
            held.grown.set()
            self._make_room(lane, held)
            if held.held_bytes > _HELD_BYTES_MAX and not held.is_paused:
                held.is_paused = True
                self._ask(lambda consumer, lane=lane: consumer.pause([TopicPartition(*lane)]))

    # --- the thread

    def _run(self) -> None:
        consumer = Consumer(scan_config(self._client, fetch_wait_max_ms=_FETCH_WAIT_MS))
        while not self._is_closing:
            self._do_asked(consumer)
            if not self._generations:
                continue
            message = consumer.poll(_POLL_S)
            if message is not None:
                self._tell([message, *consumer.consume(_MESSAGES_A_POLL, 0)])
        consumer.close()

    def _do_asked(self, consumer: Any) -> None:
        while True:
            try:
                # With nothing to fetch it waits for work; else it takes what there is.
                what = self._asked.get(block=not self._generations)
            except queue.Empty:
                return
            if what is None:
                return
            what(consumer)

    def _assign(self, consumer: Any, lane: Lane, first: int | None, generation: int) -> None:
        if self._generations.pop(lane, None) is not None:
            consumer.incremental_unassign([TopicPartition(*lane)])
        if first is not None:
            self._generations[lane] = generation
            consumer.incremental_assign([TopicPartition(*lane, first)])
            if lane.name not in self._known:
                self._known.add(lane.name)
                ask_leader(consumer, lane.name)

    def _tell(self, messages: list[Any]) -> None:
        came: dict[Lane, tuple[int, list[Record], Fault | None]] = {}
        for message in messages:
            lane = Lane(message.topic() or "", message.partition() or 0)
            generation = self._generations.get(lane)
            if generation is None:
                continue  # the cluster as a whole: the library tries again by itself
            records = came.setdefault(lane, (generation, [], None))[1]
            error = message.error()
            if error is None:
                records.append(Record(message.offset(), message.key(), message.value()))
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                gap = Gap(f"kafka {lane.name}/{lane.partition}: {error.str()}")
                came[lane] = (generation, records, gap)
        if came and not self._is_closing:
            self._loop.call_soon_threadsafe(self._arrived, came)
