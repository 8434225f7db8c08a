"""Is a data folder of an earlier version taken over, with all that it holds, on its bus too."""

import asyncio
import tarfile
import time

import pytest
import zstandard

from tidemill.app.settings import read_settings
from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.store import Writer, open_store

from .conftest import ROOT

FOLDER = ROOT / "tests/captures/data_folder"


@pytest.fixture(params=sorted(FOLDER.glob("*.tar.zst")), ids=lambda path: path.name.partition(".")[0])
def environment(request, tmp_path):
    with request.param.open("rb") as packed, zstandard.ZstdDecompressor().stream_reader(packed) as plain:
        with tarfile.open(fileobj=plain, mode="r|") as archive:
            archive.extractall(tmp_path, filter="tar")
    return read_settings(None, tmp_path / "old_data", {})


async def test_what_was_stored_stays_and_what_waited_is_stored_by_this_version(environment):
    settings = environment.settings
    async with (
        open_bus(environment.bus_url, settings.bus) as bus,
        open_store(environment.store_url, settings.store) as store,
    ):
        before = {size.table: size.rows for size in await store.stats()}
        assert [before["swap"], before["block"]] == [40, 10]
        done = await store.migrate()
        assert "let_a_pools_fee_be_unknown" in done
        assert any(name.startswith("add ") for name in done), "columns that it lacked"
        assert await store.migrate() == []
        writer = Writer(bus, store, now_ns=time.time_ns, settings=settings.store.writer)
        writing = asyncio.create_task(writer.run())
        async with asyncio.timeout(60):
            await writer.drain()
        writing.cancel()
        await asyncio.wait([writing])
        rows = await store.select("swap", 0, 1 << 62, finality="instant")
        assert rows.schema.names == derive.arrow_schema("swap").names
        assert rows["log_index"].to_pylist() == [number % 4 for number in range(60)]
        told = await store.query("SELECT sum(toUInt64(amount0_in)) AS sold FROM swap_canonical")
        assert told["sold"].to_pylist() == [sum(range(60))]
        after = {size.table: size.rows for size in await store.stats()}
        assert [after["swap"], after["block"]] == [60, 15]
        assert after.keys() == set(derive.EVENTS)


def test_the_command_line_takes_it_over_too(environment, cli):
    ended = cli(
        "sql", "--data", str(environment.paths.data), "SELECT count() AS n FROM swap", "--format", "csv"
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.split() == ["n", "40"]
