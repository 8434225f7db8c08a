"""How does each part fare: healthy, degraded or unhealthy, and why."""

from collections.abc import Iterator
from enum import StrEnum

from msgspec import Struct

from tidemill.serve.program import ChainState, ProgramState, SinkState, VenueState


class Condition(StrEnum):
    """How a part, or all of them, fares."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    """It works, and something is wrong."""
    UNHEALTHY = "unhealthy"
    """It does not work."""


class Component(Struct, frozen=True):
    """One part."""

    status: Condition
    detail: str = ""
    """Why, where it is not healthy."""


HEALTHY = Component(Condition.HEALTHY)


def components_of(state: ProgramState) -> dict[str, Component]:
    """Return every part by its name: bus, store, chain:NAME, venue:NAME, and the stores beside."""
    return dict(_components(state))


def condition_of(components: dict[str, Component]) -> Condition:
    """Return how all of them fare: unhealthy where nothing new can be read, or kept."""
    if any(components[name].status is Condition.UNHEALTHY for name in ("bus", "store") if name in components):
        return Condition.UNHEALTHY
    read = [one.status for name, one in components.items() if name.startswith(("chain:", "venue:"))]
    if read and all(status is Condition.UNHEALTHY for status in read):
        return Condition.UNHEALTHY
    is_all_well = all(one.status is Condition.HEALTHY for one in components.values())
    return Condition.HEALTHY if is_all_well else Condition.DEGRADED


def _components(state: ProgramState) -> Iterator[tuple[str, Component]]:
    yield "bus", _working(state.is_bus_up, "the last commit found no room")
    if state.has_store:
        yield "store", _working(state.is_store_up, "what was written last was not taken")
    for chain in state.chains:
        yield f"chain:{chain.source}", _chain(chain)
    for venue in state.venues:
        yield f"venue:{venue.source}", _venue(venue)
    for sink in state.sinks:
        yield sink.name, _sink(sink)


def _working(is_up: bool, why: str) -> Component:
    return HEALTHY if is_up else Component(Condition.UNHEALTHY, why)


def _chain(chain: ChainState) -> Component:
    if not chain.is_up:
        return Component(Condition.UNHEALTHY, chain.last_fault or chain.state)
    links = [link for endpoint in chain.endpoints.values() for link in endpoint.links.values()]
    lost = [link.url for link in links if not link.open or link.breaker != "closed"]
    return Component(Condition.DEGRADED, f"without {', '.join(lost)}") if lost else HEALTHY


def _venue(venue: VenueState) -> Component:
    if venue.is_up:
        return HEALTHY
    why = f"{venue.state}: {venue.detail}" if venue.detail else venue.state
    is_lost = venue.state in {"down", "refused"}
    return Component(Condition.UNHEALTHY if is_lost else Condition.DEGRADED, why)


def _sink(sink: SinkState) -> Component:
    return HEALTHY if sink.is_up else Component(Condition.UNHEALTHY, sink.last_fault)
