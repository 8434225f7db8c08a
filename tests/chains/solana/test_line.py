"""Blocks come out in the order of their parents, each once, whatever the order in which they came in."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.chains.solana.frames import SlotBlock
from tidemill.chains.solana.line import Missing, SlotLine
from tidemill.schema.faults import Unsafe


def block(slot: int, parent_slot: int) -> SlotBlock:
    return SlotBlock(slot, parent_slot, slot.to_bytes(32, "big"), 1, b"{}")


def test_a_skipped_slot_is_not_missing() -> None:
    line = SlotLine(None)
    assert [one.slot for one in line.take(block(10, 9))] == [10]
    assert [one.slot for one in line.take(block(13, 10))] == [13]
    assert line.missing is None


def test_what_is_missing_lies_between_the_last_block_and_the_parent_of_the_next() -> None:
    line = SlotLine(10)
    assert line.take(block(15, 14)) == []
    assert line.missing == Missing(11, 14)
    assert [one.slot for one in line.take(block(12, 10))] == [12]
    assert line.missing == Missing(13, 14)
    assert [one.slot for one in line.take(block(14, 12))] == [14, 15]


def test_a_block_that_leaves_out_one_that_counted_is_unsafe() -> None:
    line = SlotLine(10)
    with pytest.raises(Unsafe, match="expected a block that follows slot 10, found one that follows 9"):
        line.take(block(12, 9))


def test_what_cannot_be_had_is_left_out_and_the_next_may_follow_it() -> None:
    line = SlotLine(10)
    line.take(block(30, 28))
    assert [one.slot for one in line.skip_to(29)] == [30]
    assert line.missing is None
    assert [one.slot for one in line.take(block(31, 30))] == [31]


@given(st.lists(st.integers(1, 4), min_size=1, max_size=12), st.randoms())
def test_any_order_with_repeats_gives_each_block_once(steps: list[int], dice) -> None:
    slots = [100]
    for step in steps:
        slots.append(slots[-1] + step)
    blocks = [block(slot, parent) for parent, slot in pairwise(slots)]
    told = [*blocks, *dice.choices(blocks, k=3)]
    dice.shuffle(told)
    line = SlotLine(100)
    ready = [one.slot for each in told for one in line.take(each)]
    assert ready == slots[1:]
    assert line.missing is None
