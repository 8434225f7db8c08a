"""Read one partition up to its end, and take up from there: the state, and the last record of a topic."""

import time
from contextlib import suppress
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from tidemill.bus.kafka_client import KafkaClient, Lane, fault_of
from tidemill.schema.faults import Gap, Unreachable

_POLL_S = 0.1
_FETCH_WAIT_MS = 20
"""How long the broker takes to say that a partition ends here: after the last marker."""
_MESSAGES_A_POLL = 500
_LEADER_S = 2.0
_PATIENCE_S = 5.0
"""Beyond the time that an open transaction may take."""


class Record(NamedTuple):
    """One message."""

    offset: int
    key: bytes | None
    value: bytes | None


class Scan:
    """A consumer of one partition; blocking, and for one thread at a time."""

    def __init__(self, client: KafkaClient, lane: Lane, first: int) -> None:
        self._client = client
        self._lane = lane
        self._position = first
        self._patience_s = client.settings.producer.transaction_timeout_ms / 1_000 + _PATIENCE_S
        self._consumer = Consumer(
            scan_config(client, enable_partition_eof=True, fetch_wait_max_ms=_FETCH_WAIT_MS)
        )
        self._consumer.assign([TopicPartition(lane.name, lane.partition, first)])
        ask_leader(self._consumer, lane.name)

    def to_end(self) -> list[Record]:
        """Return what was committed since the last call, once no earlier transaction is open.

        Raises: Unreachable, where that takes too long; Gap, where records are gone that were not read.
        """
        end = self._client.ends([self._lane])[self._lane]
        found: list[Record] = []
        deadline_s = time.monotonic() + self._patience_s
        while self._position < end:
            if time.monotonic() > deadline_s:
                raise Unreachable(
                    f"kafka {self._lane.name}: expected to read up to offset {end}, got to {self._position}: "
                    "a transaction is open, or the broker does not answer"
                )
            self._take(self._consumer.consume(_MESSAGES_A_POLL, 0) or [self._consumer.poll(_POLL_S)], found)
        return found

    def _take(self, messages: list, found: list[Record]) -> None:  # pyright: ignore[reportMissingTypeArgument, reportUnknownParameterType] untyped library
        for message in messages:
            if message is None:
                continue
            error = message.error()
            if error is None:
                found.append(Record(message.offset(), message.key(), message.value()))
                self._position = message.offset() + 1
            elif error.code() == KafkaError._PARTITION_EOF:
                self._position = max(self._position, message.offset())
            elif error.code() == KafkaError._AUTO_OFFSET_RESET:
                raise Gap(f"kafka {self._lane.name}: expected offset {self._position}: {error.str()}")
            elif not error.retriable() and error.fatal():
                raise fault_of(error, f"expected to read {self._lane.name}")

    def close(self) -> None:
        """End it."""
        self._consumer.close()


def ask_leader(consumer: Consumer, name: str) -> None:
    """Have a consumer learn who leads a topic that it was assigned, which it else asks once a second only."""
    with suppress(KafkaException):  # it goes on asking by itself
        consumer.list_topics(name, timeout=_LEADER_S)


def scan_config(client: KafkaClient, **further: object) -> dict[str, object]:
    """Return what consumers are made with that keep their own place."""
    return client.config(
        group_id=client.location.named("unused"),  # the library asks for one
        enable_auto_commit=False,
        isolation_level="read_committed",
        auto_offset_reset="error",
        fetch_max_bytes=client.settings.producer.message_bytes_max * 2,
        max_partition_fetch_bytes=client.settings.producer.message_bytes_max,
        receive_message_max_bytes=client.settings.producer.message_bytes_max * 3,
        fetch_error_backoff_ms=20,
        **further,
    )


def last_data_end(client: KafkaClient, lane: Lane, first: int, end: int) -> int:
    """Return the offset after the last batch before `end`, which markers of transactions follow.

    `first` where there is none. Raises: Unreachable.
    """
    step = 16
    while True:
        begin = max(first, end - step)
        scan = Scan(client, lane, begin)
        try:
            found = scan.to_end()
        finally:
            scan.close()
        if found:
            return found[-1].offset + 1
        if begin == first:
            return first
        step *= 8
