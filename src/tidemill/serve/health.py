"""Is it well: each service up or down, and what the last minute was like."""

from msgspec import Struct

from tidemill.serve.program import ProgramState
from tidemill.serve.rates import Rates

UP, DOWN = "up", "down"


class HealthMetrics(Struct, frozen=True):
    """The last minute; None where nothing happened."""

    transactions_per_second: float | None
    """Events committed."""
    avg_latency_ms: float | None
    """From frame to stored."""
    error_rate: float | None
    """Of what endpoints were asked or told, 0 to 1."""


class HealthAnswer(Struct, frozen=True):
    """The answer of `GET /health`."""

    status: str
    """healthy; degraded, where a service is down; unhealthy, where nothing new can be had."""
    services: dict[str, str]
    """up or down, by name: bus, store, api, chains, venues, and redis and influxdb where they are set."""
    metrics: HealthMetrics
    is_reader: bool = False
    """Whether it only serves what other processes read and store, as `tidemill serve` does."""

    @property
    def is_serving(self) -> bool:
        """Whether new events are read and stored, of one chain or venue at least."""
        return self.status != "unhealthy"


def health_of(state: ProgramState, rates: Rates) -> HealthAnswer:
    """Return how each service fares."""
    services = {
        "bus": _word(state.is_bus_up),
        "store": _word(state.is_store_up),
        "api": UP,
        **{f"chain:{chain.source}": _word(chain.is_up) for chain in state.chains},
        **{f"venue:{venue.source}": _word(venue.is_up) for venue in state.venues},
        **{sink.name: _word(sink.is_up) for sink in state.sinks},
    }
    if not state.has_store:
        del services["store"]
    is_any_read = state.is_reader or any(one.is_up for one in (*state.chains, *state.venues))
    if not (state.is_bus_up and state.is_store_up and is_any_read):
        status = "unhealthy"
    else:
        status = "degraded" if DOWN in services.values() else "healthy"
    metrics = HealthMetrics(rates.events_per_s, rates.latency_ms, rates.error_rate)
    return HealthAnswer(status, services, metrics, state.is_reader)


def _word(is_up: bool) -> str:
    return UP if is_up else DOWN
