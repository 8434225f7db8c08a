"""Are books made of orders exact, and void as soon as they lack something."""

from tidemill.schema.events import BookSide
from tidemill.venues.sei.books import Books
from tidemill.venues.sei.meaning import Cancelled, Level, Matched, Placed, Unread, Whole

BID, ASK = BookSide.BID, BookSide.ASK


def placed(order, side, price, size):
    return Placed("A", order, side, price, size)


def matched(order, price, size, side=None, *, takes_level=False):
    return Matched("A", price, size, side, order, takes_level, None, None)


def cancelled(order, size=None):
    return Cancelled("A", order, None, None, size)


def whole(*levels, sequence=None):
    return Whole("A", tuple(Level(*level) for level in levels), sequence, None)


def begun(*messages):
    books = Books(("A",))
    books.apply([whole()])
    for message in messages:
        books.apply([message])
    return books


def levels(books):
    return books.by_name["A"].levels if books.by_name["A"].is_whole else None


def test_a_level_is_the_sum_of_its_orders_less_what_was_matched_and_cancelled():
    books = begun(placed("1", BID, 10, 5), placed("2", BID, 10, 7), placed("3", ASK, 12, 4))
    assert levels(books) == {(BID, 10): 12, (ASK, 12): 4}
    effects = books.apply([matched("1", 10, 2), cancelled("3")])
    assert effects["A"].levels == {(BID, 10): 10, (ASK, 12): 0}
    assert [trade.size_e18 for trade in effects["A"].trades] == [2]
    books.apply([cancelled("2", 3)])
    books.apply([matched("1", 10, 3)])
    assert levels(books) == {(BID, 10): 4}


def test_levels_without_names_move_by_side_and_price():
    books = begun(Placed("A", None, ASK, 12, 9))
    books.apply([matched(None, 12, 4, BID, takes_level=True)])
    assert levels(books) == {(ASK, 12): 5}
    books.apply([Cancelled("A", None, ASK, 12, 5)])
    assert levels(books) == {}


def test_what_the_book_does_not_have_voids_it_until_a_whole_one():
    for message in (
        cancelled("9"),
        matched("9", 10, 1),
        cancelled("1", 6),
        Cancelled("A", None, BID, 11, 1),
        placed("1", BID, 9, 1),
        Unread("A", "expected a price"),
    ):
        books = begun(placed("1", BID, 10, 5))
        (effect,) = books.apply([message]).values()
        assert effect.void
        assert levels(books) is None
        assert not books.apply([placed("5", BID, 8, 1)])["A"].levels
        (effect,) = books.apply([whole((BID, 7, 2, None))]).values()
        assert (effect.is_whole, effect.void, effect.levels) == (True, "", {(BID, 7): 2})


def test_a_crossed_book_is_void():
    books = begun(placed("1", BID, 10, 5))
    (effect,) = books.apply([placed("2", ASK, 10, 1)]).values()
    assert "crossed" in effect.void


def test_a_book_may_be_crossed_within_a_transaction():
    books = begun(placed("1", BID, 10, 5))
    (effect,) = books.apply([placed("2", ASK, 10, 1), matched("1", 10, 1), cancelled("2")]).values()
    assert (effect.void, effect.levels) == ("", {(BID, 10): 4, (ASK, 10): 0})


def test_a_whole_book_that_is_older_than_the_last_changes_nothing():
    books = begun()
    books.apply([whole((BID, 7, 2, "a"), sequence=5)])
    assert not books.apply([whole((BID, 8, 2, "b"), sequence=4)])["A"].is_whole
    assert levels(books) == {(BID, 7): 2}


def test_orders_of_a_whole_book_are_known_by_name():
    books = begun()
    books.apply([whole((BID, 7, 2, "a"), (BID, 7, 3, "b"))])
    books.apply([cancelled("a")])
    assert levels(books) == {(BID, 7): 3}


def test_orders_from_before_a_whole_book_without_names_are_still_known():
    books = Books(("A",))
    books.apply([placed("1", BID, 10, 5)])
    books.apply([whole((BID, 10, 9, None))])
    books.apply([cancelled("1")])
    assert levels(books) == {(BID, 10): 4}


def test_what_is_kept_is_what_was():
    books = begun(placed("1", BID, 10**37, 5), placed("2", ASK, 2 * 10**37, 7))
    other = Books(("A", "B"))
    other.load(books.dump())
    assert other.by_name["A"].levels == books.by_name["A"].levels
    assert other.by_name["A"].orders == books.by_name["A"].orders
    assert not other.by_name["B"].is_whole
