"""Hand rows over in files: the formats, what is written, where to, when, and the proof beside it."""

from tidemill.export.exporter import Exporter, Rows
from tidemill.export.registered import exporter_of, exporters, register

__all__ = ["Exporter", "Rows", "exporter_of", "exporters", "register"]
