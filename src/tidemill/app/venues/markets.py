"""Which order-book venues do the settings name, what reads each, and how does each fare."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from msgspec import Struct, structs

from tidemill.app.settings import Settings
from tidemill.app.venues.feed import FeedRun, find_feed
from tidemill.bus import Bus
from tidemill.core.clock import Clock
from tidemill.process.books import OrderBooks
from tidemill.process.pools import Batches
from tidemill.schema.events import HealthState
from tidemill.serve.program import VenueState
from tidemill.store.latest import Depth
from tidemill.venues.base import Venue
from tidemill.venues.feed_config import FeedConfig

Committed = Callable[[Batches, list[int]], None]
"""Is told what was committed to the bus, and at which offsets."""

_RUNNING, _STOPPED = "running", "stopped"


class MarketRun(Protocol):
    """Reads one venue onto the bus."""

    books: OrderBooks
    """Those that it keeps."""

    async def run(self) -> None:
        """Read until cancelled; a fault that ends it is told by `status`, not raised."""
        ...

    def status(self) -> dict[str, Any]:
        """Return how it fares, as JSON has it.

        `state` is running, stopped, or a state of a connection, and `last_fault` says why it does not run.
        Where it has several connections, `sockets` has state, connections and messages of each.
        """
        ...


OpenMarket = Callable[[Bus, Clock, Committed], MarketRun]
"""Makes a reader that commits to the bus and says so."""

MarketOf = Callable[[Any], OpenMarket | None]
"""Takes a venue's section; returns None where that does not have it read. Raises: Refused."""


def markets_of(settings: Settings) -> dict[str, OpenMarket]:
    """Return what opens the reader of each venue that is configured, by the name that its events carry.

    A venue of one file is in `feeds`; one with a section [venues.NAME] has a module NAME in this folder,
    whose `market_of` is asked for it.

    Raises: Refused, where there is no such venue, or its settings do not fit together.
    """
    found = {name: _open_feed(find_feed(name), config) for name, config in settings.feeds.items()}
    for section in structs.fields(settings.venues):
        config: Struct = getattr(settings.venues, section.name)
        if config != section.default:  # no venue is read by default
            market_of: MarketOf = import_module(f"{__package__}.{section.name}").market_of
            opened = market_of(config)
            if opened is not None:
                found[section.name] = opened
    return found


def _open_feed(venue: Venue, config: FeedConfig) -> OpenMarket:
    return lambda bus, clock, committed: FeedRun(venue, config, bus, clock, on_batches=committed)


def depth_of(run: MarketRun, instrument: str, levels_max: int) -> Depth | None:
    """Return a kept book's best levels; None where it is not live."""
    found = run.books.depth_e18(instrument, levels_max)
    return None if found is None else Depth(*found)


def venue_state(source: str, told: dict[str, Any]) -> VenueState:
    """Return what a reader's status means for health and metrics."""
    sockets = list(told.get("sockets", {}).values())
    faults = told.get("faults", 0)
    ages = [told[name] for name in ("last_message_age_s", "last_head_age_s") if told.get(name) is not None]
    counted = sockets or [told]
    return VenueState(
        source=source,
        state=_state(told["state"], [HealthState(one["state"]) for one in sockets]),
        detail=told["last_fault"],
        messages=sum(one.get("messages", 0) for one in counted),
        faults=sum(faults.values()) if isinstance(faults, dict) else faults,
        reconnects=sum(max(one.get("connections", 0) - 1, 0) for one in counted),
        last_message_age_s=min(ages, default=None),
    )


def _state(told: str, sockets: list[HealthState]) -> str:
    if told == _STOPPED:
        return HealthState.DOWN
    if told != _RUNNING:
        return told
    alive = [state.is_alive for state in sockets]
    if all(alive):
        return HealthState.LIVE
    return HealthState.STALE if any(alive) else HealthState.DOWN
