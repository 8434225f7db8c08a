"""CSV with a header: what is absent is an empty field, empty text is two quotes."""

from collections.abc import Iterator

from typing_extensions import override

from tidemill.export.exporter import Exporter, Rows
from tidemill.export.plain_text import KEPT_AS


class CsvExporter(Exporter):
    """Lines of CSV (RFC 4180, but with a line feed alone)."""

    suffix = ".csv"
    kept_as = KEPT_AS

    @override
    def export(self, data: Rows) -> Iterator[bytes]:
        yield (",".join(data.schema.names) + "\n").encode()
        yield from data.pieces("csv")


EXPORTER = CsvExporter()
