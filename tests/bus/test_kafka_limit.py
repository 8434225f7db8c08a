"""Whether a call that does not end is not waited for."""

import threading

import pytest

from tidemill.bus.kafka_limit import within
from tidemill.schema.faults import Unreachable


def test_a_call_that_does_not_end_is_left() -> None:
    never = threading.Event()
    with pytest.raises(Unreachable, match=r"expected an answer within 0\.05 s"):
        within(0.05, never.wait, "an answer")
    never.set()


def test_what_a_call_raises_is_raised() -> None:
    with pytest.raises(KeyError):
        within(30, lambda: {}["nothing"], "an answer")


def test_a_call_that_ends_has_ended() -> None:
    done = threading.Event()
    within(30, done.set, "an answer")
    assert done.is_set()
