"""Every store backend, found by its file, for the tests that all of them must pass; and events to put in."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tidemill.store import Store, StoreSettings, open_store, schemes

# A backend that is new to the suite gets no URL here, and its tests then fail: it cannot escape them.
_LOCATIONS: dict[str, Callable[[Path], str]] = {
    "chdb": lambda folder: f"chdb://{folder / 'store'}",
}


@pytest.fixture(params=schemes())
def make_store(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., Store]:
    """Return a function that opens the store under test with given settings."""
    location = _LOCATIONS[request.param](tmp_path)

    def make(**settings: Any) -> Store:
        return open_store(location, StoreSettings(**settings))

    return make
