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
    """up or down, by name."""
    metrics: HealthMetrics

    @property
    def is_serving(self) -> bool:
        """Whether new events are read and stored, of one chain at least."""
        return self.status != "unhealthy"


def health_of(state: ProgramState, rates: Rates) -> HealthAnswer:
    """Return how each service fares: bus, store, api, and a chain by its source."""
    services = {
        "bus": _word(state.is_bus_up),
        "store": _word(state.is_store_up),
        "api": UP,
        **{f"chain:{chain.source}": _word(chain.is_up) for chain in state.chains},
    }
    is_any_chain_up = any(chain.is_up for chain in state.chains)
    if not (state.is_bus_up and state.is_store_up and is_any_chain_up):
        status = "unhealthy"
    else:
        status = "degraded" if DOWN in services.values() else "healthy"
    return HealthAnswer(
        status, services, HealthMetrics(rates.events_per_s, rates.latency_ms, rates.error_rate)
    )


def _word(is_up: bool) -> str:
    return UP if is_up else DOWN
