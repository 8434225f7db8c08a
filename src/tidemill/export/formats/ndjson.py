"""JSON in lines: one object a row."""

from collections.abc import Iterator

from typing_extensions import override

from tidemill.export.exporter import Exporter, Rows
from tidemill.export.plain_text import KEPT_AS


class NdjsonExporter(Exporter):
    """Objects as `derive.json_schema` describes them."""

    suffix = ".ndjson"
    batches_ahead = 1  # its text takes the most memory, and the most of the processor
    kept_as = KEPT_AS

    @override
    def export(self, data: Rows) -> Iterator[bytes]:
        yield from data.pieces("json_lines")


EXPORTER = NdjsonExporter()
