"""Is an own fill that is never settled told as a ghost, once."""

from decimal import Decimal

import pytest
from msgspec.structs import replace

from tidemill.process.fills import FillWatch
from tidemill.schema.events import FillStatus, OwnFill, TradeRole

FILL = OwnFill(
    event_ns=10,
    recv_ns=10,
    source="polymarket",
    connection="one",
    sequence=3,
    row=1,
    market="0x1",
    instrument="7",
    trade_id="t",
    order_id="o",
    role=TradeRole.MAKER,
    status=FillStatus.MATCHED,
    price=Decimal("0.5"),
    size=Decimal(5),
)


def test_a_fill_that_is_not_settled_in_time_is_a_ghost_once():
    watch = FillWatch(100, "ghosts")
    watch.take(FILL, 10)
    assert watch.due(109) == []
    [ghost] = watch.due(110)
    assert (ghost.status, ghost.event_ns, ghost.connection, ghost.sequence) == (
        FillStatus.GHOST,
        110,
        "ghosts",
        1,
    )
    assert (watch.due(1_000), len(watch)) == ([], 0)


@pytest.mark.parametrize("status", [FillStatus.MINED, FillStatus.CONFIRMED, FillStatus.FAILED])
def test_a_settled_fill_is_no_ghost(status):
    watch = FillWatch(100, "ghosts")
    watch.take(FILL, 10)
    watch.take(replace(FILL, status=status), 20)
    assert watch.due(1_000) == []


@pytest.mark.parametrize("status", [FillStatus.CONFIRMED, FillStatus.FAILED])
def test_a_match_that_is_heard_after_its_end_is_no_ghost(status):
    watch = FillWatch(100, "ghosts")
    watch.take(replace(FILL, status=status), 10)
    watch.take(FILL, 20)
    assert (watch.due(1_000), len(watch)) == ([], 0)


def test_a_ghost_that_is_heard_of_again_is_told_no_second_time():
    watch = FillWatch(100, "ghosts")
    watch.take(FILL, 10)
    assert len(watch.due(110)) == 1
    watch.take(FILL, 120)
    assert watch.due(1_000) == []


def test_a_retry_gives_a_fill_no_more_time():
    watch = FillWatch(100, "ghosts")
    watch.take(FILL, 10)
    watch.take(replace(FILL, status=FillStatus.RETRYING), 90)
    assert len(watch.due(110)) == 1


def test_beyond_its_bound_the_oldest_fill_is_forgotten():
    watch = FillWatch(100, "ghosts", fills_max=2)
    for name in "abc":
        watch.take(replace(FILL, order_id=name), 10)
    assert [ghost.order_id for ghost in watch.due(1_000)] == ["b", "c"]
