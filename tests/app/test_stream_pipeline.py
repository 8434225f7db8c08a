"""Whether processors do each message once, share the work, and lay aside what they cannot do."""

import asyncio
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pyarrow as pa
import pytest
from confluent_kafka import Producer
from msgspec import structs
from tests.servers.kafka import Broker
from tests.store.samples import swap
from typing_extensions import override

from tidemill.app.streams.dead_letters import replay_all
from tidemill.app.streams.stream_pipeline import StreamPipeline
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import BusSettings
from tidemill.bus.dead_letters import laid_aside
from tidemill.bus.intake import Message
from tidemill.bus.kafka_config import KafkaConsumerSettings, KafkaProducerSettings, KafkaSettings, KafkaTopic
from tidemill.bus.processor import StreamProcessor, batch_of
from tidemill.process.streams import processors
from tidemill.schema import derive
from tidemill.store import Writer, WriterSettings

_WAIT_S = 60
_KAFKA = KafkaSettings(
    producer=KafkaProducerSettings(transaction_timeout_ms=3_000),
    consumer=KafkaConsumerSettings(auto_offset_reset="earliest", session_timeout_ms=2_000),
    topics={"shared": KafkaTopic(partitions=4, key="word")},
)
OpenBus = Callable[..., Bus]


def batch(*numbers: int) -> pa.RecordBatch:
    words = [f"word{number % 7}" for number in numbers]
    return pa.RecordBatch.from_pydict({"number": pa.array(numbers, pa.uint64()), "word": words})


class Tenfold(StreamProcessor):
    """Forwards ten times each number; fails where it is told to."""

    name: ClassVar[str] = "tenfold"
    reads: ClassVar[tuple[str, ...]] = ("small",)
    writes: ClassVar[tuple[str, ...]] = ("large",)

    def __init__(self, refuses: int | None = None) -> None:
        super().__init__()
        self.refuses = refuses
        self.took: list[int] = []

    @override
    async def process(self, message: Message) -> None:
        numbers = batch_of(message).column("number").to_pylist()
        await self.forward(batch(*(10 * number for number in numbers)))
        if self.refuses in numbers:
            raise ArithmeticError(f"no tenfold of {self.refuses}")
        self.took += numbers


class OfShared(Tenfold):
    reads: ClassVar[tuple[str, ...]] = ("shared",)


@pytest.fixture(params=["memory", "lmdb", "kafka"])
def open_any(request: pytest.FixtureRequest, tmp_path: Path) -> OpenBus:
    if request.param == "kafka":
        url = request.getfixturevalue("broker").url(f"s{secrets.token_hex(6)}")
    else:
        url = "memory://" if request.param == "memory" else f"lmdb://{tmp_path / 'bus'}"
    return lambda **how: open_bus(url, BusSettings(), kafka=structs.replace(_KAFKA, **how))


def pipeline(bus: Bus, *added: StreamProcessor) -> StreamPipeline:
    made = StreamPipeline(bus, "test", now_ns=lambda: 7)
    for processor in added:
        made.add_processor(processor)
    return made


async def large(bus: Bus, count: int) -> list[int]:
    """Return what is forwarded, once it is `count` numbers."""
    found: list[int] = []
    offset = 0
    async with asyncio.timeout(_WAIT_S):
        while len(found) < count:
            for entry in await bus.read("large", offset, batches_max=100, wait_ms=1_000):
                found += entry.batch.column("number").to_pylist()
                offset = entry.offset + 1
    return found


async def test_what_is_forwarded_comes_once_and_in_order(open_any: OpenBus) -> None:
    async with open_any() as bus:
        for number in range(20):
            await bus.commit([("small", batch(number))])
        running = asyncio.create_task(pipeline(bus, Tenfold()).run())
        assert await large(bus, 20) == [10 * number for number in range(20)]
        running.cancel()
        await asyncio.wait([running])
        await bus.commit([("small", batch(20))])
        async with asyncio.timeout(_WAIT_S):
            # Kafka marks a transaction's topics and its group's offsets one after the other
            while not sum((await bus.waiting("test.tenfold", ["small"])).values()):  # noqa: ASYNC110 (see above)
                await asyncio.sleep(0.05)
        assert await bus.waiting("test.nobody", ["small"]) == {}
        again = asyncio.create_task(pipeline(bus, Tenfold()).run())
        assert await large(bus, 21) == [10 * number for number in range(21)]
        again.cancel()
        await asyncio.wait([again])


async def test_what_a_processor_cannot_do_is_laid_aside_whole_and_given_again(open_any: OpenBus) -> None:
    async with open_any() as bus:
        for number in range(4):
            await bus.commit([("small", batch(number))])
        failing, working = pipeline(bus, Tenfold(refuses=2)), pipeline(bus, Tenfold())
        running = asyncio.create_task(failing.run())
        assert await large(bus, 3) == [0, 10, 30]
        running.cancel()
        await asyncio.wait([running])
        assert (failing.counts["tenfold"].taken, failing.counts["tenfold"].dead_letters) == (4, 1)
        (laid,) = await laid_aside(bus, "small")
        assert laid.letter[:3] == (7, "test.tenfold", "small")
        assert laid.letter.reason == "ArithmeticError: no tenfold of 2"
        assert await replay_all(bus, None) == (1, 0)
        assert await replay_all(bus, None) == (0, 0)
        again = asyncio.create_task(working.run())
        assert await large(bus, 4) == [0, 10, 30, 20]
        again.cancel()
        await asyncio.wait([again])


async def test_two_processes_share_the_partitions_and_a_key_keeps_its_order(broker: Broker) -> None:
    url = broker.url(f"s{secrets.token_hex(6)}")
    first, second = OfShared(), OfShared()

    def opened(member: str) -> Bus:
        return open_bus(url, is_reader=member != "writer", kafka=structs.replace(_KAFKA, member=member))

    async with opened("writer") as bus, opened("one") as one, opened("two") as two:
        running = [
            asyncio.create_task(pipeline(reader, processor).run())
            for reader, processor in ((one, first), (two, second))
        ]
        sent = 0
        async with asyncio.timeout(_WAIT_S):
            while not (first.took and second.took) or sent < 140:
                await bus.commit([("shared", batch(*range(sent, sent + 14)))])
                sent += 14
        came = await large(bus, sent)
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    assert sorted(came) == [10 * number for number in range(sent)]
    for word in range(7):
        of_word = [number // 10 for number in came if number // 10 % 7 == word]
        assert of_word == sorted(of_word)


async def test_a_later_process_of_the_same_name_fences_the_earlier(broker: Broker) -> None:
    from tidemill.schema.faults import Refused

    url = broker.url(f"s{secrets.token_hex(6)}")
    async with open_bus(url, kafka=_KAFKA) as zombie:
        await zombie.commit([("small", batch(1))])
        async with open_bus(url, kafka=_KAFKA) as living:
            with pytest.raises(Refused, match="another process took over"):
                await zombie.commit([("small", batch(2))], {b"who": b"zombie"})
            await living.commit([("small", batch(3))], {b"who": b"living"})
            entries = await living.read("small", 0, batches_max=9)
            assert [entry.batch.column("number")[0].as_py() for entry in entries] == [1, 3]
            assert await living.get(b"who") == b"living"


class _Rows:
    """A store that keeps rows."""

    def __init__(self) -> None:
        self.rows: list[int] = []

    async def insert(self, _tag: str, batches: Any, _token: str) -> int:
        added = [row["log_index"] for one in batches for row in derive.to_rows("swap", one)]
        self.rows += added
        return len(added)


async def test_the_store_lays_poison_aside_and_goes_on(broker: Broker) -> None:
    prefix = f"s{secrets.token_hex(6)}"
    store = _Rows()
    async with open_bus(broker.url(prefix), kafka=_KAFKA) as bus:
        await bus.commit([("swap", derive.to_batch([swap(0, log_index=1)]))])
        producer = Producer({"bootstrap.servers": broker.servers})
        producer.produce(f"{prefix}.swap", b"poison")
        assert await asyncio.to_thread(producer.flush, _WAIT_S) == 0
        await bus.commit([("swap", derive.to_batch([swap(0, log_index=2)]))])
        settings = WriterSettings(wait_ms_max=1)
        stored: Any = store
        writing = Writer(bus, stored, now_ns=time.time_ns, topics=["swap"], settings=settings)
        running = asyncio.create_task(writing.run())
        async with asyncio.timeout(_WAIT_S):
            await writing.drain()
        running.cancel()
        await asyncio.wait([running])
        assert store.rows == [1, 2]
        (laid,) = await laid_aside(bus)
        assert (laid.letter.consumer, laid.letter.stored) == ("store", b"poison")
        assert await replay_all(bus, None) == (0, 1)


async def test_an_insert_that_is_repeated_reads_no_further_than_its_range(broker: Broker) -> None:
    class Lacking(_Rows):
        async def lacking(self, _tag: str, _batches: Any) -> pa.Table:
            return derive.arrow_schema("swap").empty_table()

        async def settle(self, _tag: str, _start_ns: int, _end_ns: int) -> None:
            """Keep no statistics."""

    store: Any = Lacking()
    async with open_bus(broker.url(f"s{secrets.token_hex(6)}"), kafka=_KAFKA) as bus:
        offsets = [
            (await bus.commit([("swap", derive.to_batch([swap(0, log_index=row)]))]))[0] for row in range(6)
        ]
        # Markers of transactions lie between: so many batches from the first on are more than the range.
        intent = offsets[0].to_bytes(8) + offsets[2].to_bytes(8)
        await bus.commit([], {b"intent/store/swap": intent})
        settings = WriterSettings(wait_ms_max=1)
        writing = Writer(bus, store, now_ns=time.time_ns, topics=["swap"], settings=settings)
        running = asyncio.create_task(writing.run())
        async with asyncio.timeout(_WAIT_S):
            await writing.drain()
        running.cancel()
        await asyncio.wait([running])
    assert store.rows == list(range(6))


@pytest.mark.parametrize("name", sorted(processors()))
def test_every_processor_is_named_reads_and_writes(name: str) -> None:
    kind = processors()[name]
    assert kind.name == name
    assert kind.reads
    assert not set(kind.reads) & set(kind.writes)
    assert kind.__doc__


async def test_pool_activity_counts_the_swaps_of_each_block_and_pool() -> None:
    swaps = derive.to_batch([swap(number) for number in range(8)])  # four a block, of three pools
    async with open_bus("memory://") as bus:
        await bus.commit([("swap", swaps)])
        running = asyncio.create_task(pipeline(bus, processors()["pool_activity"]()).run())
        async with asyncio.timeout(_WAIT_S):
            (entry,) = await bus.read("pool_activity", 0, batches_max=1, wait_ms=10_000)
        running.cancel()
        await asyncio.wait([running])
        assert sum(entry.batch.column("swaps").to_pylist()) == 8
        assert set(entry.batch.column("block_number").to_pylist()) == {0, 1}
