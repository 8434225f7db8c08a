"""What is asked of every format: a file in `export/formats` is found, and cannot escape."""

from importlib import import_module

import pyarrow as pa
import pytest
from tests.export.rows import batches_of, comparable, rows_of

from tidemill.export import Rows, exporters
from tidemill.export.exporter import FileExporter
from tidemill.schema.events import EVENTS

FORMATS = sorted(exporters())
PACKED = [(name, packing) for name in FORMATS for packing in exporters()[name].compressions]


def read_back(name, path, tag):
    """Return a file's rows by the format's reader in `tests/export/readers`, which is not our own code."""
    return import_module(f"tests.export.readers.{name}").read(path, tag)


def written(name, tag, batches, folder, packing="none"):
    exporter = exporters()[name]
    path = folder / f"rows{exporter.suffix}"
    exporter.write(Rows(tag, iter(batches)), path, packing)
    return path


@pytest.mark.parametrize("tag", EVENTS)
@pytest.mark.parametrize("name", FORMATS)
def test_every_event_is_read_back_equal(name, tag, tmp_path):
    batches = batches_of(tag)
    path = written(name, tag, batches, tmp_path)
    assert comparable(read_back(name, path, tag)) == comparable(rows_of(tag, batches))


@pytest.mark.parametrize("name", FORMATS)
def test_no_rows_make_a_file_of_none(name, tmp_path):
    assert read_back(name, written(name, "swap", [], tmp_path), "swap") == []


@pytest.mark.parametrize(("name", "packing"), PACKED)
def test_what_is_packed_is_read_back_equal(name, packing, tmp_path):
    exporter, batches = exporters()[name], batches_of("swap", rows=200)
    path = written(name, "swap", batches, tmp_path, packing)
    if not isinstance(exporter, FileExporter) and packing != "none":
        with pa.input_stream(str(path), compression=packing) as packed:
            path.write_bytes(packed.read())
        assert exporter.file_suffix(packing) != exporter.suffix
    assert comparable(read_back(name, path, "swap")) == comparable(rows_of("swap", batches))


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_rows_in_other_batches_make_the_same_values(name, tmp_path):
    batches = batches_of("pool_state", rows=70, rows_a_batch=70)
    path = written(
        name, "pool_state", [batch for one in batches for batch in (one.slice(0, 3), one.slice(3))], tmp_path
    )
    assert comparable(read_back(name, path, "pool_state")) == comparable(rows_of("pool_state", batches))


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_says_how_it_keeps_what_it_has_no_type_for(name):
    exporter = exporters()[name]
    assert exporter.suffix.startswith(".")
    assert {"U256", "I256", "Hash"} <= set(exporter.kept_as)
