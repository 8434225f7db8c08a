"""When scheduled exports are due."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.export.request import ExportRequest
from tidemill.export.schedule import (
    Due,
    Schedule,
    begun,
    due,
    next_run_ns,
    passed_over,
    resumed,
    run_target,
)
from tidemill.schema.faults import Refused

S = 10**9
HOUR_NS = 3600 * S


def at(text: str) -> int:
    return int(dt.datetime.fromisoformat(text).timestamp()) * S


def schedule(**changes) -> Schedule:
    made = {
        "id": "a",
        "request": ExportRequest(format="csv"),
        "to": "/out/",
        "frequency": "hourly",
        "next_ns": HOUR_NS,
    }
    return Schedule(**(made | changes))


@pytest.mark.parametrize(
    ("frequency", "zone", "after", "expected"),
    [
        ("hourly", "UTC", "2026-01-01T10:30:00Z", "2026-01-01T11:00:00Z"),
        ("hourly", "UTC", "2026-01-01T11:00:00Z", "2026-01-01T12:00:00Z"),
        ("daily", "Europe/Berlin", "2026-01-01T10:30:00Z", "2026-01-01T23:00:00Z"),
        ("weekly", "UTC", "2026-01-01T10:30:00Z", "2026-01-05T00:00:00Z"),
        ("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),  # 2:30 is skipped
        ("*/15 9-17 * * 1-5", "America/New_York", "2026-01-02T22:50:00Z", "2026-01-05T14:00:00Z"),
    ],
)
def test_the_next_run_is_told_by_the_zones_clocks(frequency, zone, after, expected):
    assert next_run_ns(frequency, zone, at(after)) == at(expected)


@given(st.integers(0, 4 * 10**9), st.sampled_from(["hourly", "daily", "weekly", "30 2 * * *", "7 */3 1 * *"]))
def test_the_next_run_is_later_and_never_more_than_once(after_s, frequency):
    first = next_run_ns(frequency, "Europe/Berlin", after_s * S)
    assert first > after_s * S
    assert next_run_ns(frequency, "Europe/Berlin", first - S) == first
    assert next_run_ns(frequency, "Europe/Berlin", first) > first


@pytest.mark.parametrize(
    ("frequency", "zone", "message"),
    [
        ("sometimes", "UTC", "frequency: expected hourly, daily, weekly or a cron line"),
        ("61 * * * *", "UTC", "frequency: expected"),
        ("* * * * * *", "UTC", "frequency: expected"),
        ("0 0 31 2 *", "UTC", "frequency: expected"),
        ("daily", "Mars/Olympus", "time_zone: expected"),
        ("daily", "../../etc/passwd", "time_zone: expected"),
    ],
)
def test_what_names_no_time_is_refused(frequency, zone, message):
    with pytest.raises(Refused, match=message):
        next_run_ns(frequency, zone, 0)


@pytest.mark.parametrize(
    ("changes", "now_ns", "is_running", "expected"),
    [
        ({}, HOUR_NS - 1, False, Due.WAIT),
        ({}, HOUR_NS, False, Due.RUN),
        ({}, HOUR_NS, True, Due.SKIP),
        ({"is_paused": True}, HOUR_NS, False, Due.WAIT),
    ],
)
def test_what_is_due_runs_but_not_over_itself(changes, now_ns, is_running, expected):
    assert due(schedule(**changes), now_ns, is_running=is_running) is expected


def test_missed_runs_are_made_up_once():
    late = begun(schedule(), 10 * HOUR_NS + 5)
    assert (late.runs, late.last_ns, late.next_ns) == (1, 10 * HOUR_NS + 5, 11 * HOUR_NS)


def test_a_run_that_is_passed_over_is_counted():
    assert (passed_over(schedule(), HOUR_NS).skipped, passed_over(schedule(), HOUR_NS).next_ns) == (
        1,
        2 * HOUR_NS,
    )


def test_what_was_due_during_a_pause_is_left_out():
    again = resumed(schedule(is_paused=True), 10 * HOUR_NS + 5)
    assert (again.is_paused, again.next_ns) == (False, 11 * HOUR_NS)


def test_a_run_of_everything_gets_a_folder_of_its_own():
    assert run_target(schedule(), 0) == "/out/1970-01-01T00-00-00Z-a"
    assert run_target(schedule(request=ExportRequest(format="csv", is_incremental=True)), 0) == "/out/"
