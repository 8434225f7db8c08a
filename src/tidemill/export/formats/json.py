"""JSON in one array of objects, a line each."""

from collections.abc import Iterator

from typing_extensions import override

from tidemill.export.exporter import Exporter, Rows
from tidemill.export.plain_text import KEPT_AS

_BETWEEN = b",\n"


class JsonExporter(Exporter):
    """Objects as `derive.json_schema` describes them."""

    suffix = ".json"
    batches_ahead = 1  # its text takes the most memory, and the most of the processor
    kept_as = KEPT_AS

    @override
    def export(self, data: Rows) -> Iterator[bytes]:
        held = b"[\n"
        for piece in data.pieces("json_items"):
            yield held
            held = piece
        yield held.removesuffix(_BETWEEN) + b"\n]\n"


EXPORTER = JsonExporter()
