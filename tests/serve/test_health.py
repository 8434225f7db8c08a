"""Does one word say how everything fares, and each service whether it is up."""

import pytest

from tidemill.serve.health import health_of
from tidemill.serve.program import SinkState, VenueState
from tidemill.serve.rates import Rates

from .program import chain, program

SINK = SinkState(name="redis", is_up=False, rows=1, dropped_batches=0, retries=3, last_fault="away")
RATES = Rates(378.9, 97.3, 0.001)


def test_all_that_runs_is_healthy_in_the_words_of_the_surface():
    found = health_of(program(), RATES)
    assert found.status == "healthy"
    assert found.services == {"bus": "up", "store": "up", "api": "up", "chain:eth": "up"}
    metrics = found.metrics
    assert (metrics.transactions_per_second, metrics.avg_latency_ms, metrics.error_rate) == RATES
    assert not found.is_reader


def test_one_chain_of_two_that_is_down_degrades():
    state = program(chains=(chain(), chain(source="base", state="refused")))
    found = health_of(state, RATES)
    assert (found.status, found.is_serving) == ("degraded", True)
    assert found.services["chain:base"] == "down"


def test_a_venue_is_enough_where_nothing_is_stored():
    venue = VenueState(source="sei", state="live")
    found = health_of(program(chains=(), venues=(venue,), sinks=(SINK,), has_store=False), RATES)
    assert found.status == "degraded"
    assert found.services == {"bus": "up", "api": "up", "venue:sei": "up", "redis": "down"}


@pytest.mark.parametrize(
    "changes",
    [
        {"is_bus_up": False},
        {"is_store_up": False},
        {"chains": (chain(state="connecting"),)},
        {"chains": ()},
    ],
)
def test_where_nothing_new_can_be_had_it_is_unhealthy(changes):
    found = health_of(program(**changes), RATES)
    assert (found.status, found.is_serving) == ("unhealthy", False)
