"""Does every frame that Polymarket ever sent give events or a named fault, and are they what it said."""

import csv
import gzip
import json
from decimal import Decimal
from pathlib import Path

import msgspec
import pyarrow as pa
import pytest
from msgspec import Raw

from tidemill._rust import read_polymarket, read_polymarket_connections
from tidemill.core.book_rule import BookRule
from tidemill.process.books import OrderBooks
from tidemill.process.settlement import ReferencePrices, UpDown
from tidemill.schema import derive
from tidemill.schema.events import (
    BookChange,
    BookSnapshot,
    FillStatus,
    Market,
    MarketStatus,
    OwnFill,
    OwnOrder,
    ReferencePrice,
    Side,
    TradeRole,
    WalletTrade,
)
from tidemill.schema.faults import Malformed, Refused
from tidemill.venues.base import Origin
from tidemill.venues.polymarket import VENUE, change_frames, map_frame, market_frames
from tidemill.venues.polymarket_config import PolymarketConfig, check_polymarket, market_url, user_url
from tidemill.venues.polymarket_values import number, time_ns

SHARED = Path(__file__).resolve().parents[3] / "shared/data/polymarket"
NAUTILUS = SHARED / "ws_samples/nautilus"
ORIGIN = Origin(source="polymarket", chain_id=137, dex="polymarket", connection="one")
RECV_NS = 1_790_000_000_000_000_000

recorded = pytest.mark.skipif(not SHARED.exists(), reason=f"needs the recordings in {SHARED}")


def channel_of(name):
    """Return which channel a recorded file is of; None for answers that are of none that is read."""
    kinds = {
        "ws_user": "user",
        "ws_messages__user": "user",
        "ws_messages__order": "user",
        "ws_messages__trades": "user",
        "http_trade": "user",
        "http_responses__trades": "trades",
        "data_api_trades": "trades",
        "gamma_market": "directory",
        "http_responses__market": "directory",
        "rtds": "live",
        "http_responses__book": "books",
        "clob_book": "books",
        "ws_": "market",
    }
    return next((channel for kind, channel in kinds.items() if kind in name), None)


def recorded_frames():
    return [
        (path.name, channel_of(path.name))
        for path in sorted(NAUTILUS.glob("*.json"))
        if channel_of(path.name) is not None
    ]


@recorded
@pytest.mark.parametrize(("name", "channel"), recorded_frames())
def test_a_recorded_frame_gives_events_or_a_named_fault(name, channel):
    mapped = map_frame(channel, (NAUTILUS / name).read_bytes(), ORIGIN, RECV_NS)
    assert mapped.events or mapped.faults
    assert all(isinstance(fault, Malformed) for fault in mapped.faults)
    for event in mapped.events:
        derive.to_batch([event])


@recorded
def test_a_recorded_frame_is_a_fault_only_for_what_it_lacks():
    faults = {}
    for name, channel in recorded_frames():
        mapped = map_frame(channel, (NAUTILUS / name).read_bytes(), ORIGIN, RECV_NS)
        if mapped.faults:
            faults[name] = str(mapped.faults[0])
    untyped = {name for name, fault in faults.items() if "event_type: expected one" in fault}
    unnamed = {name for name, fault in faults.items() if "expected an event_type" in fault}
    other = {name for name, fault in faults.items() if "`conditionId`" in fault}
    # REST answers, and hand-made messages, lack the field by which the sockets' messages are told apart
    assert untyped == {
        "py__ws_messages__trades.json",
        "rs__http_trade_report.json",
        "rs__http_trades_page.json",
    }
    assert unnamed == {"rs__ws_last_trade.json", "rs__ws_quotes.json", "rs__ws_tick_size_change.json"}
    # markets as the order book's REST lists them, which is not the directory
    assert other == {"py__http_responses__market.json", "py__http_responses__markets.json"}
    assert set(faults) == untyped | unnamed | other


@recorded
def test_the_recorded_live_trade_is_a_wallet_s():
    frame = (SHARED / "ws_samples/rtds_activity_trades_frame_2026-07-25.json").read_bytes()
    [trade] = map_frame("live", frame, ORIGIN, RECV_NS).events
    assert isinstance(trade, WalletTrade)
    assert (trade.side, trade.price, trade.size) == (Side.BUY, Decimal("0.45"), Decimal("4.33"))
    assert trade.wallet.hex() == "1015bb260154f51e5f432cb0a3227c1619fcbac8"
    assert trade.event_ns == 1785027308 * 10**9
    assert trade.outcome == "Up"


@recorded
def test_recorded_up_and_down_books_mirror_each_other_and_are_kept_as_they_came():
    books = OrderBooks("polymarket", BookRule(ordering="time", top_strikes_max=10))
    sides = {}
    for number_, side in enumerate(("up", "down"), 1):
        with gzip.open(SHARED / f"l2_capture/15m_sol_orderbooks_1765450800{side}.json.gz") as file:
            sides[str(number_)] = json.load(file)
    books.follow(list(sides))
    compared = 0
    for place in range(min(len(book) for book in sides.values())):
        for token, recording in sides.items():
            raw = recording[place]
            book = {name: raw[name] for name in ("bids", "asks", "timestamp")}
            frame = msgspec.json.encode([{"asset_id": token, "market": "0x1", **book}])
            mapped = map_frame("books", frame, ORIGIN, RECV_NS)
            assert mapped.faults == []
            assert not books.take(batches_of(mapped.events)).gaps
        up, down = (books.depth(token, 100) for token in sides)
        if sides["1"][place]["timestamp"] != sides["2"][place]["timestamp"]:
            continue
        compared += 1
        assert [(1 - level.price, level.size) for level in up.asks] == down.bids
        assert [(1 - level.price, level.size) for level in up.bids] == down.asks
    assert compared > 200


def batches_of(events):
    kinds = {}
    for event in events:
        kinds.setdefault(event.__struct_config__.tag, []).append(event)
    return {tag: derive.to_batch(kind) for tag, kind in kinds.items()}


@recorded
def test_every_recorded_five_minute_market_is_settled_as_its_ticks_say():
    prices = ReferencePrices(ticks_max=100_000)
    with gzip.open(SHARED / "updown_btc/BTCUSD-prices-2026-06-08.csv.gz", "rt") as file:
        for row in csv.DictReader(file):
            payload = {
                "symbol": "btc/usd",
                "timestamp": int(row["feed_ts_ms"]),
                "value": float(row["value"]),
                "full_accuracy_value": row["full_accuracy_value"],
            }
            frame = {"topic": "crypto_prices_chainlink", "type": "update", "payload": payload}
            [tick] = map_frame("live", msgspec.json.encode(frame), ORIGIN, RECV_NS).events
            prices.take(tick)
    with gzip.open(SHARED / "updown_btc/BTC-5m-markets-2026-06-08.jsonl.gz", "rt") as file:
        markets = [json.loads(line) for line in file]
    by_ticks = by_strike = 0
    for market in markets:
        start_ns, end_ns = market["start_sec"] * 10**9, market["end_sec"] * 10**9
        settled = UpDown(market["outcome_prices"].index("1"))
        told = market["strike_value"]
        strike = None if told is None else Decimal(told).scaleb(-18)
        found = prices.outcome(start_ns, end_ns)
        assert found in (None, settled)
        by_ticks += found is not None
        found = prices.outcome(start_ns, end_ns, strike)
        assert found in (None, settled)
        by_strike += found is not None
    # 8 have no tick at their end, 5 none at their beginning, 4 of which have no strike either
    assert (len(markets), by_ticks, by_strike) == (292, 279, 280)


@recorded
def test_gamma_s_markets_are_a_row_for_each_token():
    mapped = map_frame("directory", (NAUTILUS / "rs__gamma_market.json").read_bytes(), ORIGIN, RECV_NS)
    up, down = mapped.events
    assert isinstance(up, Market)
    assert (up.outcome, down.outcome, up.outcome_index) == ("Up", "Down", 0)
    assert up.market == down.market
    assert up.end_ns == 1773307500 * 10**9


def test_a_change_of_both_tokens_is_two_rows_of_one_message():
    frame = (Path(__file__).parents[1] / "captures/polymarket/market.2.json").read_bytes()
    first, second = map_frame("market", frame, ORIGIN, RECV_NS).events
    assert isinstance(first, BookChange)
    assert (first.row, second.row, first.sequence, second.sequence) == (0, 1, 0, 0)
    assert first.instrument != second.instrument
    assert first.best_bid == Decimal("0.5")


def test_an_empty_side_is_no_fault():
    frame = (Path(__file__).parents[1] / "captures/polymarket/books.1.json").read_bytes()
    book, level = map_frame("books", frame, ORIGIN, RECV_NS).events
    assert isinstance(book, BookSnapshot)
    assert (book.bid_count, book.ask_count, level.price) == (0, 1, Decimal("0.52"))
    assert book.hash is None


def test_a_settled_market_names_the_token_that_is_paid_out():
    frame = (Path(__file__).parents[1] / "captures/polymarket/market.3.json").read_bytes()
    told = [
        event
        for event in map_frame("market", frame, ORIGIN, RECV_NS).events
        if isinstance(event, MarketStatus) and event.change == "resolved"
    ]
    assert [event.is_winning for event in told] == [1, 0]
    assert [event.outcome for event in told] == ["Yes", None]


def test_a_fill_says_which_of_its_orders_is_own():
    frame = (Path(__file__).parents[1] / "captures/polymarket/user.2.json").read_bytes()
    taker, own, other = map_frame("user", frame, ORIGIN, RECV_NS).events
    assert all(
        isinstance(event, OwnFill) and event.status is FillStatus.MATCHED for event in (taker, own, other)
    )
    assert [event.is_own for event in (taker, own, other)] == [0, 1, 0]
    assert [event.role for event in (taker, own)] == [TradeRole.TAKER, TradeRole.MAKER]
    assert other.side is None


def test_an_order_without_a_matched_size_says_nothing_of_it():
    frame = (Path(__file__).parents[1] / "captures/polymarket/user.1.json").read_bytes()
    [order] = map_frame("user", frame, ORIGIN, RECV_NS).events
    assert isinstance(order, OwnOrder)
    assert (order.matched_size, order.expires_ns) == (None, None)


def test_prices_of_a_subscription_are_a_row_each():
    frame = (Path(__file__).parents[1] / "captures/polymarket/live.2.json").read_bytes()
    first, second = map_frame("live", frame, ORIGIN, RECV_NS).events
    assert isinstance(first, ReferencePrice)
    assert (first.price, second.price, second.row) == (Decimal("61164.12"), Decimal("61161.07"), 1)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("side", "HOLD", "side: expected BUY or SELL"),
        ("price", 1.5, "price: expected a price from 0 to 1"),
        ("price", -0.5, "price: expected a decimal"),
        ("asset", "seven", "asset: expected a token's number"),
        ("timestamp", 12, "timestamp: expected a time since 2020"),
        ("proxyWallet", "0x12", "proxyWallet: expected 0x and 40 digits"),
        ("transactionHash", "0x12", "transactionHash: expected 0x and 64 digits"),
    ],
)
def test_what_is_wrong_with_a_wallet_s_trade_is_said(field, value, expected):
    [row] = json.loads((Path(__file__).parents[1] / "captures/polymarket/trades.1.json").read_text())
    mapped = map_frame("trades", json.dumps([row, {**row, field: value}]).encode(), ORIGIN, RECV_NS)
    assert len(mapped.events) == 1
    assert expected in str(mapped.faults[0])


def test_numbers_are_exact_as_text_and_rounded_as_floats():
    assert number(Raw(b'".48"'), "x") == Decimal("0.48")
    assert number(Raw(b"4.33"), "x") == Decimal("4.33")
    assert number(Raw(b"1e-06"), "x") == Decimal("0.000001")
    assert number(Raw(b"0.0009999999999999998"), "x") == Decimal("0.001")
    for wrong in (b'"0.0009999999999999998"', b'"-1"', b'""', b"true", b'"1.2.3"', b"1e25", b'"abc"'):
        with pytest.raises(Malformed):
            number(Raw(wrong), "x")


def test_times_are_read_in_s_and_ms_and_as_iso_8601():
    for spelled in (
        b'"1757908892000"',
        b"1757908892",
        b'"2025-09-15T04:01:32Z"',
        b'"2025-09-15T04:01:32+00:00"',
    ):
        assert time_ns(Raw(spelled), "x") == 1757908892 * 10**9
    for wrong in (b'"soon"', b"1", b'"2025-09-15T04:01:32"', b'"9999999999999999999999"', b'"T"'):
        with pytest.raises(Malformed):
            time_ns(Raw(wrong), "x")


def test_a_subscription_is_said_in_frames_of_so_many_tokens():
    frames = [json.loads(frame) for frame in market_frames([str(one) for one in range(250)], 100)]
    assert [len(frame["assets_ids"]) for frame in frames] == [100, 100, 50]
    assert frames[0]["type"] == "market"
    assert [frame["operation"] for frame in frames[1:]] == ["subscribe", "subscribe"]
    assert list(change_frames("unsubscribe", [], 100)) == []


def test_settings_that_do_not_fit_together_are_refused_by_name():
    good = PolymarketConfig()
    check_polymarket(good)
    for changes, key in (
        ({"ws_url": "http://x"}, "ws_url"),
        ({"http_url": "ws://x"}, "http_url"),
        ({"tokens": ("x",)}, "tokens"),
        ({"live_topics": ("activity",)}, "live_topics"),
        ({"api_key": "key"}, "api_key"),
    ):
        with pytest.raises(Refused, match=f"venues.polymarket.*{key}"):
            check_polymarket(msgspec.structs.replace(good, **changes))


def test_the_address_of_a_channel_stands_for_both():
    for url in ("wss://x/ws", "wss://x/ws/", "wss://x/ws/market", "wss://x/ws/user"):
        config = PolymarketConfig(ws_url=url)
        assert (market_url(config), user_url(config)) == ("wss://x/ws/market", "wss://x/ws/user")


def test_the_venue_s_books_are_ordered_by_time():
    assert VENUE.book_rule is not None
    assert VENUE.book_rule.ordering == "time"


def test_frames_of_several_connections_are_read_as_each_by_itself():
    frames = [
        b'[{"event_type":"book","market":"0x1","asset_id":"%d","timestamp":"1760000000000",'
        b'"bids":[{"price":"0.4","size":"1"}],"asks":[]}]' % token
        for token in (1, 2)
    ]
    change = b'{"event_type":"price_change","market":"0x1","timestamp":"1760000000009","price_changes":[]}'
    odd = [b'{"event_type":"new_market","id":"1"}', b"not JSON"]
    heard = [("one", 5, [(RECV_NS, frames[0]), (RECV_NS, odd[0])]), ("two", 0, [(RECV_NS, change)])]
    heard.append(("three", 9, [(RECV_NS, odd[1]), (RECV_NS, frames[1])]))
    read = read_polymarket_connections(heard, source="polymarket", is_hash_checked=False)
    apart = [
        read_polymarket(
            frames, source="polymarket", connection=name, first_sequence=first, is_hash_checked=False
        )
        for name, first, frames in heard
    ]
    assert read.next_sequences == [one.next_sequence for one in apart] == [7, 1, 10]
    snapshots = [one.batches["book_snapshot"] for one in apart if "book_snapshot" in one.batches]
    assert read.batches["book_snapshot"] == pa.concat_batches(snapshots)
    assert [(place, sequence) for place, sequence, *_ in read.others] == [(0, 6)]
    assert [place for place, *_ in read.unread] == [2]
    assert read.newest_ns == [1_760_000_000_000_000_000, None, 1_760_000_000_000_000_000]
