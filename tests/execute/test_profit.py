"""Are trades summed up by their newest event, never across tokens, and counted as the ledger went on?"""

import msgspec
import pytest
from tests.execute.test_ledger import _first

from tidemill.execute.profit import GroupedBy, gained
from tidemill.execute.tally import Tally, copy_of
from tidemill.execute.trade import after
from tidemill.schema import derive
from tidemill.schema.events import Execution, ExecutionState

DAY_NS = 86_400 * 10**9
FILLED = {"realised_profit": 80, "realised_profit_usd": 8.0, "fee_wei": 5}


def _trade(number: int, *states: tuple[ExecutionState, dict[str, object]]) -> list[Execution]:
    told = [msgspec.structs.replace(_first(str(number)), execution_id=bytes([number]) * 32)]
    for state, changes in states:
        told.append(after(told[-1], state, number * DAY_NS, **changes))
    return told


def _all() -> list[Execution]:
    simulated = (ExecutionState.SIMULATED, {"simulated_profit": 100})
    pending = (ExecutionState.PAPER_PENDING, {})
    return [
        *_trade(1, simulated, pending, (ExecutionState.PAPER_FILLED, FILLED)),
        *_trade(2, simulated, pending, (ExecutionState.PAPER_MISSED, {"fee_wei": 3})),
        *_trade(3, simulated, pending),
        *_trade(4, (ExecutionState.REFUSED, {"reason": "a limit"})),
    ]


@pytest.mark.parametrize("by", list(GroupedBy))
def test_each_trade_counts_once_by_its_newest_event(by: GroupedBy) -> None:
    rows = derive.to_rows("execution", derive.to_batch(_all()[::-1]))
    [one] = gained(rows, by)
    assert (one.trades, one.realised, one.open) == (4, 1, 1)
    assert (one.simulated_profit, one.realised_profit, one.realised_profit_usd, one.fee_wei) == (
        200,
        80,
        8.0,
        8,
    )


def test_tokens_are_never_added_up() -> None:
    other = [msgspec.structs.replace(told, token=b"\2" * 20) for told in _trade(5)]
    rows = derive.to_rows("execution", derive.to_batch([*_all(), *other]))
    assert len(gained(rows, GroupedBy.CHAIN)) == 2


def test_the_running_count_is_that_of_its_events() -> None:
    tally = Tally()
    for told in _all():
        tally.take(told)
    assert (tally.signals, tally.paper_accepted, tally.paper_filled, tally.paper_missed) == (4, 3, 1, 1)
    assert (tally.failed, tally.profit_usd, tally.unpriced) == (1, 8.0, 0)
    assert tally.optimism_ratio == pytest.approx(2 / 0.8)
    assert copy_of(tally) == tally


def test_what_a_day_took_is_counted_by_day() -> None:
    tally = Tally()
    for told in _all()[:8]:  # of days 1 and 2
        tally.take(told)
    use = tally.day_of("sandbox", 2 * DAY_NS)
    assert (use.trades, use.fee_wei, list(use.amounts.values())) == (1, 3, [10**9])
    assert tally.day_of("sandbox", 3 * DAY_NS).trades == 0


def test_a_reorg_takes_back_what_was_counted() -> None:
    tally = Tally()
    told = _trade(1, (ExecutionState.INCLUDED, FILLED), (ExecutionState.REORGED, {}))
    for one in told:
        tally.take(one)
    assert (tally.included, tally.profit_usd) == (0, 0.0)


_INCLUDED = (ExecutionState.INCLUDED, FILLED)
_REORGED = (ExecutionState.REORGED, {"fee_wei": None})


@pytest.mark.parametrize(
    ("states", "fee_wei"),
    [
        ([_INCLUDED, (ExecutionState.FINAL, FILLED)], 5),
        ([_INCLUDED, (ExecutionState.FAILED, {"fee_wei": 5})], 5),
        ([_INCLUDED, _REORGED], 0),
        ([_INCLUDED, _REORGED, (ExecutionState.INCLUDED, {"fee_wei": 7})], 7),
        ([(ExecutionState.SENT, {}), (ExecutionState.REPLACED, {"fee_wei": 2})], 2),
    ],
)
def test_a_trade_s_fee_is_counted_once_whatever_became_of_it(
    states: list[tuple[ExecutionState, dict[str, object]]], fee_wei: int
) -> None:
    tally = Tally()
    for told in _trade(1, *states):
        tally.take(told)
    assert tally.day_of("sandbox", DAY_NS).fee_wei == fee_wei


def test_a_fee_is_counted_on_the_day_on_which_it_was_paid() -> None:
    tally = Tally()
    told = _trade(1, _INCLUDED)
    for one in (*told, after(told[-1], ExecutionState.FINAL, 2 * DAY_NS)):
        tally.take(one)
    assert (tally.day_of("sandbox", 2 * DAY_NS).fee_wei, tally.paid) == (0, {})
