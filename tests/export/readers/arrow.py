"""Read Arrow's files with Arrow."""

import pyarrow as pa

from tidemill.schema import derive


def read(path, tag):
    with pa.memory_map(str(path)) as file:
        table = pa.ipc.open_file(file).read_all()
        assert table.schema.equals(derive.arrow_schema(tag))
        return derive.to_rows(tag, table)
