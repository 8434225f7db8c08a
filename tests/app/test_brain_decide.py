"""Each broken limit refuses, the plainest first, and what is sent asks for no less than slippage leaves."""

import pytest
from msgspec.structs import replace

from tidemill.app.brain.config import BrainSettings
from tidemill.app.brain.decide import Facts, Refuse, Send, decide
from tidemill.learn.gas.trend import Forecast, Trend

NOW_NS = 10**18
LIMITS = BrainSettings()


def forecast(trend: Trend, high_gwei: float) -> Forecast:
    return Forecast(
        trend=trend,
        gas_gwei=10,
        quantiles_gwei={"0.05": 8, "0.25": 9, "0.5": 10, "0.75": 11, "0.95": high_gwei},
        probabilities={Trend.FALLING: 0.0, Trend.STABLE: 0.2, Trend.RISING: 0.8},
        threshold=0.05,
        horizon_ns=60 * 10**9,
        predictor="xgb",
    )


GOOD = Facts(
    found_ns=NOW_NS - 10**9,
    amount_in=20_000 * 10**6,
    gross_profit=60 * 10**6,
    flash_premium=2 * 10**6,
    gas=250_000,
    gas_price_wei=12_500_000_000,
    net_profit=50 * 10**6,
    net_profit_wei=50 * 10**18 // 3_000,
    net_profit_usd=50.0,
    usd_per_unit=1e-6,
    base_fee_gwei=10.0,
    risk_score=0.2,
    forecast=forecast(Trend.RISING, 30),
    params={"slippage": 0.1, "priority_fee": 2.5},
    market_state="ethereum_medium_normal",
)


def test_a_good_one_is_sent_with_the_least_profit_that_slippage_leaves() -> None:
    verdict = decide(GOOD, LIMITS, NOW_NS, 0)
    assert isinstance(verdict, Send)
    assert verdict.expected_profit_usd == pytest.approx(50)
    assert verdict.min_profit == (60 - 2 - 20) * 10**6


def test_slippage_that_allows_to_lose_most_of_it_is_left_to_the_server() -> None:
    loose = replace(GOOD, params={"slippage": 2.0, "priority_fee": 2.5})
    verdict = decide(loose, LIMITS, NOW_NS, 0)
    assert isinstance(verdict, Send)
    assert verdict.min_profit is None


def test_a_higher_fee_is_taken_off_what_is_expected() -> None:
    verdict = decide(replace(GOOD, params={"slippage": 0.25, "priority_fee": 10.0}), LIMITS, NOW_NS, 0)
    assert isinstance(verdict, Send)
    assert verdict.expected_profit_usd == pytest.approx(50 - 250_000 * 7.5e-9 * 3_000, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"found_ns": NOW_NS - 13 * 10**9}, "ms old"),
        ({"unspellable": "a hop through curve cannot be spelled"}, "a hop through curve"),
        ({"net_profit_usd": None}, "not known in dollars"),
        ({"usd_per_unit": None}, "not known in dollars"),
        ({"gas": None}, "not known in dollars"),
        ({"base_fee_gwei": None}, "not known in dollars"),
        ({"amount_in": 200_000 * 10**6}, "it borrows 200000 USD"),
        ({"risk_score": 0.95}, "its risk is 0.95"),
        ({"base_fee_gwei": 250.0}, "gas would cost 252.5 gwei"),
        ({"base_fee_gwei": 80.0}, "it leaves -"),
        ({"forecast": forecast(Trend.RISING, 200)}, "gas is rising (80%): at 200 gwei it would lose"),
    ],
)
def test_the_first_broken_limit_refuses(change: dict[str, object], said: str) -> None:
    verdict = decide(replace(GOOD, **change), LIMITS, NOW_NS, 0)
    assert isinstance(verdict, Refuse)
    assert said in verdict.reason


def test_gas_that_is_not_rising_refuses_nothing() -> None:
    assert isinstance(decide(replace(GOOD, forecast=forecast(Trend.STABLE, 200)), LIMITS, NOW_NS, 0), Send)
    assert isinstance(decide(replace(GOOD, forecast=None), LIMITS, NOW_NS, 0), Send)


def test_more_signals_than_allowed_in_a_minute_are_refused() -> None:
    verdict = decide(GOOD, LIMITS, NOW_NS, LIMITS.max_signals_per_min)
    assert isinstance(verdict, Refuse)
    assert "the most allowed" in verdict.reason
