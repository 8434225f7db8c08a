"""Exports of each kind of store: which rows they have, what is left of one that was interrupted."""

import asyncio
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import pytest_asyncio
from tests.store.conftest import clickhouse_server  # noqa: F401 a fixture
from tests.store.conftest import shared_store as module_store  # noqa: F401 of each backend
from tests.store.samples import START_NS, swap

from tidemill.export import Exporter, Rows
from tidemill.export.formats.ndjson import NdjsonExporter
from tidemill.export.plan import make_plan, slices
from tidemill.export.registered import _added
from tidemill.export.request import ExportRequest
from tidemill.export.running import Progress, run_export
from tidemill.export.targets import target_of
from tidemill.export.verifying import verify
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store.snapshot import take_snapshot

from .conftest import HOUR_NS, numbers

pytestmark = pytest.mark.asyncio(loop_scope="module")


def request(**changes) -> ExportRequest:
    return ExportRequest(**({"format": "ndjson", "table": "swap"} | changes))


async def exported(world, maker, to, **changes):
    return await run_export(world.store, request(**changes), target_of(str(to), to.parent), maker)


async def test_a_reverted_block_is_left_out(world, maker, tmp_path):
    await world.swaps(0, 20)
    await world.revert(2)
    manifest = await exported(world, maker, tmp_path / "out")
    assert numbers(tmp_path / "out") == [*range(8), *range(12, 20)]
    assert manifest.rows == 16
    assert [one.block_count for one in manifest.blocks] == [4]
    assert manifest.blocks[0].last_hash == f"0x{4:064x}"


async def test_every_row_is_there_where_all_are_asked_for(world, maker, tmp_path):
    await world.swaps(0, 20)
    await world.revert(2)
    await exported(world, maker, tmp_path / "out", finality="instant")
    assert numbers(tmp_path / "out") == [*range(20)]


async def test_rows_that_a_reorg_may_reach_are_not_final(world, maker, tmp_path):
    await world.swaps(0, 20)
    await world.blocks(0, 5)
    await exported(world, maker, tmp_path / "out", finality="finalized")
    assert numbers(tmp_path / "out") == [*range(12)]


async def test_times_end_before_the_end(world, maker, tmp_path):
    await world.swaps(0, 20)
    times = {"start_ns": START_NS + 3 * HOUR_NS, "end_ns": START_NS + 7 * HOUR_NS}
    await exported(world, maker, tmp_path / "out", **times)
    assert numbers(tmp_path / "out") == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("by", "folder"), [("date", "date=2023-11-15"), ("hour", "hour=2023-11-15T00"), ("dex", "dex=a%2Fb")]
)
async def test_each_value_has_a_folder(world, maker, tmp_path, by, folder):
    await world.swaps(0, 10)
    await world.add(*_of_dex("a/b'\\"))
    await world.add(*_of_dex("a/b"))
    await exported(world, maker, tmp_path / "out", partition_by=by)
    assert folder in {path.name for path in (tmp_path / "out").iterdir()}
    assert numbers(tmp_path / "out") == sorted([*range(10), 100, 100])


def _of_dex(dex):
    return [swap(100, dex=dex, event_ns=START_NS, log_index=len(dex))]


async def test_rows_are_cut_into_files_without_a_gap_or_a_repeat(world, maker, tmp_path):
    await world.swaps(0, 100)
    manifest = await exported(world, maker, tmp_path / "out", rows_a_file=30)
    assert len(manifest.files) == 4
    assert numbers(tmp_path / "out") == [*range(100)]


async def test_nothing_makes_a_manifest_of_nothing(world, maker, tmp_path):
    manifest = await exported(world, maker, tmp_path / "out")
    assert (manifest.rows, manifest.files) == (0, [])
    assert verify(tmp_path / "out").differences == []


async def test_an_incremental_export_has_every_row_once_whatever_merges_and_times(world, maker, tmp_path):
    out = tmp_path / "out"
    await world.swaps(50, 60)
    await exported(world, maker, out, is_incremental=True)
    await world.swaps(60, 70)
    await world.merge()
    await world.swaps(0, 10)  # older than what was exported
    await exported(world, maker, out, is_incremental=True)
    await world.merge()
    third = await exported(world, maker, out, is_incremental=True)
    assert numbers(out / "run-00001") == [*range(50, 60)]
    assert numbers(out / "run-00002") == [*range(10), *range(60, 70)]
    assert third.rows == 0
    assert verify(out).differences == []
    assert (verify(out).manifests, verify(out).rows) == (3, 30)


async def test_what_a_reorg_took_and_brought_back_is_told(world, maker, tmp_path):
    out = tmp_path / "out"
    await world.swaps(0, 8)
    await world.revert(1)
    first = await exported(world, maker, out, is_incremental=True)
    await world.revert(0, sequence=2)
    await world.revert(1, ReorgKind.RESTORED, sequence=3)
    second = await exported(world, maker, out, is_incremental=True)
    assert (first.rows, first.withdrawn_rows) == (4, 0)
    assert numbers(out / "run-00002") == [4, 5, 6, 7]
    assert second.withdrawn_rows == 4


async def test_of_other_times_nothing_is_withdrawn(world, maker, tmp_path):
    times = {"start_ns": START_NS + 5 * HOUR_NS, "end_ns": START_NS + 7 * HOUR_NS}
    await world.swaps(0, 12)
    await exported(world, maker, tmp_path / "out", is_incremental=True, **times)
    await world.revert(1)
    await world.revert(2)
    second = await exported(world, maker, tmp_path / "out", is_incremental=True, **times)
    assert (second.rows, second.withdrawn_rows) == (0, 2)


async def test_text_that_readers_take_for_an_absent_value_is_told_from_one(world, maker, tmp_path):
    await world.add(swap(0, dex="__HIVE_DEFAULT_PARTITION__"), swap(1, dex="a_b"))
    await exported(world, maker, tmp_path / "out", partition_by="dex", format="parquet")
    assert {path.parent.name for path in (tmp_path / "out").rglob("*.parquet")} == {
        "dex=%5F%5FHIVE%5FDEFAULT%5FPARTITION%5F%5F",
        "dex=a_b",
    }


async def test_runs_go_on_beyond_the_digits_of_their_names(world, maker, tmp_path):
    out = tmp_path / "out"
    for first, number in ((0, 99_999), (10, 100_000)):
        await world.swaps(first, first + 10)
        await exported(world, maker, out, is_incremental=True)
        (out / f"run-{1 if first == 0 else number:05d}").rename(out / f"run-{number:05d}")
    await world.swaps(20, 30)
    assert (await exported(world, maker, out, is_incremental=True)).rows == 10
    assert numbers(out / "run-100001") == [*range(20, 30)]


async def test_another_request_to_the_same_target_is_refused(world, maker, tmp_path):
    await world.swaps(0, 4)
    await exported(world, maker, tmp_path / "out", is_incremental=True)
    with pytest.raises(Refused, match="expected the request that made run-00001"):
        await exported(world, maker, tmp_path / "out", is_incremental=True, compression="zstd")


async def test_a_folder_that_holds_something_is_not_written_to(world, maker, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("x")
    with pytest.raises(Refused, match="it holds something"):
        await exported(world, maker, tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "xml"}, "format: expected one of arrow, csv"),
        ({"table": "nothing"}, "event: expected one of block"),
        ({"compression": "snappy"}, "compression: expected one of none, gzip"),
        ({"partition_by": "amount0_in"}, "partition_by: expected date, hour or one of source"),
        ({"start_ns": 2, "end_ns": 2}, "end: expected a time after start"),
    ],
)
async def test_what_is_not_possible_is_refused(world, maker, tmp_path, changes, message):
    with pytest.raises(Refused, match=message):
        await exported(world, maker, tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


class Held(NdjsonExporter):
    """Says when it is in the middle of its second file."""

    def __init__(self) -> None:
        self.files = 0
        self.is_held = asyncio.Event()
        self._loop = asyncio.get_running_loop()

    def export(self, data: Rows):
        self.files += 1
        for piece in super().export(data):
            yield piece
            if self.files == 2:
                self._loop.call_soon_threadsafe(self.is_held.set)


@pytest_asyncio.fixture(loop_scope="module")
async def held():
    exporter = Held()
    _added["held"] = exporter
    yield exporter
    del _added["held"]


class Endless:
    """A store whose second stream never ends, so that what reads it can be stopped in the middle."""

    def __init__(self, store) -> None:
        self._store = store
        self._streams = 0
        self.query = store.query

    async def stream(self, sql):
        self._streams += 1
        async for batch in self._store.stream(sql):
            yield batch
            while self._streams == 2:
                await asyncio.sleep(0)
                yield batch.slice(0, 1)


async def test_a_cancelled_export_leaves_nothing_that_looks_whole_and_goes_on(world, maker, tmp_path, held):
    await world.swaps(0, 100)
    target, asked = target_of(str(tmp_path / "out"), tmp_path), request(format="held", rows_a_file=30)
    running = asyncio.ensure_future(run_export(Endless(world.store), asked, target, maker))
    await held.is_held.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert not (tmp_path / "out").exists()
    await world.swaps(100, 110)  # came after it began
    held.files, progress = 10, Progress()
    manifest = await run_export(world.store, asked, target, maker, progress)
    assert held.files == 13, "the first file was kept"
    assert numbers(tmp_path / "out") == [*range(100)]
    assert (manifest.rows, progress.percent) == (100, 100.0)
    assert not list(tmp_path.glob(".out*"))


async def test_a_full_disk_is_a_fault_and_not_a_bug(world, maker, tmp_path):
    class Full(Exporter):
        suffix = ".full"

        def write(self, data: Rows, path: Path, compression: str) -> None:
            raise OSError(28, "No space left on device")

    await world.swaps(0, 4)
    _added["full"] = Full()
    try:
        with pytest.raises(Unreachable, match="No space left"):
            await exported(world, maker, tmp_path / "out", format="full")
    finally:
        del _added["full"]


async def test_a_users_own_format_returns_bytes(world, maker, tmp_path):
    class Counted(Exporter):
        suffix = ".txt"

        def export(self, data: Rows) -> bytes:
            return str(sum(batch.num_rows for batch in data)).encode()

    from tidemill.export import register

    await world.swaps(0, 7)
    register("counted", Counted())
    try:
        with pytest.raises(Refused, match="expected a new name"):
            register("counted", Counted())
        await exported(world, maker, tmp_path / "out", format="counted", compression="gzip")
    finally:
        del _added["counted"]
    with pa.input_stream(str(tmp_path / "out" / "part-00000.txt.gz"), compression="gzip") as file:
        assert file.read() == b"7"


async def test_parquet_keeps_the_order_of_its_table(world, maker, tmp_path):
    await world.swaps(10, 20)
    await world.swaps(0, 10)
    await exported(world, maker, tmp_path / "out", format="parquet")
    found = pq.read_table(tmp_path / "out" / "part-00000.parquet").column("block_number").to_pylist()
    assert found == sorted(found)


@pytest.mark.parametrize("by", [None, "dex"])
async def test_slices_read_each_row_once_and_in_the_order_of_its_table(world, maker, tmp_path, by):
    await world.swaps(50, 100)
    await world.swaps(0, 70)
    asked = request(partition_by=by, finality="instant")
    snapshot = await take_snapshot(world.store, "swap", "instant", maker.final_blocks)
    plan = await make_plan(world.store, asked, snapshot, None)
    [part] = plan.parts
    [whole] = await slices(world.store, plan, part)
    parted = await slices(world.store, plan, part, values=20 * len(derive.columns("swap")))
    assert len(parted) == 6
    found = [await read(world.store, [whole]), await read(world.store, parted)]
    assert found[0].num_rows == 120
    assert found[0].equals(found[1])


async def read(store, statements):
    return pa.Table.from_batches([batch for one in statements async for batch in store.stream(one)])
