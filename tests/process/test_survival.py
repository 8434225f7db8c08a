"""Estimates of how long things last, against a published sample and against what they are by definition."""

import random
from itertools import pairwise
from statistics import median_low

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.process.survival import HalfLife, Lasted, Point, half_life, share, survival, wilson

REMISSIONS = [6, 6, 6, 7, 10, 13, 16, 22, 23]
STILL_IN_REMISSION = [6, 9, 10, 11, 17, 19, 20, 25, 32, 32, 34, 35]
"""Weeks, of the 21 patients under 6-MP of Freireich et al. (1963), Blood 21, 699-716."""

observations = st.lists(
    st.builds(Lasted, st.integers(0, 30), st.booleans(), st.integers(1, 50)), min_size=1, max_size=40
)


def test_a_published_sample_gives_the_published_estimate():
    points = survival([Lasted(w, True) for w in REMISSIONS] + [Lasted(w, False) for w in STILL_IN_REMISSION])
    assert [point.duration for point in points] == [6, 7, 10, 13, 16, 22, 23]
    # Collett, Modelling Survival Data in Medical Research, and any statistics package
    told = [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert [point.survival for point in points] == pytest.approx(told, abs=5e-4)
    assert half_life(points) == HalfLife(23, 13, None)


def test_an_interval_of_a_share_is_the_published_one():
    # Newcombe (1998), Statistics in Medicine 17, table I, method 3
    assert wilson(81 / 263, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0 / 20, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)
    assert wilson(1 / 29, 29) == pytest.approx((0.0061, 0.1718), abs=5e-5)
    assert share(0, 0).share is None


def test_one_that_still_lasts_counts_for_as_long_as_it_was_seen():
    dropped = survival([Lasted(1, True), Lasted(3, True)])
    kept = survival([Lasted(1, True), Lasted(3, True), Lasted(2, False), Lasted(2, False)])
    assert [point.survival for point in dropped] == [0.5, 0.0]
    assert [point.survival for point in kept] == [0.75, 0.0]
    assert (half_life(dropped).duration, half_life(kept).duration) == (1, 3)


def test_without_an_end_there_is_no_half_life():
    assert half_life(survival([Lasted(9, False, 100)])) == HalfLife(None, None, None)
    assert half_life(survival([])) == HalfLife(None, None, None)


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_where_all_have_ended_the_estimate_is_the_share_that_lasted_longer(durations: list[int]):
    points = survival([Lasted(duration, True) for duration in durations])
    for point in points:
        longer = sum(duration > point.duration for duration in durations) / len(durations)
        assert point.survival == pytest.approx(longer, abs=1e-12)
        assert (point.low, point.high) == pytest.approx(wilson(longer, len(durations)), abs=1e-9)
    assert half_life(points).duration == median_low(durations)


@given(observations)
def test_what_is_left_never_grows_and_lies_within_its_interval(observed: list[Lasted]):
    points = survival(observed)
    left = [1.0, *(point.survival for point in points)]
    assert all(later < before for before, later in pairwise(left))
    assert all(0 <= point.low <= point.survival + 1e-12 for point in points)
    assert all(point.survival - 1e-12 <= point.high <= 1 for point in points)
    found = half_life(points)
    ends = [end for end in (found.low, found.duration, found.high) if end is not None]
    assert ends == sorted(ends)


@given(observations, st.randoms(use_true_random=False))
def test_the_estimate_depends_neither_on_order_nor_on_how_it_is_counted(
    observed: list[Lasted], dice: random.Random
):
    one_by_one = [Lasted(one.duration, one.is_ended) for one in observed for _ in range(one.count)]
    dice.shuffle(one_by_one)
    assert survival(one_by_one) == survival(observed)


@given(observations)
def test_more_that_last_never_shorten_a_half_life(observed: list[Lasted]):
    longest = max(one.duration for one in observed)
    before = half_life(survival(observed)).duration
    after = half_life(survival([*observed, Lasted(longest, False, 10)])).duration
    assert before is None or after is None or after >= before


def test_a_point_says_what_is_left_after_it():
    assert survival([Lasted(4, True, 3), Lasted(5, False, 1)]) == [
        Point(4, 0.25, *wilson(0.25, 4)),
    ]
