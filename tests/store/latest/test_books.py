"""What was told of books: the newest is kept, and many are written as one command."""

import json

import pytest
from tests.store.market import START_NS, kept_books, status, top

from tidemill._rust import ToldBooks
from tidemill.schema import derive
from tidemill.schema.events import BookState
from tidemill.store.latest import Depth, LatestBooks


def noted(*events):
    told = ToldBooks()
    for event in events:
        told.note(event.__struct_config__.tag, derive.to_batch([event]))
    return told


def parts_of(command):
    """Read a command as a server does."""
    head, rest = command.split(b"\r\n", 1)
    parts = []
    while rest:
        length, rest = rest.split(b"\r\n", 1)
        size = int(length[1:])
        assert rest[size : size + 2] == b"\r\n"
        parts.append(rest[:size])
        rest = rest[size + 2 :]
    assert head == b"*%d" % len(parts)
    return parts


def written(told, *names, kept=(), levels_max=20):
    command = told.command(
        list(names), list(kept), script="return 1", prefix="p:", levels_max=levels_max, settings=[60, 1]
    )
    name, script, count, *rest = parts_of(command)
    assert [name, script] == [b"EVAL", b"return 1"]
    keys, settings, texts = rest[: int(count)], rest[int(count) :][:2], rest[int(count) + 2 :]
    assert settings == [b"60", b"1"]
    return dict(zip(keys, map(json.loads, texts), strict=True))


def test_a_kept_book_is_written_exactly_and_no_deeper_than_asked():
    bids, asks = [("0.123456789012345678", "10500100"), ("0.1", "0.5")], [("20", "3.25")]
    kept = [("fair", kept_books("SEI/USDC", bids, asks))]
    told = noted(top(1), status(1, BookState.LIVE))
    name = ("fair", "SEI/USDC")
    assert written(told, name, kept=kept, levels_max=1) == {
        b"p:fair:SEI/USDC": {
            "source": "fair",
            "instrument": "SEI/USDC",
            "state": "live",
            "bids": [["0.123456789012345678", "10500100"]],
            "asks": [["20", "3.25"]],
            "event_ns": START_NS + 1,
            "recv_ns": START_NS + 6,
            "connection": "c1",
            "sequence": 1,
        }
    }
    assert written(told, name, kept=kept)[b"p:fair:SEI/USDC"]["bids"][1] == ["0.1", "0.5"]


def test_the_best_that_was_told_stands_for_a_book_that_is_not_kept():
    told = noted(top(1, bid_size=None, ask_price=None, ask_size=None))
    book = written(told, ("fair", "SEI/USDC"))[b"p:fair:SEI/USDC"]
    assert [book["state"], book["bids"], book["asks"]] == [None, [["1.5", None]], []]


def test_of_what_nothing_was_told_nothing_is_written():
    assert written(noted(top(1)), ("fair", "OTHER"), ("else", "SEI/USDC")) == {}


def test_names_are_written_as_json_has_them():
    name = 'a "quoted" \\ one\nin two lines, ü'
    (book,) = written(noted(top(1, instrument=name)), ("fair", name)).values()
    assert book["instrument"] == name


def test_what_is_older_changes_nothing_whatever_its_topic():
    told = noted(top(3), top(2), status(2, BookState.GAP), status(1, BookState.LIVE))
    state, best, recv_ns, sequence, event_ns, connection = told.told("fair", "SEI/USDC")
    assert (state, best) == ("gap", [(35 * 10**17, 10 * 10**18), (36 * 10**17, 20 * 10**18)])
    assert (recv_ns, sequence, event_ns, connection) == (START_NS + 8, 3, START_NS + 3, "c1")
    assert written(told, ("fair", "SEI/USDC"))[b"p:fair:SEI/USDC"]["bids"] is None


def test_each_instrument_is_named_once_however_many_rows_are_of_it():
    rows = derive.to_batch([top(1), top(2, instrument="B"), top(3), top(4, source="other")])
    told = ToldBooks()
    names = [("fair", "SEI/USDC"), ("fair", "B"), ("other", "SEI/USDC")]
    assert told.note("book_top", rows) == names
    assert sorted(told.names()) == sorted(names)


def test_a_topic_that_tells_of_no_books_is_not_taken():
    with pytest.raises(ValueError, match='expected a topic that tells of books, found "trade"'):
        ToldBooks().note("trade", derive.to_batch([top(1)]))


def test_the_instruments_that_were_silent_for_longest_go():
    told = ToldBooks()
    many = [top(1, instrument=str(number)) for number in range(50_000)]
    told.note("book_top", derive.to_batch(many))
    told.note("book_top", derive.to_batch([top(2, source="other", instrument=str(n)) for n in range(50_000)]))
    told.note("book_top", derive.to_batch([top(3, instrument="new")]))
    assert len(told.names()) < 100_000
    assert told.told("fair", "new") is not None
    assert told.told("other", "49999") is not None


def test_a_view_has_the_kept_book_as_numbers():
    books = LatestBooks(lambda source, instrument, levels: Depth([(4, 5)], []))
    books.note("book_top", derive.to_batch([top(1)]))
    view = books.view(("fair", "SEI/USDC"), 1)
    assert (view.bids, view.asks, view.sequence) == ([(4, 5)], [], 1)
    assert books.view(("fair", "B"), 1) is None
