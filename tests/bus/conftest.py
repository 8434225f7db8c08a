"""Every bus backend, found by its file, for the tests that all of them must pass."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.bus import Bus, BusSettings, open_bus, schemes

# A backend that is new to the suite gets no URL here, and its tests then fail: it cannot escape them.
_LOCATIONS: dict[str, Callable[[Path], str]] = {
    "memory": lambda _: "memory://",
    "lmdb": lambda folder: f"lmdb://{folder / 'bus'}",
}

MakeBus = Callable[..., Bus]


@pytest.fixture(params=schemes())
def make_bus(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBus:
    """Return a function that opens the bus under test with given settings."""
    location = _LOCATIONS[request.param](tmp_path)

    def make(**settings: object) -> Bus:
        return open_bus(location, BusSettings(**settings))  # pyright: ignore[reportArgumentType] tests name them

    return make
