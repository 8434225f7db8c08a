"""Commit messages to several topics in one transaction, and know whether it happened, whatever fails."""

import secrets
import struct
import threading
import time
from collections.abc import Callable, Sequence

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from tidemill.bus.kafka_client import KafkaClient, fault_of
from tidemill.bus.kafka_codec import Outgoing
from tidemill.bus.kafka_state import StateTable
from tidemill.schema.faults import Refused, Unreachable, Unsafe

_START_S = 10.0
_COMMIT_S = 5.0
_ATTEMPTS = 5
_PAUSE_FIRST_S = 0.05
_MARK = struct.Struct(">16sQ")


_Kept = Callable[[KafkaError | None, Message], None]


class Transactions:
    """One producer, whose transactions are made in turn; blocking, and for one thread at a time.

    Each transaction also writes a mark: who made it, and its number. Where the broker's answer to a commit
    is lost, a producer that begins anew has the broker end what was open, and the mark tells how it ended. A
    mark that another made says that another process of the same name took over.
    """

    def __init__(self, client: KafkaClient, state: StateTable) -> None:
        self._client = client
        self._state = state
        self._token = secrets.token_hex(8).encode()
        self._number = 0
        self._is_owner = False
        self._producer: Producer | None = None
        self._is_closing = threading.Event()

    def open(self) -> None:
        """Take over from any process of the same name. Raises: Unreachable, Refused."""
        self._begin_anew()
        self.run([])
        self._is_owner = True

    def close(self) -> None:
        """End it; a commit that still waits for its answer is Unreachable from here on."""
        self._is_closing.set()

    def run(self, messages: Sequence[Outgoing]) -> list[int]:
        """Commit `messages`, however long the brokers are away.

        Returns: the offset of each. Raises: Unreachable, where nothing of it happened, time and again, or it
        is closed before that is known; Refused, where another process took over, or Kafka does not allow it.
        """
        pause_s = _PAUSE_FIRST_S
        for is_last in (*[False] * (_ATTEMPTS - 1), True):
            try:
                return self._once(messages)
            except Unreachable:
                if is_last or self._is_closing.is_set():
                    raise
            self._is_closing.wait(pause_s)
            pause_s *= 2
        raise AssertionError("the last attempt returns or raises")

    def _once(self, messages: Sequence[Outgoing]) -> list[int]:
        producer = self._producer or self._begin_anew()
        self._number += 1
        mark_key = self._state.mark_key(self._member)
        mark = Outgoing(self._client.state_lane, mark_key, _MARK.pack(self._token, self._number))
        offsets = [-1] * (len(messages) + 1)
        try:
            producer.begin_transaction()
            for number, message in enumerate((*messages, mark)):
                send(producer, message, _keep(offsets, number))
            producer.flush(_COMMIT_S)
        except (KafkaException, BufferError) as error:
            return self._failed(producer, error, offsets)
        return self._end(producer, offsets)

    def _end(self, producer: Producer, offsets: list[int]) -> list[int]:
        deadline_s = time.monotonic() + self._client.settings.producer.transaction_timeout_ms / 1_000
        while True:
            try:
                producer.commit_transaction(_COMMIT_S)
            except KafkaException as error:
                inner: KafkaError = error.args[0]
                if inner.txn_requires_abort():
                    return self._failed(producer, error, offsets)
                if inner.retriable() and time.monotonic() < deadline_s and not self._is_closing.is_set():
                    continue
                return self._resolve(error, offsets)
            if -1 in offsets:
                producer.flush(_COMMIT_S)
            return offsets[:-1]

    def _failed(
        self, producer: Producer, error: KafkaException | BufferError, offsets: list[int]
    ) -> list[int]:
        """Undo what was begun."""
        inner = error.args[0] if isinstance(error, KafkaException) else None
        if isinstance(inner, KafkaError) and not inner.fatal():
            try:
                producer.abort_transaction(_COMMIT_S)
            except KafkaException:
                self._producer = None  # the next one ends it
            fault = fault_of(inner, "expected to send")
            raise fault from error
        return self._resolve(error, offsets)

    def _resolve(self, error: BaseException, offsets: list[int]) -> list[int]:
        """Find out whether the last transaction was committed."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.poll(0)  # to be told of the last messages
        while not self._is_closing.is_set():
            try:
                self._begin_anew()
                mark = self._state.mark(self._member)
            except Unreachable:
                self._is_closing.wait(0.2)
                continue
            token, number = _MARK.unpack(mark) if mark else (self._token, 0)
            if token != self._token and self._is_owner:
                raise Refused(
                    f"kafka: expected to be the only {self._client.member!r} of "
                    f"{self._client.state_lane.name}, but another process took over; give this one another "
                    "name (kafka.member)"
                ) from error
            if token == self._token and number == self._number:
                if -1 in offsets:
                    raise Unsafe(
                        f"kafka: expected to be told where messages went that were committed: {error}"
                    )
                return offsets[:-1]
            raise Unreachable(f"kafka: expected to commit, nothing was: {error}") from error
        raise Unreachable(f"kafka: expected to commit, closed before it was known: {error}") from error

    def _begin_anew(self) -> Producer:
        self._producer = make_producer(self._client, self._client.location.named(self._client.member))
        return self._producer

    @property
    def _member(self) -> bytes:
        return self._client.member.encode()


def make_producer(client: KafkaClient, transactional_id: str) -> Producer:
    """Return a producer that may begin transactions; one of the same id that is open elsewhere is fenced.

    Raises: Unreachable, Refused.
    """
    settings = client.settings.producer
    producer = Producer(
        client.config(
            transactional_id=transactional_id,
            enable_idempotence=True,
            acks="all",
            compression_type=settings.compression_type,
            batch_size=settings.batch_size_bytes,
            linger_ms=settings.linger_ms,
            message_max_bytes=settings.message_bytes_max,
            transaction_timeout_ms=settings.transaction_timeout_ms,
            queue_buffering_max_kbytes=1 << 20,
        )
    )
    try:
        producer.init_transactions(_START_S)
    except KafkaException as error:
        raise fault_of(error, f"expected {client.location.servers} to begin") from error
    return producer


def send(producer: Producer, message: Outgoing, on_delivery: _Kept | None = None) -> None:
    """Hand a message to the producer, once it has room."""
    name, partition = message.lane
    while True:
        try:
            producer.produce(name, message.value, message.key, partition=partition, on_delivery=on_delivery)
        except BufferError:
            producer.poll(0.05)
        else:
            return


def _keep(offsets: list[int], number: int) -> _Kept:
    def kept(error: KafkaError | None, message: Message) -> None:
        if error is None:
            offsets[number] = message.offset() or 0

    return kept
