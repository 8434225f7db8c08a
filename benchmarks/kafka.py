"""Swaps through a real Kafka broker on the same machine: how many are stored, how soon each is acknowledged.

The processor forwards what it takes with one column computed: computing features is left out. Broker,
producer, processor, store and this program share the cores.
"""

import asyncio
import tempfile
import time
from typing import ClassVar

import pyarrow as pa
import pyarrow.compute as pc
from msgspec import structs
from tests.servers.kafka import kafka
from tests.store.samples import swap

from benchmarks.row import Row
from tidemill.app.streams.stream_pipeline import StreamPipeline
from tidemill.bus import Bus, open_bus
from tidemill.bus.intake import Message
from tidemill.bus.kafka_config import KafkaConsumerSettings, KafkaSettings
from tidemill.bus.processor import StreamProcessor, batch_of
from tidemill.schema import derive
from tidemill.store import Writer, open_store

_ROWS = 500
_AHEAD_MAX = 100_000
"""Swaps that may wait: the producer is paced by the store."""
_WARM_UP_S = 4.0
_SECONDS = 12.0
_ACK_ROWS = 50
_ACK_A_SECOND = 100
_ACK_SECONDS = 8
_KAFKA = KafkaSettings(consumer=KafkaConsumerSettings(auto_offset_reset="earliest", max_poll_records=50))


class Later(StreamProcessor):
    """Forwards every swap as if it came a nanosecond later."""

    name: ClassVar[str] = "later"
    reads: ClassVar[tuple[str, ...]] = ("raw",)
    writes: ClassVar[tuple[str, ...]] = ("swap",)

    async def process(self, message: Message) -> None:
        """Forward it."""
        swaps = batch_of(message)
        field = swaps.schema.field("recv_ns")
        later = pc.add(swaps.column("recv_ns").cast(pa.int64()), 1).cast(field.type)
        place = swaps.schema.get_field_index("recv_ns")
        await self.forward(swaps.set_column(place, field, later))


def run() -> list[Row]:
    """Measure both."""
    with kafka() as broker:
        rate = asyncio.run(_rate(broker.url("rate")))
        waits_ms = sorted(asyncio.run(_waits_ms(broker.url("ack"))))
    p50, p99 = waits_ms[len(waits_ms) // 2], waits_ms[int(len(waits_ms) * 0.99)]
    note = f"{_ROWS} swaps a batch; broker, all stages and chDB on the same 2 cores"
    ack = f"p50 {p50:.1f} ms; {len(waits_ms)} transactions of {_ACK_ROWS} swaps, acks=all"
    return [
        Row(
            "produce → Kafka → processor → Kafka → chDB, exactly once",
            rate,
            "transactions/s",
            30_000,
            note=note,
        ),
        Row("Kafka acknowledges a transaction at 5,000 swaps/s, p99", p99, "ms", 30, "lower", ack),
    ]


async def _rate(url: str) -> float:
    rows = derive.to_batch([swap(number) for number in range(_ROWS)])
    with tempfile.TemporaryDirectory() as folder:
        async with (
            open_bus(url, kafka=_KAFKA) as bus,
            open_bus(url, is_reader=True, kafka=structs.replace(_KAFKA, member="processor")) as reader,
            open_store(f"chdb://{folder}/store") as store,
        ):
            await store.migrate()
            pipeline = StreamPipeline(reader, "bench", now_ns=time.time_ns)
            pipeline.add_processor(Later())
            writer = Writer(bus, store, now_ns=time.time_ns, topics=["swap"])
            async with asyncio.TaskGroup() as tasks:
                running = [
                    tasks.create_task(pipeline.run()),
                    tasks.create_task(writer.run()),
                    tasks.create_task(_produce(bus, rows, writer)),
                ]
                await asyncio.sleep(_WARM_UP_S)
                begun_s, before = time.monotonic(), writer.stored["swap"].rows
                await asyncio.sleep(_SECONDS)
                rate = (writer.stored["swap"].rows - before) / (time.monotonic() - begun_s)
                for task in running:
                    task.cancel()
    return rate


async def _produce(bus: Bus, rows: pa.RecordBatch, writer: Writer) -> None:
    sent = 0
    while True:
        if sent - writer.stored["swap"].rows > _AHEAD_MAX:
            await asyncio.sleep(0.005)
            continue
        await bus.commit([("raw", rows)] * 20)
        sent += 20 * rows.num_rows


async def _waits_ms(url: str) -> list[float]:
    rows = derive.to_batch([swap(number) for number in range(_ACK_ROWS)])
    waits_ms: list[float] = []

    async def one(bus: Bus, begun_s: float) -> None:
        await bus.commit([("raw", rows)])
        waits_ms.append((time.monotonic() - begun_s) * 1_000)

    async with open_bus(url, kafka=_KAFKA) as bus:
        await bus.commit([("raw", rows)])  # makes the topic
        for _ in range(50):
            await bus.commit([("raw", rows)])
        begun_s = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            for number in range(_ACK_SECONDS * _ACK_A_SECOND):
                due_s = begun_s + number / _ACK_A_SECOND
                await asyncio.sleep(max(due_s - time.monotonic(), 0))
                tasks.create_task(one(bus, due_s))  # from when it was due: a stall counts
    return waits_ms
