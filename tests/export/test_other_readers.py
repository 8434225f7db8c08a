"""Files read by the programs that users have."""

import duckdb
import h5py
import pandas
import polars
import pytest

from tidemill.export import Rows, exporters
from tidemill.schema import derive

from .rows import batches_of, rows_of

TAG = "swap"
COLUMNS = ["event_ns", "chain_id", "block_hash", "protocol", "amount0_in", "sqrt_price_x96", "tick"]


@pytest.fixture
def files(tmp_path):
    """Return the path of a file of each format, and the rows in it."""
    batches = batches_of(TAG)
    for name in ("parquet", "arrow", "hdf5", "csv", "ndjson"):
        exporters()[name].write(Rows(TAG, iter(batches)), tmp_path / name, "none")
    return tmp_path, [{name: row[name] for name in COLUMNS} for row in rows_of(TAG, batches)]


def as_rows(table):
    """Return an Arrow table's rows, whatever Arrow's types for bytes and text are there."""
    schema = derive.arrow_schema(TAG)
    return derive.to_rows(TAG, table.select(COLUMNS).cast(schema.empty_table().select(COLUMNS).schema))


@pytest.mark.parametrize(("name", "read"), [("parquet", polars.read_parquet), ("arrow", polars.read_ipc)])
def test_polars_reads_parquet_and_arrow(files, name, read):
    folder, rows = files
    assert as_rows(read(folder / name).to_arrow()) == rows


def test_duckdb_reads_parquet_arrow_and_lines_of_json(files):
    folder, rows = files
    with duckdb.connect() as connection:
        parquet = connection.sql(f"SELECT * FROM read_parquet('{folder / 'parquet'}')")
        assert [row[0] for row in parquet.project("amount0_in").fetchall()] == [
            row["amount0_in"].to_bytes(32, "little") for row in rows
        ]
        table = polars.read_ipc(folder / "arrow").to_arrow()
        read = connection.from_arrow(table).project("tick, protocol, chain_id").fetchall()
        assert read == [(row["tick"], row["protocol"], row["chain_id"]) for row in rows]
        lines = connection.sql(
            f"SELECT amount0_in, tick FROM read_json('{folder / 'ndjson'}', format='newline_delimited')"
        )
        assert [(int(amount), tick) for amount, tick in lines.fetchall()] == [
            (row["amount0_in"], row["tick"]) for row in rows
        ]


def test_pandas_reads_columns_of_hdf5_and_csv(files):
    folder, rows = files
    with h5py.File(folder / "hdf5") as file:
        group = file[TAG]
        frame = pandas.DataFrame({name: group[name][:] for name in ("event_ns", "chain_id", "tick")})
        frame["tick"] = frame["tick"].where(group["_present/tick"][:])
    assert frame["chain_id"].tolist() == [row["chain_id"] for row in rows]
    assert frame["event_ns"].tolist() == [row["event_ns"] for row in rows]
    assert [None if pandas.isna(tick) else tick for tick in frame["tick"]] == [row["tick"] for row in rows]
    read = pandas.read_csv(folder / "csv", dtype=str, keep_default_na=False)
    assert [int(text) for text in read["amount0_in"]] == [row["amount0_in"] for row in rows]
