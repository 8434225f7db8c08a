"""Are the places of logs a set as Python's own."""

from hypothesis import given
from hypothesis import strategies as st

from tidemill._rust import LogIndexes

INDEXES = st.lists(st.integers(0, 40) | st.integers(0, 2**32 - 1), max_size=30)


@given(INDEXES, INDEXES)
def test_they_are_as_a_set_is(some: list[int], others: list[int]) -> None:
    one, other = LogIndexes(some), LogIndexes(others)
    assert list(one) == sorted({*some})
    assert len(one) == len({*some})
    assert [index in one for index in others] == [index in {*some} for index in others]
    assert set(one | other) == {*some, *others}
    assert set(one - other) == {*some} - {*others}
    assert (one >= other) == ({*some} >= {*others})
    assert (one == other) == ({*some} == {*others})
    assert one == LogIndexes([*reversed(some), *some])
