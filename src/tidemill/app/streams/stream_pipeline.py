"""Run processors over the bus: each message's outcome and the place that was reached are one transaction."""

import asyncio
import logging
from collections.abc import Callable

import pyarrow as pa
from msgspec import Struct

from tidemill.bus import Bus
from tidemill.bus.base import Batches
from tidemill.bus.dead_letters import DeadLetter, retry_topic, to_batches
from tidemill.bus.intake import Intake, Message
from tidemill.bus.kafka_codec import encode
from tidemill.bus.processor import StreamProcessor
from tidemill.core.backoff import Backoff
from tidemill.schema.faults import Malformed, Unreachable

_log = logging.getLogger("tidemill.streams")
_WAIT_MS = 500
_RETRY_FIRST_MS = 100
_RETRY_MAX_MS = 5_000


class StreamCounts(Struct):
    """What a processor has done since it started."""

    taken: int = 0
    forwarded: int = 0
    dead_letters: int = 0
    retries: int = 0
    """Times that the bus could not be reached, or what was done had to be done again."""


class StreamPipeline:
    """The processors of one process; on Kafka, processes with the same group share the messages."""

    def __init__(self, bus: Bus, group: str, *, now_ns: Callable[[], int]) -> None:
        self.counts: dict[str, StreamCounts] = {}
        """By processor."""
        self._bus = bus
        self._group = group
        self._now_ns = now_ns
        self._processors: list[StreamProcessor] = []
        self._intakes: dict[str, Intake] = {}

    def add_processor(self, processor: StreamProcessor) -> None:
        """Have `run` run it too. Raises: ValueError, where there is one of its name."""
        if processor.name in self.counts:
            raise ValueError(f"processor {processor.name}: expected a name that no other has")
        self.counts[processor.name] = StreamCounts()
        self._processors.append(processor)

    async def run(self) -> None:
        """Process what is on the bus and what comes, until cancelled.

        Raises: Refused, where another process of the same name took over; Gap, where the bus lost messages.
        """
        async with asyncio.TaskGroup() as tasks:
            for processor in self._processors:
                tasks.create_task(self._run(processor), name=f"processor {processor.name}")

    async def lag(self) -> dict[str, dict[str, int]]:
        """Return by processor and partition how many batches wait, of those that this process has."""
        return {name: await intake.lag() for name, intake in self._intakes.items()}

    def consumer_of(self, processor: type[StreamProcessor] | StreamProcessor) -> str:
        """Return the name under which a processor keeps its place."""
        return f"{self._group}.{processor.name}"

    async def _run(self, processor: StreamProcessor) -> None:
        consumer = self.consumer_of(processor)
        retried = {retry_topic(consumer, topic): topic for topic in processor.reads}
        backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
        loop = asyncio.get_running_loop()
        while True:
            begun_s = loop.time()
            try:
                async with self._bus.intake(consumer, [*processor.reads, *retried]) as intake:
                    self._intakes[processor.name] = intake
                    while True:
                        await self._step(processor, intake, retried)
            except Unreachable as fault:
                self.counts[processor.name].retries += 1
                _log.warning("processor %s: %s", processor.name, fault)
            await asyncio.sleep(backoff.wait_s(loop.time() - begun_s))

    async def _step(self, processor: StreamProcessor, intake: Intake, retried: dict[str, str]) -> None:
        """Process what comes next, and commit what came of it."""
        taken = await intake.take(wait_ms=_WAIT_MS)
        if not taken:
            return
        outcome: list[tuple[str, pa.RecordBatch]] = []
        dead_letters = 0
        for message in taken:
            topic = retried.get(message.topic, message.topic)
            batches = await self._process(processor, message._replace(topic=topic))
            if isinstance(batches, DeadLetter):
                dead_letters += 1
                batches = to_batches(batches)
            outcome.extend(batches)
        await intake.commit(outcome, taken)
        counts = self.counts[processor.name]
        counts.taken += len(taken)
        counts.forwarded += len(outcome) - dead_letters
        counts.dead_letters += dead_letters

    async def _process(self, processor: StreamProcessor, message: Message) -> Batches | DeadLetter:
        """Return what the processor forwards of a message, or the message with why it could not."""
        forwarded: list[tuple[str, pa.RecordBatch]] = []

        async def forward(topic: str, batch: pa.RecordBatch) -> None:
            forwarded.append((topic, batch))

        processor.bind(forward)
        try:
            await processor.process(message)
        except Exception as error:  # a processor's bug is one message's: the stream goes on
            _log.warning("processor %s: %s %s: %r", processor.name, message.partition, message.offset, error)
            reason = f"{type(error).__name__}: {error}"
            return DeadLetter(
                self._now_ns(),
                self.consumer_of(processor),
                message.topic,
                message.offset,
                reason,
                _bytes_of(message),
            )
        return forwarded


def _bytes_of(message: Message) -> bytes:
    return message.stored if isinstance(message.content, Malformed) else encode(message.content)
