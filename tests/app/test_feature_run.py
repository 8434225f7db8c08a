"""Records are made once from what is on the bus, whenever the process dies, and whatever it was reading."""

import random

import pyarrow as pa
import pytest
from tests.process.features.chain import MadeBlock, made_block, reorg_batch, take, taken

from tidemill.app.streams import feature_run
from tidemill.app.streams.feature_run import FeatureRun
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import State, consumer_key, offset_value
from tidemill.process.features.book import RECORD, FeatureBook
from tidemill.process.features.config import FeatureConfig
from tidemill.process.pools import Batches
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind

CONFIG = FeatureConfig(late_blocks_max=8)
BLOCKS = [made_block(number) for number in range(100, 260)]


class Died(Exception):
    """The process is gone."""


async def put(bus: Bus, block: MadeBlock) -> None:
    """Commit a block as a pipeline does, and then what inspection found in it."""
    await bus.commit([(topic, batch) for topic, batch in block.batches.items() if topic != "arbitrage"], {})
    if (found := block.batches.get("arbitrage")) is not None:
        await bus.commit([("arbitrage", found)], {})


async def records_on(bus: Bus) -> list[dict[str, object]]:
    entries = await bus.read(RECORD, 0, batches_max=10_000)
    table = pa.Table.from_batches([entry.batch for entry in entries], derive.arrow_schema(RECORD))
    return table.to_pylist()


async def run_with_each(bus: Bus, blocks: list[MadeBlock]) -> None:
    """Have a process take each block as it comes."""
    run = FeatureRun(bus, CONFIG)
    for one in blocks:
        await put(bus, one)
        await run.turn(bus.commit, wait_ms=0)


def expected_of(blocks: list[MadeBlock]) -> list[dict[str, object]]:
    book = FeatureBook(CONFIG.late_blocks_max)
    records = [record for one in blocks for record in take(book, taken([one]))]
    return pa.Table.from_batches(records).to_pylist()


async def test_what_is_on_the_bus_is_recorded_as_a_batch_would_be() -> None:
    async with open_bus("memory://") as bus:
        for one in BLOCKS:
            await put(bus, one)
        run = FeatureRun(bus, CONFIG)
        await run.turn(bus.commit, wait_ms=0)
        assert await records_on(bus) == expected_of(BLOCKS)
        assert run.records == len(await records_on(bus))


@pytest.mark.parametrize("seed", range(6))
async def test_a_process_that_dies_anywhere_records_each_arbitrage_once_and_the_same(seed: int) -> None:
    dice = random.Random(seed)
    async with open_bus("memory://") as bus:

        async def commit(batches: Batches, state: State) -> list[int]:
            fate = dice.random()
            if fate < 0.1:
                raise Died
            offsets = await bus.commit(batches, state)
            if fate < 0.2:
                raise Died
            return offsets

        run, deaths = FeatureRun(bus, CONFIG), 0
        for one in BLOCKS:
            await put(bus, one)
            if dice.random() < 0.6:
                continue
            try:
                await run.turn(commit, wait_ms=0)
            except Died:
                run, deaths = FeatureRun(bus, CONFIG), deaths + 1
        await FeatureRun(bus, CONFIG).turn(bus.commit, wait_ms=0)
        assert deaths > 3
        assert await records_on(bus) == expected_of(BLOCKS)


async def test_a_reorg_is_remembered_over_a_restart() -> None:
    gone = [made_block(number, branch=1) for number in range(200, 203)]
    async with open_bus("memory://") as bus:
        await run_with_each(bus, [*BLOCKS[:100], *gone])
        for one in gone:
            await bus.commit([("reorg", reorg_batch(one.number, ReorgKind.REVERTED, branch=1))], {})
        await run_with_each(bus, BLOCKS[100:])
        lost = {row["tx_hash"] for one in gone for row in _arbitrages(one)}
        kept = [row for row in await records_on(bus) if row["tx_hash"] not in lost]
        assert kept == expected_of(BLOCKS)


def _arbitrages(block: MadeBlock) -> list[dict[str, object]]:
    batch = block.batches.get("arbitrage")
    return [] if batch is None else batch.to_pylist()


async def test_blocks_wait_for_an_inspection_that_is_far_behind() -> None:
    async with open_bus("memory://") as bus:
        await bus.commit([], {b"inspect/made/block": offset_value(0)})
        for one in BLOCKS:
            batches = {topic: batch for topic, batch in one.batches.items() if topic != "arbitrage"}
            await put(bus, MadeBlock(one.number, batches))
        run = FeatureRun(bus, CONFIG)
        await run.turn(bus.commit, wait_ms=0)
        for place, one in enumerate(BLOCKS, 1):
            found = [("arbitrage", batch) for topic, batch in one.batches.items() if topic == "arbitrage"]
            await bus.commit(found, {b"inspect/made/block": offset_value(place)})
            await run.turn(bus.commit, wait_ms=0)
        assert await records_on(bus) == expected_of(BLOCKS)
        assert run.book("made").corrections == 0


async def test_two_chains_on_one_bus_are_told_apart() -> None:
    async with open_bus("memory://") as bus:
        run = FeatureRun(bus, CONFIG)
        for one in BLOCKS[:60]:
            await put(bus, one)
            await put(bus, _renamed(one))
            await run.turn(bus.commit, wait_ms=0)
        records = await records_on(bus)
        expected = expected_of(BLOCKS[:60])
        assert [row for row in records if row["source"] == "made"] == expected
        assert [row | {"source": "made"} for row in records if row["source"] == "other"] == expected


def _renamed(block: MadeBlock) -> MadeBlock:
    batches: dict[str, pa.RecordBatch] = {}
    for topic, batch in block.batches.items():
        at = batch.schema.get_field_index("source")
        names = pa.array(["other"] * batch.num_rows)
        batches[topic] = batch.set_column(at, batch.schema.field(at), names)
    return MadeBlock(block.number, batches)


async def test_a_chain_that_fell_silent_holds_the_bus_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feature_run, "_BEHIND_BLOCKS_MAX", 40)
    async with open_bus("memory://") as bus:
        run = FeatureRun(bus, CONFIG)
        for at, one in enumerate(BLOCKS):
            await put(bus, one)
            if at < 30:
                await put(bus, _renamed(one))
            await run.turn(bus.commit, wait_ms=0)
        for topic in ("block", "swap"):
            held = await bus.get(consumer_key("features", topic))
            assert held is not None
            assert int.from_bytes(held, "big") > await bus.head(topic) - 40
        again = FeatureRun(bus, CONFIG)
        await put(bus, made_block(260))
        await put(bus, _renamed(made_block(260)))
        await again.turn(bus.commit, wait_ms=0)
        assert again.too_late_rows == 0
        records = [row for row in await records_on(bus) if row["source"] == "made"]
        assert records == expected_of([*BLOCKS, made_block(260)])


async def test_windows_begin_anew_where_nothing_held_the_bus_since_their_checkpoint() -> None:
    async with open_bus("memory://") as bus:
        await run_with_each(bus, BLOCKS)
        await FeatureRun(bus, FeatureConfig(enabled=False)).run(bus.commit)
        left = {key: value for key, value in await bus.state(b"features/") if key != b"features/told"}
    assert left
    later = [made_block(number) for number in range(400, 440)]
    async with open_bus("memory://") as bus:  # as one that has let go what was before
        await bus.commit([], left)
        await run_with_each(bus, later)
        assert await records_on(bus) == expected_of(later)


async def test_the_bus_is_held_by_what_a_restart_needs_and_not_where_nothing_is_recorded() -> None:
    async with open_bus("memory://") as bus:
        await run_with_each(bus, BLOCKS)
        kept = await bus.get(consumer_key("features", "block"))
        assert kept is not None
        assert len(BLOCKS) - 40 < int.from_bytes(kept, "big") < len(BLOCKS)
        await FeatureRun(bus, FeatureConfig(enabled=False)).run(bus.commit)
        assert await bus.get(consumer_key("features", "block")) is None
