"""What every bus backend must do alike."""

import asyncio
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.bus import Bus, Consumer, Entry
from tidemill.schema.faults import Gap, Unreachable

SCHEMA = pa.schema([pa.field("number", pa.uint64(), nullable=False), pa.field("word", pa.binary(32))])
MakeBus = Any


def batch(*numbers: int) -> pa.RecordBatch:
    words = [None if number % 3 == 0 else number.to_bytes(32, "little") for number in numbers]
    return pa.RecordBatch.from_arrays(
        [pa.array(numbers, pa.uint64()), pa.array(words, pa.binary(32))], schema=SCHEMA
    )


def numbers(entries: list[Entry]) -> list[int]:
    return [number for entry in entries for number in entry.batch.column("number").to_pylist()]


async def test_what_is_appended_is_read_back_in_order(make_bus: MakeBus) -> None:
    async with make_bus() as bus:
        assert await bus.commit([("swap", batch(1, 2)), ("block", batch(3)), ("swap", batch(4))]) == [0, 0, 1]
        (last,) = await bus.commit([("swap", batch(5))])
        entries = await bus.read("swap", 0, batches_max=10)
        assert [entry.offset for entry in entries] == [0, 1, last]
        assert last > 1
        assert entries[0].batch == batch(1, 2)
        assert entries[0].batch.schema == SCHEMA
        assert numbers(entries) == [1, 2, 4, 5]
        assert numbers(await bus.read("swap", 1, batches_max=1)) == [4]
        assert await bus.topics() == ["block", "swap"]
        assert (await bus.first("swap"), await bus.head("swap")) == (0, last + 1)


async def test_a_topic_that_nothing_was_appended_to_is_empty(make_bus: MakeBus) -> None:
    async with make_bus() as bus:
        assert await bus.read("swap", 0, batches_max=1) == []
        assert (await bus.first("swap"), await bus.head("swap")) == (0, 0)
        assert await bus.topics() == []


async def test_state_changes_are_kept_and_listed_by_prefix(make_bus: MakeBus) -> None:
    async with make_bus() as bus:
        await bus.commit(
            [], {b"chain/1": b"a", b"chain/2": b"b", b"chaim": b"c", b"chbin": b"d", b"\xff": b""}
        )
        assert await bus.state(b"chain/") == [(b"chain/1", b"a"), (b"chain/2", b"b")]
        await bus.commit([], {b"chain/1": None, b"chain/2": b"e", b"never": None})
        assert await bus.state(b"") == [
            (b"chaim", b"c"),
            (b"chain/2", b"e"),
            (b"chbin", b"d"),
            (b"\xff", b""),
        ]
        assert await bus.get(b"chain/1") is None
        assert await bus.get(b"\xff") == b""


async def test_a_reader_wakes_when_its_topic_grows(make_bus: MakeBus) -> None:
    async with make_bus() as bus, asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(bus.read("swap", 0, batches_max=1, wait_ms=60_000))
        other = tasks.create_task(bus.read("block", 0, batches_max=1, wait_ms=20))
        await bus.commit([("swap", batch(7))])
        assert numbers(await reading) == [7]
        assert await other == []


async def test_batches_of_one_topic_may_change_their_schema(make_bus: MakeBus) -> None:
    wider = pa.RecordBatch.from_pydict({"number": pa.array([1], pa.uint64()), "note": ["x"]})
    async with make_bus() as bus:
        await bus.commit([("swap", batch(1)), ("swap", wider), ("swap", batch(2))])
        entries = await bus.read("swap", 0, batches_max=9)
        assert [entry.batch.schema for entry in entries] == [SCHEMA, wider.schema, SCHEMA]


async def test_old_batches_go_when_there_are_too_many_bytes(make_trimming_bus: MakeBus) -> None:
    async with make_trimming_bus(retention_bytes=20_000) as bus:
        for number in range(400):
            await bus.commit([("swap", batch(*range(number, number + 20)))])
        first = await bus.first("swap")
        assert 0 < first < 400
        assert await bus.head("swap") == 400
        with pytest.raises(Gap, match=f"expected offset 0, the oldest kept is {first}"):
            await bus.read("swap", 0, batches_max=1)
        kept = await bus.read("swap", first, batches_max=1000)
        assert [entry.offset for entry in kept] == list(range(first, 400))


async def test_what_a_consumer_still_needs_is_not_trimmed(make_trimming_bus: MakeBus) -> None:
    async with make_trimming_bus(retention_bytes=1) as bus:
        slow = Consumer(bus, "slow", "swap")
        await slow.start()
        for number in range(30):
            await bus.commit([("swap", batch(number)), ("block", batch(number))])
        assert await bus.first("swap") == 0
        assert await bus.first("block") == 28  # the latest before a commit stays through it
        entries = await slow.next(batches_max=10, wait_ms=0)
        await slow.done(entries[-1].offset + 1)
        await bus.commit([("swap", batch(30))])
        assert await bus.first("swap") == 10


async def test_a_full_bus_refuses_whole_commits_and_recovers(make_trimming_bus: MakeBus) -> None:
    async with make_trimming_bus(retention_bytes=50_000, size_max_bytes=1 << 20) as bus:
        consumer = Consumer(bus, "slow", "swap")
        await consumer.start()
        accepted = await _fill(bus)
        with pytest.raises(Unreachable, match="size_max_bytes = 1048576 are held for its consumers"):
            await bus.commit([("swap", _big(accepted))], {b"last": b"never"})
        assert await bus.head("swap") == accepted
        assert await bus.get(b"last") == str(accepted - 1).encode()
        await consumer.done(accepted)
        await bus.commit([], {b"last": b"x"})
        assert await bus.commit([("swap", _big(accepted))]) == [accepted]
        assert numbers(await bus.read("swap", accepted, batches_max=1))[0] == accepted


def _big(number: int) -> pa.RecordBatch:
    return batch(*range(number, number + 1000))


async def _fill(bus: Bus) -> int:
    for number in range(10_000):
        try:
            await bus.commit([("swap", _big(number))], {b"last": str(number).encode()})
        except Unreachable:
            return number
    raise AssertionError("the bus never filled")


async def test_a_consumer_takes_up_its_place(make_bus: MakeBus) -> None:
    async with make_bus() as bus:
        await bus.commit([("swap", batch(1)), ("swap", batch(2)), ("swap", batch(3))])
        consumer = Consumer(bus, "store", "swap")
        assert await consumer.start() == 0
        assert numbers(await consumer.next(batches_max=2, wait_ms=0)) == [1, 2]
        await consumer.done(1)
        assert consumer.next_offset == 2
        again = Consumer(bus, "store", "swap")
        assert await again.start() == 1
        assert numbers(await again.next(batches_max=9, wait_ms=0)) == [2, 3]


async def test_two_buses_have_two_identities(make_bus: MakeBus) -> None:
    async with make_bus() as bus:
        assert len(bus.identity) == 16


@pytest.mark.parametrize("topic", ["", "Swap", "a/b", "x" * 201, "a\0"])
async def test_a_topic_with_an_unfit_name_is_our_bug(make_bus: MakeBus, topic: str) -> None:
    async with make_bus() as bus:
        with pytest.raises(ValueError, match="expected a name"):
            await bus.commit([(topic, batch(1))])


async def test_a_dictionary_column_is_our_bug(make_bus: MakeBus) -> None:
    encoded = pa.RecordBatch.from_pydict({"word": pa.array(["a", "a"]).dictionary_encode()})
    async with make_bus() as bus:
        with pytest.raises(ValueError, match="no dictionary encoding"):
            await bus.commit([("swap", batch(1)), ("swap", encoded)], {b"key": b"value"})
        assert await bus.head("swap") == 0
        assert await bus.get(b"key") is None


async def test_commits_from_many_tasks_get_each_their_own_offset(make_bus: MakeBus) -> None:
    async with make_bus() as bus:
        async with asyncio.TaskGroup() as tasks:
            made = [tasks.create_task(bus.commit([("swap", batch(number))])) for number in range(50)]
        offsets = [task.result()[0] for task in made]
        entries = {entry.offset: entry for entry in await bus.read("swap", 0, batches_max=50)}
        assert [numbers([entries[offset]])[0] for offset in offsets] == list(range(50))


async def test_a_read_is_bounded_in_bytes(make_bus: MakeBus) -> None:
    async with make_bus(read_bytes_max=1) as bus:
        await bus.commit([("swap", batch(1)), ("swap", batch(2))])
        assert numbers(await bus.read("swap", 0, batches_max=9)) == [1]


_COMMIT = st.tuples(
    st.lists(st.tuples(st.sampled_from(["a", "b"]), st.lists(st.integers(0, 9), max_size=3)), max_size=3),
    st.dictionaries(st.sampled_from([b"x", b"y", b"z"]), st.none() | st.binary(max_size=3), max_size=2),
)


@given(commits=st.lists(_COMMIT, max_size=6))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_commits_leave_what_a_list_and_a_dict_would(make_bus: MakeBus, commits: list[Any]) -> None:
    async def compare() -> None:
        async with make_bus() as bus:
            # The same folder serves every example: look at what this one adds.
            begun = {topic: await bus.head(topic) for topic in "ab"}
            kept.update(await bus.state(b""))
            for batches, changes in commits:
                await bus.commit([(topic, batch(*rows)) for topic, rows in batches], changes)
                for topic, rows in batches:
                    lists[topic].append(rows)
                kept.update(changes)
            for topic, rows in lists.items():
                entries = await bus.read(topic, begun[topic], batches_max=99)
                assert [numbers([entry]) for entry in entries] == rows
            assert await bus.state(b"") == sorted(
                (key, value) for key, value in kept.items() if value is not None
            )

    lists: dict[str, list[Any]] = {"a": [], "b": []}
    kept: dict[bytes, bytes | None] = {}
    asyncio.run(compare())
