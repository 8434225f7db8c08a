"""Arrow IPC files (Feather version 2): columns as they are in memory."""

from pathlib import Path

import pyarrow as pa
from typing_extensions import override

from tidemill.export.binary_layout import KEPT_AS
from tidemill.export.exporter import NONE, FileExporter, Rows


class ArrowExporter(FileExporter):
    """The event's own Arrow schema; without compression a reader may map the file."""

    suffix = ".arrow"
    compressions = (NONE, "lz4", "zstd")
    kept_as = KEPT_AS

    @override
    def only_appends(self) -> bool:
        return True

    @override
    def write(self, data: Rows, path: Path, compression: str) -> None:
        options = pa.ipc.IpcWriteOptions(compression=None if compression == NONE else compression)
        with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, data.schema, options=options) as out:
            for batch in data:
                out.write_batch(batch)


EXPORTER = ArrowExporter()
