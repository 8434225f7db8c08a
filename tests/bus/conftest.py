"""Every bus backend, found by its file, for the tests that all of them must pass."""

import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.bus import Bus, BusSettings, open_bus, schemes

# A backend that is new to the suite gets no URL here, and its tests then fail: it cannot escape them.
_LOCATIONS: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {
    "memory": lambda _request, _folder: "memory://",
    "lmdb": lambda _request, folder: f"lmdb://{folder / 'bus'}",
    "kafka": lambda request, _folder: request.getfixturevalue("broker").url(f"t{secrets.token_hex(6)}"),
}
_TRIMMED_BY_OTHERS = {"kafka"}
"""Backends whose server forgets by rules of its own."""

MakeBus = Callable[..., Bus]


@pytest.fixture(params=schemes())
def make_bus(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBus:
    """Return a function that opens the bus under test with given settings."""
    return _making(request, tmp_path)


@pytest.fixture(params=[scheme for scheme in schemes() if scheme not in _TRIMMED_BY_OTHERS])
def make_trimming_bus(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBus:
    """Return the same, of a bus that itself decides what it forgets."""
    return _making(request, tmp_path)


def _making(request: pytest.FixtureRequest, tmp_path: Path) -> MakeBus:
    location = _LOCATIONS[request.param](request, tmp_path)

    def make(**settings: object) -> Bus:
        return open_bus(location, BusSettings(**settings))  # pyright: ignore[reportArgumentType] tests name them

    return make
