"""Which formats are there: a file each in `formats`, other packages' by entry point, and a user's own."""

import pkgutil
from importlib import import_module
from importlib.metadata import entry_points

from tidemill.export import formats
from tidemill.export.exporter import Exporter
from tidemill.schema.faults import Refused

ENTRY_POINTS = "tidemill.exporters"

_added: dict[str, Exporter] = {}


def register(name: str, exporter: Exporter) -> None:
    """Add a format. Raises: Refused, where one has the name, or the name would be no part of a path."""
    if not name.isidentifier() or not name.isascii():
        raise Refused(f"exporter: expected a name of letters, digits and _, found {name!r}")
    if name in exporters():
        raise Refused(f"exporter {name}: expected a new name, there is one of it")
    _added[name] = exporter


def exporters() -> dict[str, Exporter]:
    """Return every format by its name."""
    ours = {
        module.name: import_module(f"{formats.__name__}.{module.name}").EXPORTER
        for module in pkgutil.iter_modules(formats.__path__)
    }
    others = {point.name: point.load()() for point in entry_points(group=ENTRY_POINTS)}
    return {**others, **ours, **_added}


def exporter_of(name: str) -> Exporter:
    """Return the format of that name. Raises: Refused, where there is none."""
    known = exporters()
    if name not in known:
        raise Refused(f"format: expected one of {', '.join(sorted(known))}, found {name!r}")
    return known[name]
