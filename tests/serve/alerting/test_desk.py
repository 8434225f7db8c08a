"""Is each alert told once, not again too soon, again while it lasts, and its end only where its begin was."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.clock import NS_PER_S
from tidemill.serve.alerting.config import AlertsSettings
from tidemill.serve.alerting.desk import AlertDesk
from tidemill.serve.monitor import Alert

COOL_DOWN_S, REPEAT_S = 300, 3_600
SETTINGS = AlertsSettings(cool_down_s=COOL_DOWN_S, repeat_s=REPEAT_S)


def alert(second, is_raised=True, name="latency"):
    return Alert(
        name=name, is_raised=is_raised, value=400, limit=350, time_ns=second * NS_PER_S, message="slow"
    )


@pytest.fixture
def desk():
    return AlertDesk(SETTINGS, "box")


def told(notices):
    return [(one.state, one.alert.name, one.times) for one in notices]


def test_an_alert_is_told_when_it_begins_and_when_it_ends(desk):
    assert told(desk.take(alert(1))) == [("raised", "latency", 1)]
    assert desk.due(2 * NS_PER_S) == []
    assert told(desk.take(alert(3, is_raised=False))) == [("ended", "latency", 0)]


def test_what_comes_and_goes_is_not_told_again_before_it_cooled_down(desk):
    desk.take(alert(0))
    desk.take(alert(1, is_raised=False))
    assert desk.take(alert(2)) == []
    assert desk.take(alert(3, is_raised=False)) == [], "nobody was told that it began again"
    assert desk.take(alert(4)) == []
    assert desk.due((COOL_DOWN_S - 1) * NS_PER_S) == []
    assert told(desk.due(COOL_DOWN_S * NS_PER_S)) == [("raised", "latency", 2)]
    assert desk.suppressed == 2


def test_what_is_over_when_it_cooled_down_is_not_told(desk):
    for second in range(0, 10, 2):
        desk.take(alert(second))
        desk.take(alert(second + 1, is_raised=False))
    assert desk.due(10 * COOL_DOWN_S * NS_PER_S) == []


def test_what_lasts_is_told_again_at_intervals(desk):
    desk.take(alert(0))
    found = [second for second in range(0, 3 * REPEAT_S + 1, 600) for _ in desk.due(second * NS_PER_S)]
    assert found == [REPEAT_S, 2 * REPEAT_S, 3 * REPEAT_S]


def test_alerts_of_other_names_cool_down_by_themselves(desk):
    desk.take(alert(0))
    assert told(desk.take(alert(1, name="chain:eth"))) == [("raised", "chain:eth", 1)]


@given(st.lists(st.tuples(st.integers(1, 400), st.booleans()), max_size=60))
def test_whatever_comes_nobody_is_told_twice_the_same_or_too_often(steps):
    desk, second, is_raised, heard = AlertDesk(SETTINGS, "box"), 0, False, []
    for wait_s, changes in steps:
        second += wait_s
        if changes:
            is_raised = not is_raised
            heard += [(second, one) for one in desk.take(alert(second, is_raised=is_raised))]
        heard += [(second, one) for one in desk.due(second * NS_PER_S)]
    states = [one.state for _, one in heard if one.state != "reminder"]
    assert states == ["raised", "ended"] * (len(states) // 2) + ["raised"] * (len(states) % 2)
    raised = [at for at, one in heard if one.state == "raised"]
    assert all(later - earlier >= COOL_DOWN_S for earlier, later in pairwise(raised))
    assert len({one.id for _, one in heard}) == len(heard)
