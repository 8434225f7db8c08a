import asyncio
from collections.abc import Mapping

import pyarrow as pa
import pytest

from tidemill._rust import Factory, Head, Logs
from tidemill.app.chains.pipeline import ChainPipeline, Flow
from tidemill.app.recording.digest import Digest
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import Batches
from tidemill.chains.evm.steps import Reverted, Sealed, Step
from tidemill.process.pools import PoolBook
from tidemill.schema import derive
from tidemill.schema.events import Health, HealthState
from tidemill.schema.faults import Gap, Unreachable, Unsafe

NS_PER_MS = 1_000_000


class FakeClock:
    def __init__(self) -> None:
        self.ns = 1_000 * NS_PER_MS

    def now_ns(self) -> int:
        return self.ns


class FullBus:
    """A bus whose disk is full for the first commits."""

    def __init__(self, bus: Bus, failures: int) -> None:
        self._bus, self.failures = bus, failures

    async def commit(self, batches: Batches, state: Mapping[bytes, bytes | None] | None = None) -> list[int]:
        if self.failures:
            self.failures -= 1
            raise Unreachable("bus: no space left on device")
        return await self._bus.commit(batches, state)


def block(number: int) -> Head:
    return Head(
        number=number,
        hash=number.to_bytes(32, "big"),
        parent_hash=(number - 1).to_bytes(32, "big"),
        timestamp_s=number,
        gas_used=0,
        gas_limit=0,
    )


def sealed(*numbers: int, recv_ns: int = 0) -> Sealed:
    times = tuple(recv_ns for _ in numbers)
    return Sealed(tuple(map(block, numbers)), Logs(), times, times)


def book() -> PoolBook:
    return PoolBook("test", 1, [Factory(b"\x01" * 20, "uniswap_v2", "uniswap")], 256)


@pytest.fixture
async def bus():
    async with open_bus("memory://") as opened:
        yield opened


async def test_events_and_state_of_a_step_are_one_commit(bus):
    pipeline = ChainPipeline(book(), bus, FakeClock())
    health = Health(
        event_ns=1,
        recv_ns=1,
        source="test",
        connection="r",
        sequence=1,
        endpoint="e",
        state=HealthState.LIVE,
        detail="",
    )
    await pipeline.take(Step(blocks=[sealed(1, 2)], events=[health], state={b"chain/test/tip": b"2"}))
    assert pipeline.tip == 2
    (entry,) = await bus.read("block", 0, batches_max=9)
    assert entry.batch.column("block_number").to_pylist() == [1, 2]
    assert await bus.get(b"chain/test/tip") == b"2"
    assert await bus.get(b"pools/test/tip/") is not None
    (entry,) = await bus.read("health", 0, batches_max=9)
    assert derive.to_rows("health", entry.batch)[0]["state"] == "live"


async def test_a_step_without_anything_commits_nothing(bus):
    await ChainPipeline(book(), bus, FakeClock()).take(Step())
    assert await bus.topics() == []


async def test_a_full_disk_is_waited_out_and_nothing_is_lost_or_double(bus):
    pipeline = ChainPipeline(book(), FullBus(bus, failures=2), FakeClock())  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        await pipeline.take(Step(blocks=[sealed(1)]))
        await pipeline.take(Step(blocks=[sealed(2)]))
    entries = await bus.read("block", 0, batches_max=9)
    assert [entry.batch.column("block_number").to_pylist() for entry in entries] == [[1], [2]]
    assert pipeline.fault_count == 2
    assert "no space left" in str(pipeline.faults[-1])


async def test_a_revert_past_what_is_known_is_unsafe(bus):
    pipeline = ChainPipeline(book(), bus, FakeClock())
    await pipeline.take(Step(blocks=[sealed(1)]))
    with pytest.raises(Unsafe):
        await pipeline.take(Step(blocks=[Reverted(block(9), 0, 1)]))


async def test_faults_are_counted_and_the_last_ones_kept(bus):
    pipeline = ChainPipeline(book(), bus, FakeClock())
    await pipeline.take(Step(faults=[Gap(str(number)) for number in range(150)]))
    assert pipeline.fault_count == 150
    assert [str(fault) for fault in pipeline.faults] == [str(number) for number in range(50, 150)]


async def test_latency_runs_from_the_frame_to_the_bus_and_to_the_store(bus):
    clock, flow = FakeClock(), Flow()
    pipeline = ChainPipeline(book(), bus, clock, flow=flow)
    await pipeline.take(Step(blocks=[sealed(1, recv_ns=clock.ns - 3 * NS_PER_MS)]))
    await pipeline.take(Step(blocks=[sealed(2, recv_ns=clock.ns - 3 * NS_PER_MS)]))
    assert flow.to_bus.summary_ms()["count"] == 2
    assert flow.to_bus.summary_ms()["max_ms"] == 3
    assert flow.to_store.count == 0
    flow.stored("block", 0, clock.ns + 7 * NS_PER_MS)
    assert (flow.to_store.count, flow.to_store.summary_ms()["max_ms"]) == (1, 10)
    flow.stored("block", 1, clock.ns)
    assert flow.to_store.count == 2


async def test_the_digest_does_not_depend_on_how_blocks_came(bus):
    digests = []
    for steps in ([[1, 2, 3, 4]], [[1], [2, 3], [4]]):
        digest = Digest()
        pipeline = ChainPipeline(book(), bus, FakeClock(), digest=digest)
        for numbers in steps:
            await pipeline.take(Step(blocks=[sealed(number) for number in numbers]))
        digests.append((digest.hex(), digest.counts))
    assert digests[0] == digests[1]
    assert digests[0][1] == {"block": 4}


async def test_who_watches_sees_every_batch_after_it_is_committed(bus):
    seen: list[tuple[str, pa.RecordBatch]] = []
    pipeline = ChainPipeline(book(), bus, FakeClock(), on_batches=seen.extend)
    await pipeline.take(Step(blocks=[sealed(1)]))
    assert [topic for topic, _ in seen] == ["block"]
