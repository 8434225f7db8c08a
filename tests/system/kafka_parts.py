"""Run one part of a stream over Kafka: `python -m tests.system.kafka_parts PART URL FOLDER`, until killed."""

import asyncio
import sys
import time
from pathlib import Path
from typing import ClassVar

import pyarrow as pa
from msgspec import structs
from tests.store.samples import swap

from tidemill.app.streams.stream_pipeline import StreamPipeline
from tidemill.bus import Bus, open_bus
from tidemill.bus.intake import Message
from tidemill.bus.kafka_config import KafkaConsumerSettings, KafkaProducerSettings, KafkaSettings
from tidemill.bus.processor import StreamProcessor, batch_of
from tidemill.schema import derive
from tidemill.schema.events import Swap
from tidemill.schema.faults import Unreachable
from tidemill.store import Store, Writer, WriterSettings, open_store

ROWS = 20
KAFKA = KafkaSettings(
    # Short, so that a killed process is given up soon.
    producer=KafkaProducerSettings(transaction_timeout_ms=3_000),
    consumer=KafkaConsumerSettings(auto_offset_reset="earliest", session_timeout_ms=2_000),
)


def raw(number: int) -> pa.RecordBatch:
    return derive.to_batch([swap(number * ROWS + row, log_index=row) for row in range(ROWS)])


class Doubler(StreamProcessor):
    """Forwards every swap with its input doubled."""

    name: ClassVar[str] = "doubler"
    reads: ClassVar[tuple[str, ...]] = ("raw",)
    writes: ClassVar[tuple[str, ...]] = ("swap",)

    async def process(self, message: Message) -> None:
        rows = derive.to_rows("swap", batch_of(message))
        await self.forward(
            derive.to_batch([Swap(**row | {"amount0_in": 2 * row["amount0_in"]}) for row in rows])
        )


def open_as(url: str, member: str, *, is_reader: bool = False) -> Bus:
    return open_bus(url, is_reader=is_reader, kafka=structs.replace(KAFKA, member=member))


async def produce(url: str, folder: Path) -> None:
    """Commit batch after batch, each once, until the file `stop` is there."""
    async with open_as(url, "producer") as bus:
        last: int | None = None
        while last is None or not (folder / "stop").exists():
            try:
                if last is None:
                    last = int(await bus.get(b"last") or -1)
                await bus.commit([("raw", raw(last + 1))], {b"last": str(last + 1).encode()})
                last += 1
            except Unreachable as fault:
                print("again", fault, flush=True)
                last = None
        (folder / "last").write_text(str(last))


async def process(url: str, _folder: Path) -> None:
    async with open_as(url, "processor", is_reader=True) as bus:
        pipeline = StreamPipeline(bus, "test", now_ns=time.time_ns)
        pipeline.add_processor(Doubler())
        await pipeline.run()


async def sink(url: str, folder: Path) -> None:
    """Store, until the file `last` says what the last batch is, and all is stored; then write the hash."""
    async with open_as(url, "sink") as bus, open_store(f"chdb://{folder}/store") as store:
        await store.migrate()
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(writer(bus, store).run())
            while await rows_of(store) < expected_rows(folder):  # noqa: ASYNC110 (of another process)
                await asyncio.sleep(0.1)
            writing.cancel()
        (folder / "hash").write_text(await content_hash(store))


async def straight(_url: str, folder: Path) -> None:
    """Do the same without Kafka and without interruption."""
    numbers = expected_rows(folder) // ROWS
    async with open_bus("memory://") as bus, open_store(f"chdb://{folder}/straight") as store:
        await store.migrate()
        pipeline = StreamPipeline(bus, "test", now_ns=time.time_ns)
        pipeline.add_processor(Doubler())
        async with asyncio.TaskGroup() as tasks:
            storing = writer(bus, store)
            running = [tasks.create_task(pipeline.run()), tasks.create_task(storing.run())]
            for number in range(numbers):
                await bus.commit([("raw", raw(number))])
            while await rows_of(store) < numbers * ROWS:  # noqa: ASYNC110 (a table tells nobody)
                await asyncio.sleep(0.05)
            for task in running:
                task.cancel()
        (folder / "straight-hash").write_text(await content_hash(store))


def writer(bus: Bus, store: Store) -> Writer:
    settings = WriterSettings(rows_max=2_000, wait_ms_max=20)
    return Writer(bus, store, now_ns=time.time_ns, topics=["swap"], settings=settings)


def expected_rows(folder: Path) -> int:
    last = folder / "last"
    return (int(last.read_text()) + 1) * ROWS if last.exists() else sys.maxsize


async def rows_of(store: Store) -> int:
    return (await store.query("SELECT count() AS n FROM swap")).column("n")[0].as_py()


async def content_hash(store: Store) -> str:
    table = await store.query("SELECT count() AS n, hex(sum(cityHash64(toString(tuple(*))))) AS h FROM swap")
    rows, content = table.column("n")[0].as_py(), table.column("h")[0].as_py()
    assert content
    return f"{rows} {content}"


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](sys.argv[2], Path(sys.argv[3])))
