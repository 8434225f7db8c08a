"""Which URLs open which bus."""

import pytest

from tidemill.bus import BusSettings, open_bus, schemes
from tidemill.schema.faults import Refused


def test_every_backend_file_is_a_scheme() -> None:
    assert {"kafka", "lmdb", "memory"} <= set(schemes())


@pytest.mark.parametrize("url", ["", "redis://x", "lmdb", "LMDB://x", "lmdb:/x", "../x://y"])
def test_an_unknown_scheme_names_the_allowed_ones(url: str) -> None:
    with pytest.raises(Refused, match=r"expected one of .*lmdb://, memory://"):
        open_bus(url)


@pytest.mark.parametrize(
    "url", ["memory://x", "lmdb://", "kafka://", "kafka://host/prefix", "kafka:///prefix"]
)
def test_a_location_that_does_not_suit_the_scheme_is_refused(url: str) -> None:
    with pytest.raises(Refused, match="bus url"):
        open_bus(url)


def test_a_memory_bus_cannot_be_read_from_outside() -> None:
    with pytest.raises(Refused, match="belongs to one process"):
        open_bus("memory://", is_reader=True)


def test_retention_leaves_room_for_what_consumers_need() -> None:
    with pytest.raises(Refused, match="at most half of size_max_bytes"):
        open_bus("memory://", BusSettings(retention_bytes=100, size_max_bytes=150))
