"""HDF5 beyond its first chunk, which is handed to the library as it is."""

import pyarrow as pa
import pytest

from tidemill.export import Rows, exporters

from .readers import hdf5
from .rows import batches_of, comparable, rows_of

_CHUNK_ROWS = 8_192


@pytest.mark.parametrize("packing", ["none", "lzf"])
def test_text_that_widens_after_a_full_chunk_is_read_back_equal(tmp_path, packing):
    first, *others = batches_of("swap", rows=2 * _CHUNK_ROWS + 5, rows_a_batch=_CHUNK_ROWS)
    place = first.schema.get_field_index("dex")
    first = first.set_column(place, first.schema.field(place), pa.array(["short"] * first.num_rows))
    batches = [first, *others]
    exporters()["hdf5"].write(Rows("swap", iter(batches)), tmp_path / "rows", packing)
    assert comparable(hdf5.read(tmp_path / "rows", "swap")) == comparable(rows_of("swap", batches))
