"""Choose the bus backend by the scheme of a URL; every file in `backends` is one, named after its scheme."""

import pkgutil
from importlib import import_module

from tidemill.bus import backends
from tidemill.bus.base import Bus, BusSettings
from tidemill.bus.kafka_config import KafkaSettings
from tidemill.schema.faults import Refused


def schemes() -> list[str]:
    """Return the schemes that `open_bus` accepts, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(backends.__path__))


def open_bus(
    url: str,
    settings: BusSettings | None = None,
    *,
    is_reader: bool = False,
    kafka: KafkaSettings | None = None,
) -> Bus:
    """Return the bus at `url`, to be entered with `async with`.

    `memory://`, `lmdb:///absolute/folder` or `lmdb://relative/folder`, `kafka://HOST:PORT[,HOST:PORT]/PREFIX`.
    A reader shares the bus with the one process that writes to it, and cannot commit; on Kafka several write,
    each as a member with a name of its own.

    Raises: Refused, where no backend has the scheme or the rest of the URL does not suit it.
    """
    scheme, separator, location = url.partition("://")
    if not separator or scheme not in schemes():
        allowed = ", ".join(f"{name}://" for name in schemes())
        raise Refused(f"bus url: expected one of {allowed}, found {url!r}")
    settings = settings or BusSettings()
    if settings.retention_bytes > settings.size_max_bytes // 2:
        raise Refused(
            f"bus retention_bytes: expected at most half of size_max_bytes = {settings.size_max_bytes}, "
            f"found {settings.retention_bytes}"
        )
    backend = import_module(f"{backends.__name__}.{scheme}")
    if scheme == "kafka":
        opened = backend.open_backend(location, settings, is_reader, kafka or KafkaSettings())
    else:
        opened = backend.open_backend(location, settings, is_reader)
    assert isinstance(opened, Bus)
    return opened
