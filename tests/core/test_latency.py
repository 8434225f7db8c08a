import math

from hypothesis import given
from hypothesis import strategies as st
from numpy import array, int64

from tidemill.core.latency import Latency


def test_nothing_counted_has_no_quantile():
    assert Latency().quantile_ns(0.5) is None
    assert Latency().summary_ms() == {"count": 0, "p50_ms": None, "p99_ms": None, "max_ms": None}


@given(st.lists(st.integers(1, 10**13), min_size=1, max_size=200), st.floats(0.01, 1))
def test_a_quantile_is_within_a_bucket_of_the_exact_one(durations, share):
    counted = Latency()
    for duration in durations:
        counted.add(duration)
    exact = sorted(durations)[max(1, math.ceil(share * len(durations))) - 1]
    found = counted.quantile_ns(share)
    assert found is not None
    assert exact * 0.999 <= found <= exact * 1.05 + 1


def test_a_clock_set_back_counts_as_no_time():
    counted = Latency()
    counted.add(-5, times=3)
    assert counted.count == 3
    assert counted.quantile_ns(0.99) == 1


@given(st.lists(st.integers(-5, 10**13), max_size=200))
def test_moments_counted_together_count_as_one_by_one(durations):
    now_ns = 1_700_000_000_000_000_000
    one_by_one, together = Latency(), Latency()
    for duration in durations:
        one_by_one.add(duration)
    together.add_since(array([now_ns - duration for duration in durations], int64), now_ns)
    assert (together.count, together.sum_ns, together.max_ns) == (
        one_by_one.count,
        one_by_one.sum_ns,
        one_by_one.max_ns,
    )
    bounds_ns = [2**octave for octave in range(1, 44)]
    assert together.counts_below(bounds_ns) == one_by_one.counts_below(bounds_ns)


@given(st.lists(st.integers(1, 10**13), max_size=200), st.integers(10**3, 10**12))
def test_counts_below_a_bound_are_never_quicker_than_it_was(durations, bound_ns):
    counted = Latency()
    for duration in durations:
        counted.add(duration)
    (found,) = counted.counts_below([bound_ns])
    assert sum(d < bound_ns * 0.95 for d in durations) <= found <= sum(d <= bound_ns for d in durations)
    assert counted.sum_ns == sum(durations)
