"""Share the partitions of topics with other processes, and process what is in them exactly once."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Self, TypeVar

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition
from typing_extensions import override

from tidemill.bus.base import Batches
from tidemill.bus.intake import Intake, Message
from tidemill.bus.kafka_client import KafkaClient, Lane, fault_of
from tidemill.bus.kafka_codec import decode, messages_of
from tidemill.bus.kafka_commit import make_producer, send
from tidemill.bus.kafka_limit import within
from tidemill.schema.faults import Malformed

_Result = TypeVar("_Result")

_ANSWER_S = 10.0
_COMMIT_S = 5.0


class KafkaGroup(Intake):
    """One member of a consumer group, and the producer whose transactions hold the group's offsets too.

    The broker fences a member that was taken for dead: what it still commits for partitions that another has
    now is refused by the group's generation.
    """

    def __init__(self, client: KafkaClient, group: str, topics: Sequence[str]) -> None:
        self._client = client
        self._group = client.location.named(group)
        self._topics = {client.name_of(topic): topic for topic in topics}
        self._member = client.settings.member or client.unique
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="kafka group")
        self._consumer: Any = None
        self._producer: Producer | None = None

    @override
    async def __aenter__(self) -> Self:
        try:
            await self._run(self._open)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    @override
    async def __aexit__(self, *exc: object) -> None:
        if self._consumer is not None:
            await self._run(self._consumer.close)
        await asyncio.to_thread(self._thread.shutdown)

    def _open(self) -> None:
        settings = self._client.settings.consumer
        self._client.make_topics(self._topics.values())
        self._producer = make_producer(self._client, f"{self._group}-{self._member}")
        self._consumer = Consumer(
            self._client.config(
                group_id=self._group,
                enable_auto_commit=False,
                isolation_level="read_committed",
                auto_offset_reset=settings.auto_offset_reset,
                session_timeout_ms=settings.session_timeout_ms,
                heartbeat_interval_ms=settings.session_timeout_ms // 3,
                fetch_wait_max_ms=50,
                fetch_max_bytes=self._client.settings.producer.message_bytes_max * 2,
                max_partition_fetch_bytes=self._client.settings.producer.message_bytes_max,
                receive_message_max_bytes=self._client.settings.producer.message_bytes_max * 3,
            )
        )
        self._consumer.subscribe(list(self._topics))

    # --- take

    @override
    async def take(self, *, wait_ms: int) -> list[Message]:
        return await self._run(lambda: self._take(wait_ms / 1_000))

    def _take(self, wait_s: float) -> list[Message]:
        first = self._consumer.poll(wait_s)
        if first is None:
            return []
        came = [first, *self._consumer.consume(self._client.settings.consumer.max_poll_records - 1, 0)]
        held = {Lane(place.topic, place.partition) for place in self._consumer.assignment()}
        messages: list[Message] = []
        for raw in came:
            error = raw.error()
            if error is not None:
                if error.fatal():
                    raise fault_of(error, f"expected to take of {self._group}")
                continue  # the library tries again by itself
            if Lane(raw.topic(), raw.partition()) in held:  # while it was polled, partitions may have gone
                messages.append(self._message(raw))
        return messages

    def _message(self, raw: Any) -> Message:
        topic, stored = self._topics[raw.topic()], raw.value() or b""
        count = self._client.partitions(topic) or 1
        part = topic if count == 1 else f"{topic}.{raw.partition()}"
        try:
            content = decode(stored, f"kafka {part} offset {raw.offset()}")
        except Malformed as fault:
            content = fault
        return Message(topic, part, raw.offset(), content, stored)

    # --- commit

    @override
    async def commit(self, batches: Batches, taken: Sequence[Message]) -> None:
        await self._run(lambda: self._commit(batches, taken))

    def _commit(self, batches: Batches, taken: Sequence[Message]) -> None:
        self._client.make_topics({topic for topic, _ in batches})
        producer = self._producer
        assert producer is not None, "the intake is used outside its `async with`"
        reached = {message.partition: message for message in taken}
        offsets = [
            TopicPartition(self._client.name_of(one.topic), _number(one), one.offset + 1)
            for one in reached.values()
        ]
        try:
            producer.begin_transaction()
            for topic, batch in batches:
                for message in messages_of(self._client, topic, batch):
                    send(producer, message)
            self._send_offsets(producer, offsets)
            self._end(producer)
        except KafkaException as error:
            self._undo(error.args[0])
            raise fault_of(error, f"expected {self._group} to commit") from error

    def _send_offsets(self, producer: Producer, offsets: list[TopicPartition]) -> None:
        metadata = self._consumer.consumer_group_metadata()
        # After so long the broker gives the transaction up. The library does not keep to its own limit where
        # the group's coordinator was away (confluentinc/librdkafka#5456). Nothing is undone then, for the
        # producer is not free: the next one of its name has the broker do it.
        limit_s = self._client.settings.producer.transaction_timeout_ms / 1_000
        within(
            limit_s,
            lambda: producer.send_offsets_to_transaction(offsets, metadata, _ANSWER_S),
            f"{self._group} to send its offsets",
        )

    def _end(self, producer: Producer) -> None:
        deadline_s = time.monotonic() + self._client.settings.producer.transaction_timeout_ms / 1_000
        while True:
            try:
                producer.commit_transaction(_COMMIT_S)
            except KafkaException as error:
                if not error.args[0].retriable() or time.monotonic() > deadline_s:
                    raise
            else:
                return

    def _undo(self, error: KafkaError) -> None:
        """End what was begun; where that fails, the next producer of this name has the broker do it."""
        if self._producer is not None and not error.fatal():
            with suppress(KafkaException):
                self._producer.abort_transaction(_COMMIT_S)

    def _begin_at(self, place: TopicPartition) -> int:
        lane = Lane(place.topic, place.partition)
        is_latest = self._client.settings.consumer.auto_offset_reset == "latest"
        return (self._client.ends if is_latest else self._client.firsts)([lane])[lane]

    @override
    async def lag(self) -> dict[str, int]:
        return await self._run(self._lag)

    def _lag(self) -> dict[str, int]:
        held = self._consumer.assignment()
        ends = self._client.ends([Lane(place.topic, place.partition) for place in held], committed=True)
        lags: dict[str, int] = {}
        for place in self._consumer.committed(held, _ANSWER_S):
            lane = Lane(place.topic, place.partition)
            begun = place.offset if place.offset >= 0 else self._begin_at(place)
            lags[f"{self._topics[place.topic]}.{place.partition}"] = max(ends[lane] - begun, 0)
        return lags

    async def _run(self, work: Callable[[], _Result]) -> _Result:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _number(message: Message) -> int:
    """Return the number of the partition that a message was taken from."""
    return 0 if message.partition == message.topic else int(message.partition.rpartition(".")[2])
