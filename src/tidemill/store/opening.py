"""Choose the store backend by the scheme of a URL; every file in `backends` is named after its scheme."""

import pkgutil
from importlib import import_module

from tidemill.schema.faults import Refused
from tidemill.store import backends
from tidemill.store.base import Store, StoreSettings


def schemes() -> list[str]:
    """Return the schemes that `open_store` accepts, sorted."""
    return sorted(module.name for module in pkgutil.iter_modules(backends.__path__))


def open_store(url: str, settings: StoreSettings | None = None) -> Store:
    """Return the store at `url`, to be entered with `async with`.

    `chdb:///absolute/folder` or `chdb://relative/folder`.

    Raises: Refused, where no backend has the scheme or the rest of the URL does not suit it.
    """
    scheme, separator, location = url.partition("://")
    if not separator or scheme not in schemes():
        allowed = ", ".join(f"{name}://" for name in schemes())
        raise Refused(f"store url: expected one of {allowed}, found {url!r}")
    backend = import_module(f"{backends.__name__}.{scheme}")
    opened = backend.open_backend(location, settings or StoreSettings())
    assert isinstance(opened, Store)
    return opened
