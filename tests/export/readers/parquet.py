"""Read Parquet with Arrow."""

import pyarrow.parquet as pq

from tidemill.schema import derive


def read(path, tag):
    table = pq.ParquetFile(path).read()
    assert table.schema.equals(derive.arrow_schema(tag))
    return derive.to_rows(tag, table)
