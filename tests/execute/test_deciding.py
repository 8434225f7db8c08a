"""Do limits refuse what goes beyond them, and nothing else?"""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.execute.signals import two_hops

from tidemill.execute.deciding import Accept, DayUse, Limits, Refuse, TokenLimit, decide, refusal
from tidemill.execute.signal import Signal, signal_of

FEE = (300_000, 10)


def _signal(**changes: Any) -> Signal:
    return signal_of(msgspec.json.encode(two_hops(**changes)))


SIGNAL = _signal()
TOKEN = SIGNAL.token
LAX = Limits(slippage_max_bps=5_000)


@pytest.mark.parametrize(
    ("limits", "use", "open_count", "reason"),
    [
        ({}, DayUse(), 10**6, None),
        ({"open_max": 2}, DayUse(), 1, None),
        ({"open_max": 2}, DayUse(), 2, "under way"),
        ({"trades_a_day_max": 5}, DayUse(trades=4), 0, None),
        ({"trades_a_day_max": 5}, DayUse(trades=5), 0, "5 trades today"),
        ({"only_listed_tokens": True}, DayUse(), 0, "not among those that may be borrowed"),
        ({"only_listed_tokens": True, "tokens": {TOKEN: TokenLimit()}}, DayUse(), 0, None),
        ({"tokens": {TOKEN: TokenLimit(amount_max=10**9)}}, DayUse(), 0, None),
        ({"tokens": {TOKEN: TokenLimit(amount_max=10**9 - 1)}}, DayUse(), 0, "limit of one trade"),
        ({"tokens": {TOKEN: TokenLimit(None, 10**9)}}, DayUse(amounts={TOKEN.hex(): 1}), 0, "a day"),
        ({"routers": frozenset(SIGNAL.routers)}, DayUse(), 0, None),
        ({"routers": frozenset({TOKEN})}, DayUse(), 0, "router"),
    ],
)
def test_what_is_asked_for_is_held_against_each_limit(
    limits: dict[str, Any], use: DayUse, open_count: int, reason: str | None
) -> None:
    found = refusal(SIGNAL, msgspec.structs.replace(LAX, **limits), use, open_count)
    assert (found is None) == (reason is None)
    assert reason is None or (found is not None and reason in found.reason)


@pytest.mark.parametrize(
    ("limits", "signal", "profit", "verdict"),
    [
        ({}, {}, 100, Accept(50)),
        ({}, {}, 101, Accept(51)),
        ({}, {}, 1, Accept(1)),
        ({"slippage_max_bps": 10_000}, {}, 100, Accept(1)),
        ({"slippage_max_bps": 0}, {}, 100, Accept(100)),
        ({}, {"minProfit": 70}, 100, Accept(70)),
        ({}, {"minProfit": 49}, 100, "slippage above 5000 bps"),
        ({}, {"minProfit": 101}, 100, "above what it would gain"),
        ({}, {}, 0, "gain nothing"),
        ({}, {}, -5, "gain nothing"),
        ({"gas_price_max_wei": 10}, {}, 100, Accept(50)),
        ({"gas_price_max_wei": 9}, {}, 100, "gas price of 10 wei"),
        ({"fee_a_day_max_wei": 3_000_000}, {}, 100, Accept(50)),
        ({"fee_a_day_max_wei": 2_999_999}, {}, 100, "above 2999999"),
    ],
)
def test_a_simulation_is_held_against_each_limit(
    limits: dict[str, Any], signal: dict[str, Any], profit: int, verdict: Accept | str
) -> None:
    found = decide(_signal(**signal), profit, FEE, msgspec.structs.replace(LAX, **limits), DayUse())
    if isinstance(verdict, str):
        assert isinstance(found, Refuse)
        assert verdict in found.reason
    else:
        assert found == verdict


@given(st.integers(1, 2**120), st.integers(0, 10_000))
def test_what_must_be_left_is_never_less_than_the_slippage_leaves(profit: int, slippage_bps: int) -> None:
    found = decide(SIGNAL, profit, FEE, Limits(slippage_max_bps=slippage_bps), DayUse())
    assert isinstance(found, Accept)
    assert 1 <= found.min_profit <= profit
    assert found.min_profit * 10_000 >= profit * (10_000 - slippage_bps)
