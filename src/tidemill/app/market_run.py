"""What is a venue's reader to the engine: something that runs, says how it fares, and may keep books."""

from collections.abc import Callable
from typing import Any, Protocol

from tidemill.bus import Bus
from tidemill.core.clock import Clock
from tidemill.process.pools import Batches
from tidemill.serve.program import VenueState
from tidemill.store.latest import Depth

Committed = Callable[[Batches, list[int]], None]
"""Is told what was committed to the bus, and at which offsets."""


class MarketRun(Protocol):
    """Reads one venue onto the bus."""

    @property
    def source(self) -> str:
        """The name that its events carry."""
        ...

    async def run(self) -> None:
        """Read until cancelled; a fault that ends it is told by `state`, not raised."""
        ...

    def state(self) -> VenueState:
        """Return how it fares."""
        ...

    def status(self) -> dict[str, Any]:
        """Return how it fares, as JSON has it, with `state` and `last_fault`."""
        ...

    def depth(self, instrument: str, levels_max: int) -> Depth | None:
        """Return the book that it keeps, best levels first; None where none is live."""
        ...


OpenMarket = Callable[[Bus, Clock, Committed], MarketRun]
"""Makes a reader that commits to the bus and says so."""
