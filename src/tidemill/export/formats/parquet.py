"""Parquet: packed columns in row groups."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from typing_extensions import override

from tidemill.export.binary_layout import KEPT_AS
from tidemill.export.exporter import NONE, FileExporter, Rows

_GROUP_ROWS = 8_192
"""Of the widest table some 15 MB, which are in memory until the group is written."""


class ParquetExporter(FileExporter):
    """The event's own Arrow schema, which the file holds beside Parquet's."""

    suffix = ".parquet"
    compressions = ("snappy", "zstd", "gzip", "lz4", NONE)
    kept_as = KEPT_AS

    @override
    def only_appends(self) -> bool:
        return True

    @override
    def write(self, data: Rows, path: Path, compression: str) -> None:
        # a dictionary of floats is made, found useless and thrown away: only text repeats
        repeated: Any = [field.name for field in data.schema if pa.types.is_string(field.type)]
        with pq.ParquetWriter(
            path, data.schema, compression=compression, use_dictionary=repeated, write_page_index=False
        ) as out:
            for table in data.tables(_GROUP_ROWS):
                out.write_table(table, row_group_size=max(table.num_rows, 1))


EXPORTER = ParquetExporter()
