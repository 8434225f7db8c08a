"""Is what was told before known again, within a bound."""

from tidemill.core.seen import Seen


def test_a_key_is_new_once():
    seen = Seen(10)
    assert [seen.is_new("a"), seen.is_new("a"), seen.is_new("b")] == [True, False, True]


def test_a_key_that_is_told_more_often_than_before_is_new():
    seen = Seen(10)
    assert [seen.is_new("a", 1), seen.is_new("a", 2), seen.is_new("a", 1), seen.is_new("a", 2)] == [
        True,
        True,
        False,
        False,
    ]


def test_beyond_its_bound_the_oldest_key_is_forgotten():
    seen = Seen(2)
    for key in "abc":
        seen.is_new(key)
    assert [seen.is_new("c"), seen.is_new("b"), seen.is_new("a")] == [False, False, True]
