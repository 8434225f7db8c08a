"""What a scorecard says: the right sign, intervals that cover, and silence where there is nothing to say."""

import random

import pytest

from tidemill.process.whales.scorecard import Graded, Verdict, score
from tidemill.schema.events import Side


def graded(market: int, side: Side, price: float, later: float) -> Graded:
    return Graded(market=str(market), side=side, price=price, later=later)


@pytest.mark.parametrize(
    ("side", "price", "later", "move", "share"),
    [
        (Side.BUY, 0.4, 0.5, 0.1, 0.25),
        (Side.BUY, 0.4, 0.0, -0.4, -1.0),
        (Side.SELL, 0.8, 0.7, 0.1, 0.5),
        (Side.SELL, 0.8, 1.0, -0.2, -1.0),
    ],
)
def test_a_move_is_seen_from_the_order_s_side(
    side: Side, price: float, later: float, move: float, share: float
) -> None:
    one = graded(1, side, price, later)
    assert one.move == pytest.approx(move)
    assert one.return_share == pytest.approx(share)


def test_orders_that_move_nothing_carry_no_signal_and_it_is_said() -> None:
    chance = random.Random(1)
    orders = [
        graded(market, Side.BUY, 0.5, 0.5 + chance.uniform(-0.2, 0.2))
        for market in range(60)
        for _ in range(5)
    ]
    found = score(orders)
    assert found is not None
    assert found.verdict is Verdict.NONE
    assert (found.orders, found.markets) == (300, 60)


@pytest.mark.parametrize(("drift", "verdict"), [(0.05, Verdict.SIGNAL), (-0.05, Verdict.AGAINST)])
def test_orders_that_are_followed_by_a_move_carry_one(drift: float, verdict: Verdict) -> None:
    chance = random.Random(2)
    found = score([graded(m, Side.BUY, 0.5, 0.5 + drift + chance.gauss(0, 0.05)) for m in range(60)])
    assert found is not None
    assert found.verdict is verdict
    assert found.hit_rate is not None
    assert (found.hit_rate.mean > 0.5) == (drift > 0)


def test_a_hundred_orders_of_few_markets_prove_nothing() -> None:
    found = score([graded(number % 5, Side.BUY, 0.5, 0.9) for number in range(100)])
    assert found is not None
    assert found.verdict is Verdict.UNKNOWN
    assert (found.move.low, found.move.high) == (None, None)
    assert found.move.mean == pytest.approx(0.4)


def test_the_interval_covers_the_truth_where_a_market_s_orders_share_its_fate() -> None:
    """Without the clusters it would be five times too narrow, and cover a third of the time."""
    chance = random.Random(3)
    covered = 0
    for _ in range(200):
        fates = [chance.gauss(0, 0.1) for _ in range(40)]
        orders = [
            graded(m, Side.BUY, 0.5, 0.5 + fate + chance.gauss(0, 0.01))
            for m, fate in enumerate(fates)
            for _ in range(25)
        ]
        found = score(orders)
        assert found is not None
        assert found.move.low is not None
        assert found.move.high is not None
        covered += found.move.low <= 0 <= found.move.high
    assert 180 <= covered <= 199


def test_the_same_orders_give_the_same_intervals_and_none_give_none() -> None:
    orders = [graded(number, Side.SELL, 0.5, 0.4 + number / 100) for number in range(20)]
    assert score(orders) == score(orders)
    assert score([]) is None


def test_prices_that_stay_are_no_misses() -> None:
    found = score([graded(number, Side.BUY, 0.5, 0.5) for number in range(20)])
    assert found is not None
    assert found.hit_rate is None
    assert found.verdict is Verdict.NONE
