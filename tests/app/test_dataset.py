"""A dataset of stored rows is made again to the byte, and what was changed in it is found."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
import pytest_asyncio
from tests.store.samples import START_NS, block
from typer.testing import CliRunner

from tidemill.app.cli import app
from tidemill.app.training.dataset import DESCRIPTION, ROWS, first_difference, write_dataset
from tidemill.app.training.exported import reading_export
from tidemill.export.request import ExportRequest
from tidemill.export.running import Maker, run_export
from tidemill.export.targets import target_of
from tidemill.learn.datasets.dataset import Label, Preparing, Recipe, content
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Refused
from tidemill.store import Store, StoreSettings, open_store

RECIPE = Recipe(
    table="block",
    columns=("base_fee_wei", "gas_used", "source"),
    start_ns=START_NS,
    end_ns=START_NS + 40,
    label=Label(column="base_fee_wei", horizon_ns=2, by="source"),
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def store(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Store]:
    """Fifty blocks, of which forty are in the recipe's time."""
    path = tmp_path_factory.mktemp("store")
    blocks = [msgspec.structs.replace(block(at), base_fee_wei=2**at) for at in range(50)]
    async with open_store(f"chdb://{path / 'store'}", StoreSettings()) as opened:
        await opened.migrate()
        await opened.insert("block", [derive.to_batch(blocks)], "a")
        yield opened


@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_made_is_made_again_to_the_byte(store: Store, tmp_path: Path) -> None:
    description = await write_dataset(store, RECIPE, tmp_path)
    assert description.rows == 40
    assert description.parts == {"none": 6, "test": 4, "train": 26, "val": 4}
    assert await first_difference(store, tmp_path) is None
    table = pa.ipc.open_file(tmp_path / ROWS).read_all()
    assert table["label"].to_pylist()[:38] == pytest.approx([2 * 0.6931471805599453] * 38)
    assert table["id_block_hash"].to_pylist()[3] == (3).to_bytes(32, "big")
    assert table["base_fee_wei"].to_pylist()[10] == 1024.0


@pytest.mark.asyncio(loop_scope="module")
async def test_a_leak_that_is_planted_is_found(store: Store, tmp_path: Path) -> None:
    await write_dataset(store, RECIPE, tmp_path)
    table = pa.ipc.open_file(tmp_path / ROWS).read_all()
    later = pa.array([*table["gas_used"].to_pylist()[1:], 7.0])
    leaking = table.set_column(table.column_names.index("gas_used"), "gas_used", later)
    (tmp_path / ROWS).write_bytes(content(leaking))
    assert await first_difference(store, tmp_path) == (
        "row 39, gas_used: expected 1.0 as the store has it, the file has 7.0"
    )
    (tmp_path / ROWS).write_bytes(content(table.slice(1)))
    assert "expected 40 rows" in (await first_difference(store, tmp_path) or "")


@pytest.mark.asyncio(loop_scope="module")
async def test_files_that_are_no_dataset_are_said_so(store: Store, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="expected a dataset, found none"):
        await first_difference(store, tmp_path)
    await write_dataset(store, RECIPE, tmp_path)
    (tmp_path / ROWS).write_bytes(b"ARROW1")
    with pytest.raises(Malformed, match="expected an Arrow file"):
        await first_difference(store, tmp_path)
    (tmp_path / DESCRIPTION).write_text(json.dumps({"a": 1}))
    with pytest.raises(Malformed, match=DESCRIPTION):
        await first_difference(store, tmp_path)


def test_without_a_store_the_command_says_so(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        app,
        f"dataset block --columns gas_used --out {tmp_path / 'out'} --start 2024-01-01 --end 2024-01-02 "
        f"--data {tmp_path / 'none'}",
    )
    assert isinstance(said.exception, Refused)
    assert "dataset: expected a store" in str(said.exception)


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("form", ["parquet", "arrow"])
async def test_an_export_gives_the_same_dataset_as_the_store(store: Store, tmp_path: Path, form: str) -> None:
    recipe = msgspec.structs.replace(
        RECIPE,
        folds=2,
        preparing=Preparing(mark_missing=True),
        label=Label(column="base_fee_wei", formula="difference", horizon_ns=2),
    )
    await write_dataset(store, recipe, tmp_path / "dataset")
    request = ExportRequest(format=form, table="block", compression="zstd", rows_a_file=20)
    maker = Maker(version="test", now_ns=lambda: 1, final_blocks=2)
    await run_export(store, request, target_of(str(tmp_path / "out"), tmp_path), maker)
    command = f"verify-dataset {tmp_path / 'dataset'} --export {tmp_path / 'out'}"
    alone = [sys.executable, "-m", "tidemill.app.cli", *command.split()]  # a process has one engine
    ran = await asyncio.to_thread(subprocess.run, alone, capture_output=True, text=True)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "the same as the export gives, to the byte" in ran.stdout
    next((tmp_path / "out").glob("part-*")).write_bytes(b"")
    with pytest.raises(Malformed, match="expected the files of its manifest"):
        async with reading_export(tmp_path / "out"):
            pass


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for folder, why in (("none", "expected the folder of an export"), ("empty", "manifest.json")):
        said = CliRunner().invoke(app, f"verify-dataset {tmp_path} --export {tmp_path / folder}")
        assert isinstance(said.exception, Refused)
        assert why in str(said.exception)
