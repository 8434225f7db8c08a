"""Whether a rate is what the last minute had, whatever was before."""

from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.clock import NS_PER_S
from tidemill.core.rate import WINDOW_S, Rate

_STEPS = st.lists(st.tuples(st.integers(0, 40 * NS_PER_S), st.integers(0, 1_000)), min_size=1, max_size=50)


def test_there_is_none_before_the_first_count() -> None:
    assert Rate().per_s(0) == 0


@given(_STEPS, st.integers(0, 90 * NS_PER_S))
def test_a_rate_is_what_a_recount_finds(steps: list[tuple[int, int]], after_ns: int) -> None:
    rate, now_ns, told = Rate(), 0, list[tuple[int, int]]()
    for wait_ns, count in steps:
        now_ns += wait_ns
        rate.add(count, now_ns)
        told.append((now_ns // NS_PER_S, count))
    now_ns += after_ns
    oldest = now_ns // NS_PER_S - WINDOW_S
    assert rate.per_s(now_ns) == sum(count for second, count in told if second > oldest) / WINDOW_S
