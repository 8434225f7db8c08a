"""Does every key stay on its connection, whatever else comes and goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.core.shards import Shards

STEPS = st.lists(st.tuples(st.booleans(), st.sampled_from("abcdefghijkl")), max_size=60)


@given(STEPS, st.integers(1, 4))
def test_adding_or_removing_a_key_moves_no_other_and_no_shard_is_overfull(steps, keys_max):
    shards, where = Shards(keys_max), {}
    for is_added, key in steps:
        if is_added:
            where[key] = shards.add(key)
        else:
            assert shards.remove(key) == where.pop(key, None)
        assert {one: shards.shard_of(one) for one in where} == where
        assert shards.shard_of(key) == where.get(key)
        assert all(1 <= len(shards.keys_of(shard)) <= keys_max for shard in shards)
        assert set(shards) == set(where.values())


def test_a_key_goes_where_there_is_room_before_another_shard_begins():
    shards = Shards(2)
    assert [shards.add(key) for key in "abcde"] == [0, 0, 1, 1, 2]
    shards.remove("b")
    assert shards.add("f") == 0
    assert shards.add("f") == 0


def test_a_shard_without_room_is_a_bug():
    with pytest.raises(ValueError, match="at least one key, found 0"):
        Shards(0)
