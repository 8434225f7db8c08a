"""The scorecard of what is in a store: which price counts for which order, and what is printed of it."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.store.samples import START_NS, wallet_trade

from tidemill.app.whales.scorecard import Line, scorecard, seconds_of, summary
from tidemill.process.whales.scorecard import Verdict
from tidemill.schema import derive
from tidemill.schema.events import (
    MarketChange,
    MarketStatus,
    Side,
    TradeRole,
    WhaleOrder,
    WhaleOrderStatus,
    WhaleReason,
)
from tidemill.schema.faults import Refused
from tidemill.store import StoreSettings, open_store

S = 1_000_000_000


def order(market: int, *, at_s: int = 0, count: int = 1, price: str = "0.5", **more: Any) -> WhaleOrder:
    fields: dict[str, Any] = {
        "event_ns": START_NS + at_s * S,
        "recv_ns": START_NS,
        "detected_ns": START_NS,
        "source": "polygon",
        "connection": f"{at_s}-{count}",
        "sequence": 1,
        "trader_address": b"\x0a" * 20,
        "market_id": f"m{market}",
        "token_id": str(market),
        "order_id": f"o{market}",
        "status": WhaleOrderStatus.OPEN,
        "side": Side.BUY,
        "size": Decimal(10),
        "price": Decimal(price),
        "amount": Decimal(5),
        "trade_count": count,
        "first_ns": START_NS,
        "reason": WhaleReason.REGISTERED,
    }
    return WhaleOrder(**{**fields, **more})


def traded(market: int, at_s: int, price: str, row: int) -> Any:
    return wallet_trade(
        row,
        event_ns=START_NS + at_s * S,
        instrument=str(market),
        price=Decimal(price),
        role=TradeRole.TAKER,
    )


def resolved(market: int, is_winning: int, row: int) -> MarketStatus:
    return MarketStatus(
        event_ns=START_NS + 500 * S,
        recv_ns=START_NS,
        source="polymarket",
        connection="c",
        sequence=1,
        row=row,
        market=f"m{market}",
        change=MarketChange.RESOLVED,
        instrument=str(market),
        is_winning=is_winning,
    )


@pytest.mark.timeout(120)
async def test_orders_are_graded_by_the_last_price_within_the_horizon_and_by_settlement(
    tmp_path: Path,
) -> None:
    orders = [order(market) for market in range(12)]
    orders.append(order(0, at_s=5, count=2, price="0.6"))  # the same order later: this one counts
    orders.append(order(50, at_s=10))  # nobody trades after it
    trades = [traded(50, 3, "0.9", 99)]
    for market in range(12):
        trades += [
            traded(market, -5, "0.1", 4 * market),
            traded(market, 20, "0.7", 4 * market + 1),
            traded(market, 50, "0.8", 4 * market + 2),
            traded(market, 90, "0.2", 4 * market + 3),
        ]
    settled = [resolved(market, 1, market) for market in range(12)]
    async with open_store(f"chdb://{tmp_path / 'store'}", StoreSettings()) as store:
        await store.migrate()
        for tag, events in (("whale_order", orders), ("wallet_trade", trades), ("market_status", settled)):
            await store.insert(tag, [derive.to_batch(events)], "a")
        lines = await scorecard(store, [("1m", 60), ("30s", 30), ("2m", 120)])
    found = {line.horizon: line.score for line in lines if line.reason is WhaleReason.REGISTERED}
    assert {line.score for line in lines if line.reason is WhaleReason.LARGE} == {None}
    assert found["2m"] is None, "no price is known that is two minutes later than any of them"
    minute, half, settlement = found["1m"], found["30s"], found["settlement"]
    assert minute is not None
    assert half is not None
    assert settlement is not None
    assert (minute.orders, minute.markets, minute.verdict) == (12, 12, Verdict.SIGNAL)
    assert minute.move.mean == pytest.approx((11 * 0.3 + 0.2) / 12)
    assert half.move.mean == pytest.approx((11 * 0.2 + 0.1) / 12)
    assert settlement.move.mean == pytest.approx((11 * 0.5 + 0.4) / 12)
    assert "registered at 1m signal" in summary(lines)


def test_nothing_graded_is_said_so() -> None:
    assert "too early" in summary([Line(reason=WhaleReason.LARGE, horizon="1m", score=None)])


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("5m", 300), ("1h", 3_600), ("2d", 172_800)])
def test_a_horizon_is_a_number_and_a_unit(text: str, seconds: int) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0m", "5", "m", "1w", "-1m", "1m; DROP"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="expected a time such as"):
        seconds_of(text)
