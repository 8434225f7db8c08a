"""Is a subgraph relied on exactly while it can be."""

import pytest

from tidemill.core.clock import NS_PER_MS
from tidemill.schema.faults import Refused, Unreachable
from tidemill.venues.subgraph import Head
from tidemill.venues.subgraph_freshness import Freshness, Verdict


def head(number, *, has_errors=False):
    return Head(number, b"h", 1, has_errors)


@pytest.mark.parametrize(
    ("steps", "verdicts"),
    [
        ([(100, 100), (100, 150), (100, 151)], ["fresh", "fresh", "late"]),
        ([(100, 151), (100, 150), (125, 151), (126, 151)], ["late", "late", "late", "fresh"]),
        ([(120, 100)], ["fresh"]),
        ([(100, None)], ["fresh"]),
        ([(100, 151), (100, None)], ["late", "late"]),
    ],
)
def test_lag_makes_it_late_and_half_of_it_makes_it_fresh_again(steps, verdicts):
    freshness = Freshness(50, 10_000, 0)
    found = []
    for number, chain_number in steps:
        freshness.answered(head(number), chain_number, 0)
        found.append(freshness.verdict.value)
    assert found == verdicts


def test_lag_is_measured_and_never_negative():
    freshness = Freshness(50, 10_000, 0)
    freshness.answered(head(100), 130, 0)
    assert freshness.lag_blocks == 30
    freshness.answered(head(100), 99, 0)
    assert freshness.lag_blocks == 0
    freshness.answered(head(100), None, 0)
    assert freshness.lag_blocks is None


def test_indexing_errors_make_it_late_whatever_the_lag():
    freshness = Freshness(50, 10_000, 0)
    assert freshness.answered(head(100, has_errors=True), 100, 0)
    assert freshness.verdict is Verdict.LATE
    assert "indexing errors" in freshness.why


def test_it_is_dead_after_a_time_without_an_answer_and_the_change_is_told_once():
    freshness = Freshness(50, 10_000, 0)
    lost = Unreachable("nobody")
    freshness.answered(head(1), 1, 0)
    assert not freshness.failed(lost, 9_999 * NS_PER_MS)
    assert freshness.failed(lost, 10_000 * NS_PER_MS)
    assert not freshness.failed(lost, 11_000 * NS_PER_MS)
    assert freshness.verdict is Verdict.DEAD
    assert "nobody" in freshness.why
    assert freshness.answered(head(2), 2, 12_000 * NS_PER_MS)
    assert freshness.verdict is Verdict.FRESH


def test_a_refusal_needs_no_time():
    freshness = Freshness(50, 10_000, 0)
    assert freshness.failed(Refused("no key"), 1)
    assert not freshness.verdict.is_relied_on
