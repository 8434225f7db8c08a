"""Hand rows over in files: the formats, what is written, where to, when, and the proof beside it."""

from typing import TYPE_CHECKING

from tidemill.core.lazy import lazily

if TYPE_CHECKING:
    from tidemill.export.exporter import Exporter, Rows
    from tidemill.export.registered import exporter_of, exporters, register

__all__ = ["Exporter", "Rows", "exporter_of", "exporters", "register"]

__getattr__ = lazily(
    __name__,
    {
        "Exporter": "tidemill.export.exporter",
        "Rows": "tidemill.export.exporter",
        "exporter_of": "tidemill.export.registered",
        "exporters": "tidemill.export.registered",
        "register": "tidemill.export.registered",
    },
)
