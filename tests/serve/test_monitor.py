"""Is what lately happened told as it was, and an alert raised once and ended once."""

import pytest
from msgspec.structs import replace

from tidemill.core.clock import NS_PER_S
from tidemill.core.machine import MachineState
from tidemill.serve.components import Condition, components_of, condition_of
from tidemill.serve.config import AlertSettings, MonitoringSettings
from tidemill.serve.monitor import Monitor
from tidemill.serve.program import SinkState, VenueState

from .program import chain, endpoint, link, program, times, topic

MACHINE = MachineState(
    cpu_percent=None,
    process_cpu_percent=1.0,
    process_memory_bytes=1,
    memory_percent=2.0,
    disk_percent=3.0,
    disk_free_bytes=4,
)
WELL = chain(endpoints={"0": endpoint(links={"ws": link()})})
START_NS = program().now_ns


def at(second, **changes):
    return program(**{"chains": (WELL,), "now_ns": START_NS + round(second * NS_PER_S), **changes})


def monitored(*states, **settings):
    """Return the last sample, and all alerts."""
    monitor, alerts, sample = Monitor(MonitoringSettings(**settings)), [], None
    for state in states:
        sample, more = monitor.add(state, MACHINE)
        alerts += more
    return sample, alerts


def test_a_sample_tells_of_the_time_since_the_one_before():
    slow = times(0.002, 0.003, *[0.02] * 95, *[0.3] * 4, 0.6)
    sample, _ = monitored(
        at(0),
        at(
            10,
            topics={"swap": topic(events=1_500), "trade": topic(events=500)},
            to_bus=replace(slow, max_s=0.55),
        ),
    )
    assert sample.events_per_s == 100
    assert sample.events_total == 2_000
    assert sample.to_bus.average == pytest.approx((95 * 20 + 4 * 300 + 600) / 100)
    assert [sample.to_bus.p95, sample.to_bus.max] == [
        25,
        550,
    ]  # ends of buckets, but no more than the longest
    assert sample.to_store.average is None


def test_the_first_sample_has_no_rates():
    sample, alerts = monitored(at(0))
    assert [sample.events_per_s, sample.error_rate, sample.status, alerts] == [None, None, "healthy", []]


def test_errors_are_a_share_of_what_was_tried():
    failing = chain(endpoints={"0": endpoint(links={"ws": link()}, answers=100, failed=15)})
    sample, alerts = monitored(at(0), at(10, chains=(failing,)))
    assert sample.error_rate == 0.1
    assert [(one.name, one.is_raised) for one in alerts] == [("error_rate", True)]
    assert alerts[0].message == "error_rate: expected at most 0.05, found 0.1"


def test_an_alert_is_raised_once_and_ended_once():
    states = [
        at(second, to_store=times(*([0.1] * 2), *([0.4] * n)))
        for second, n in ((0, 0), (1, 1), (2, 2), (3, 2))
    ]
    _, alerts = monitored(*states)
    assert [(one.name, one.is_raised, one.value) for one in alerts] == [
        ("latency", True, 400),
        ("latency", False, 0),
    ]


def test_latency_may_have_to_last_before_it_is_an_alert():
    states = [at(second, to_store=times(*([0.4] * (second + 2)))) for second in range(8)]
    limits = AlertSettings(latency_for_s=5)
    _, alerts = monitored(*states, alerts=limits)
    assert [one.time_ns for one in alerts] == [START_NS + 5 * NS_PER_S]


def test_an_hour_that_was_down_too_often_is_an_alert():
    states = [at(second, is_store_up=second != 3) for second in range(30)]
    sample, alerts = monitored(*states)
    assert sample.uptime_percent == pytest.approx(100 * 29 / 30, abs=0.001)
    assert [(one.name, one.is_raised) for one in alerts] == [("uptime", True), ("uptime", False)]
    assert alerts[0].message == "uptime: expected at least 95 % of the last hour, found 75"


def test_connections_that_are_lost_in_ten_minutes_are_counted():
    def lost(count):
        return (VenueState(source="sei", state="live", reconnects=count),)

    states = [
        at(0, venues=lost(0)),
        at(300, venues=lost(3)),
        at(500, venues=lost(4)),
        at(1_000, venues=lost(4)),
    ]
    _, alerts = monitored(*states)
    assert [(one.name, one.is_raised, one.value) for one in alerts] == [
        ("disconnections", True, 4),
        ("disconnections", False, 1),
    ]


def test_the_history_is_kept_for_so_long_and_no_longer():
    monitor = Monitor(MonitoringSettings(history_hours=1))
    for second in range(0, 7_200, 600):
        monitor.add(at(second), MACHINE)
    kept = [(one.time_ns - START_NS) // NS_PER_S for one in monitor.samples(0)]
    assert kept == list(range(3_000, 7_200, 600))
    assert monitor.samples(START_NS + 6_000 * NS_PER_S)[0].time_ns == START_NS + 6_000 * NS_PER_S


SINK = SinkState(name="redis", is_up=False, rows=1, dropped_batches=0, retries=3, last_fault="nobody answers")


@pytest.mark.parametrize(
    ("changes", "name", "status", "overall"),
    [
        ({}, "chain:eth", "healthy", "healthy"),
        ({"is_bus_up": False}, "bus", "unhealthy", "unhealthy"),
        ({"is_store_up": False}, "store", "unhealthy", "unhealthy"),
        (
            {"chains": (chain(),)},
            "chain:eth",
            "degraded",
            "degraded",
        ),  # one of its links has its breaker open
        ({"chains": (chain(state="refused"),)}, "chain:eth", "unhealthy", "unhealthy"),
        ({"venues": (VenueState(source="sei", state="stale"),)}, "venue:sei", "degraded", "degraded"),
        ({"venues": (VenueState(source="sei", state="down"),)}, "venue:sei", "unhealthy", "degraded"),
        ({"sinks": (SINK,)}, "redis", "unhealthy", "degraded"),
    ],
)
def test_each_part_has_its_word_and_all_have_one(changes, name, status, overall):
    found = components_of(at(0, **changes))
    assert found[name].status == status
    assert bool(found[name].detail) == (status != "healthy")
    assert condition_of(found) == overall


def test_a_process_that_stores_nothing_has_no_store_to_fail():
    found = components_of(at(0, has_store=False, is_store_up=False))
    assert "store" not in found
    assert condition_of(found) is Condition.HEALTHY
