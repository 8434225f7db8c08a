"""Paper copies: later, at the price of then, and none where no price was known."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest

from tidemill.process.whales.config import WhaleConfig, check_whales
from tidemill.process.whales.copying import CopyBook, Known
from tidemill.schema.events import CopyPrice, CopyStatus, Side, WhaleCopy
from tidemill.schema.faults import Refused

S = 1_000_000_000
CONFIG = WhaleConfig(copy_delay_ms=2_000, copy_price_age_max_ms=5_000, copy_size_share=Decimal("0.1"))


def trade(number: int, at_s: float = 100, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "is_copied": 1,
        "trade_id": f"t{number}",
        "source": "polygon",
        "connection": "c",
        "sequence": number,
        "trader_address": b"\x0a" * 20,
        "market_id": None,
        "token_id": "7",
        "side": "buy",
        "size": Decimal(100),
        "price": Decimal("0.5"),
        "event_ns": int(at_s * S),
        "detected_ns": int(at_s * S),
    }
    return {**row, **changes}


def known(price: str, at_s: float, kind: CopyPrice = CopyPrice.TOP, event_s: float | None = None) -> Known:
    return Known(Decimal(price), kind, int((at_s if event_s is None else event_s) * S), int(at_s * S))


def copied(book: CopyBook, now_s: float) -> WhaleCopy:
    [found] = book.advance(int(now_s * S))
    return found


def test_a_buy_is_followed_at_the_price_of_after_the_delay() -> None:
    book = CopyBook(CONFIG)
    book.follow(trade(1))
    book.price("7", Side.BUY, known("0.51", 100.5))
    book.price("7", Side.BUY, known("0.55", 101.9))
    assert book.advance(int(101.99 * S)) == []
    found = copied(book, 102)
    assert (found.status, found.size, found.price) == (CopyStatus.FILLED, 10, Decimal("0.55"))
    assert (found.event_ns, found.delay_ms, found.whale_price) == (102 * S, 2_000, Decimal("0.5"))
    assert (found.position_size, found.average_price) == (10, Decimal("0.55"))
    assert book.advance(200 * S) == [], "it is followed once"


@pytest.mark.parametrize(
    "price",
    [
        None,
        known("0.5", 96.9),
        known("0.5", 102.1),
        known("0.5", 101, CopyPrice.TRADE, event_s=100),
    ],
    ids=["none", "stale", "told later", "the whale's own trade"],
)
def test_without_a_price_of_then_nothing_is_filled(price: Known | None) -> None:
    book = CopyBook(CONFIG)
    book.follow(trade(1))
    if price is not None:
        book.price("7", Side.BUY, price)
    found = copied(book, 103)
    assert (found.status, found.price, found.size, found.position_size) == (CopyStatus.UNPRICED, None, 0, 0)


def test_a_sale_takes_from_what_is_held_on_paper_and_no_more() -> None:
    book = CopyBook(CONFIG)
    book.price("7", Side.BUY, known("0.4", 101))
    book.price("7", Side.SELL, known("0.6", 106))
    book.follow(trade(1))
    assert copied(book, 102).status is CopyStatus.FILLED
    book.follow(trade(2, 105, side="sell", size=Decimal(300)))
    sold = copied(book, 107)
    assert (sold.size, sold.price, sold.realized_pnl, sold.position_size) == (10, Decimal("0.6"), 2, 0)
    book.follow(trade(3, 105, side="sell"))
    assert copied(book, 107).status is CopyStatus.UNHELD


def test_whales_that_are_not_copied_are_left_alone() -> None:
    book = CopyBook(CONFIG)
    book.follow(trade(1, is_copied=0))
    assert book.next_due_ns is None


def test_no_whale_is_followed_where_copying_is_off() -> None:
    book = CopyBook(msgspec.structs.replace(CONFIG, copy_enabled=False))
    book.follow(trade(1))
    assert book.next_due_ns is None


def test_a_position_costs_no_more_than_it_may() -> None:
    book = CopyBook(msgspec.structs.replace(CONFIG, copy_cost_max=Decimal(6)))
    book.price("7", Side.BUY, known("0.4", 101))
    book.follow(trade(1))
    assert copied(book, 102).size == 10
    book.follow(trade(2, 101))
    assert (found := copied(book, 103)).size == 5
    assert found.position_size * found.average_price == 6
    book.follow(trade(3, 102))
    assert copied(book, 104).status is CopyStatus.LIMITED
    with pytest.raises(Refused, match=r"whales\.copy_cost_max: expected more than 0"):
        check_whales(WhaleConfig(copy_cost_max=Decimal(0)))


def kept_while_one_waits() -> dict[bytes, bytes]:
    """Return what is kept of a book that followed one trade and was told of another."""
    book = CopyBook(CONFIG)
    book.price("7", Side.BUY, known("0.4", 101))
    book.follow(trade(1))
    copied(book, 102)
    book.follow(trade(2, 110))
    return {key: value for key, value in book.take().items() if value is not None}


def test_a_restart_forgets_no_trade_and_knows_no_price() -> None:
    second = CopyBook(CONFIG)
    second.load(kept_while_one_waits().items())
    found = copied(second, 200)
    assert (found.trade_id, found.status, found.position_size) == ("t2", CopyStatus.UNPRICED, 10)


def test_what_waited_as_copying_was_switched_off_is_not_followed_then_nor_later() -> None:
    kept = kept_while_one_waits()
    off = CopyBook(msgspec.structs.replace(CONFIG, copy_enabled=False))
    off.load(kept.items())
    off.price("7", Side.BUY, known("0.4", 111))
    assert off.advance(200 * S) == []
    for key in off.take():
        del kept[key]
    again = CopyBook(CONFIG)
    again.load(kept.items())
    assert again.next_due_ns is None
    again.price("7", Side.SELL, known("0.6", 301))
    again.follow(trade(3, 300, side="sell"))
    assert copied(again, 302).size == 10, "what is held on paper is still known"


@pytest.mark.parametrize("said", ["-0.01", "0", "NaN", "Infinity"])
def test_a_share_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(Refused, match=r"whales\.copy_size_share: expected"):
        check_whales(WhaleConfig(copy_size_share=Decimal(said)))


def test_live_copies_are_refused_without_the_execution_server() -> None:
    with pytest.raises(Refused, match=r"whales\.copy_mode: expected paper"):
        check_whales(WhaleConfig(copy_mode="live"))
