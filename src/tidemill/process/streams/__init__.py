"""Hold one file for each processor that `tidemill process` runs; its class is called PROCESSOR there."""

import pkgutil
from importlib import import_module

from tidemill.bus.processor import StreamProcessor


def processors() -> dict[str, type[StreamProcessor]]:
    """Return the processors by name."""
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return {module.PROCESSOR.name: module.PROCESSOR for module in modules}
