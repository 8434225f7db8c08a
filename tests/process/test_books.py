"""Are a venue's books kept exactly, each for itself, whatever comes in which order."""

from decimal import Decimal

import pyarrow as pa
import pytest

from tidemill.core.book_rule import BookRule
from tidemill.process.books import Level, OrderBooks
from tidemill.schema import derive
from tidemill.schema.events import BookCause, BookChange, BookSide, BookSnapshot
from tidemill.schema.faults import Gap

WHOLE = [("bid", "0.4", "3"), ("bid", "0.3", "5"), ("ask", "0.6", "1")]


def origin(instrument, sequence):
    return {
        "event_ns": 10**18 + sequence,
        "recv_ns": 10**18 + sequence,
        "source": "venue",
        "connection": "one",
        "sequence": sequence,
        "instrument": instrument,
    }


def levels(instrument, sequence, sets, cause):
    return [
        BookChange(
            **origin(instrument, sequence),
            row=row,
            cause=BookCause(cause),
            side=BookSide(side),
            price=Decimal(price),
            size=Decimal(size),
        )
        for row, (side, price, size) in enumerate(sets)
    ]


def snapshot(instrument, sequence, sets=WHOLE):
    whole = BookSnapshot(**origin(instrument, sequence), bid_count=2, ask_count=1)
    return {
        "book_snapshot": derive.to_batch([whole]),
        "book_change": derive.to_batch(levels(instrument, sequence, sets, "snapshot")),
    }


def change(instrument, sequence, *sets):
    return {"book_change": derive.to_batch(levels(instrument, sequence, sets, "change"))}


@pytest.fixture
def books():
    books = OrderBooks("venue", BookRule(ordering="time"))
    books.follow(["a", "b"])
    return books


def test_a_book_is_void_until_its_snapshot(books):
    books.take(change("a", 1, ("bid", "0.5", "1")))
    assert (books.top("a"), books.depth("a", 5), books.imbalance("a", 5)) == (None, None, None)
    taken = books.take(snapshot("a", 2))
    assert taken.batches["book_status"]["state"].to_pylist() == ["live"]
    assert books.top("a").bid == Level(Decimal("0.4"), Decimal(3))
    assert (books.is_live("a"), books.is_live("b"), books.live_count, len(books)) == (True, False, 1, 2)


def test_depth_imbalance_and_microprice_are_of_the_best_levels_first(books):
    books.take(snapshot("a", 1))
    depth = books.depth("a", 1)
    assert (depth.bids, depth.asks) == (
        [Level(Decimal("0.4"), Decimal(3))],
        [Level(Decimal("0.6"), Decimal(1))],
    )
    assert books.imbalance("a", 1) == 0.5
    assert books.microprice("a") == pytest.approx(0.55)


def test_a_gap_names_its_book_and_touches_no_other(books):
    books.take(snapshot("a", 1))
    books.take(snapshot("b", 2))
    taken = books.take(change("a", 3, ("bid", "0.6", "1")))
    assert isinstance(taken.gaps["a"], Gap)
    assert "expected the best bid below the best ask" in str(taken.gaps["a"])
    assert (books.is_live("a"), books.is_live("b"), books.counts.gaps) == (False, True, 1)


def test_every_digit_of_a_price_and_a_size_is_kept(books):
    size = "99999999999999999999.123456789012345678"
    books.take(snapshot("a", 1, [("bid", "0.000000000000000001", size)]))
    assert books.top("a").bid == Level(Decimal("0.000000000000000001"), Decimal(size))


def test_a_restarted_book_is_void_and_told(books):
    books.take(snapshot("a", 1))
    taken = books.restart(["a", "b"], "the connection ended", now_ns=5, connection="one", sequence=2)
    status = taken.batches["book_status"].to_pylist()
    assert [(row["instrument"], row["state"], row["detail"]) for row in status] == [
        ("a", "gap", "the connection ended")
    ]
    assert not books.is_live("a")


def test_a_forgotten_book_is_not_kept_any_more(books):
    books.take(snapshot("a", 1))
    books.forget(["a"])
    books.take(change("a", 2, ("bid", "0.5", "1")))
    assert (len(books), books.counts.unfollowed) == (1, 1)


def test_a_batch_of_another_shape_is_refused_and_changes_nothing(books):
    books.take(snapshot("a", 1))
    with pytest.raises(ValueError, match="expected column"):
        books.take({"book_change": pa.record_batch({"price": pa.array([1])})})
    assert books.is_live("a")


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="expected a known ordering"):
        OrderBooks("venue", BookRule(ordering="dreams"))


def together(*told):
    """Return what several connections told as one."""
    topics = {topic for one in told for topic in one}
    return {
        topic: pa.concat_batches([one[topic] for one in told if topic in one]) for topic in sorted(topics)
    }


def over(connection, told):
    """Return the same, over another connection."""
    return {
        topic: batch.set_column(
            batch.schema.get_field_index("connection"),
            batch.schema.field("connection"),
            pa.array([connection] * batch.num_rows, batch.schema.field("connection").type),
        )
        for topic, batch in told.items()
    }


@pytest.mark.parametrize("is_empty", [False, True])
def test_what_several_connections_told_is_applied_as_each_by_itself(is_empty):
    first = together(snapshot("a", 7), change("a", 8, ("bid", "0.4", "9")))
    second = over("two", together(change("b", 1, ("ask", "0.6", "8")), change("b", 3, ("bid", "0.5", "4"))))
    third = over("three", snapshot("b", 2))
    if is_empty:  # a book without levels has no rows of changes
        third = {"book_snapshot": third["book_snapshot"]}
    apart, at_once = (OrderBooks("venue", BookRule(ordering="arrival")) for _ in range(2))
    for books in (apart, at_once):
        books.follow(["a", "b"])
    for told in (first, second, third):
        apart.take(told)
    taken = at_once.take(together(first, second, third))
    assert taken.gaps == {}
    for name in ("a", "b"):
        assert at_once.depth(name, 10) == apart.depth(name, 10)
    assert at_once.live_count == 2
