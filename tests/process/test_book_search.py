"""What order books do to a search: gaps to a pool, told with what gives their amounts again."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.process.test_opportunities import TOKEN0, TOKEN1, a_gap
from tests.rust.made import (
    PAIR,
    POOL,
    V2_FACTORY,
    Emitted,
    head,
    logs,
    pair_created,
    pair_swapped,
    synced,
)

from tidemill._rust import Factory, taker_amount_out
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.book_search import BookConfig
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.process.pools import PoolBook
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Refused, Unknown

BOOK = BookConfig(
    venue="made",
    instrument="ONE-TWO",
    base="0x" + TOKEN0.hex(),
    base_decimals=18,
    quote="0x" + TOKEN1.hex(),
    quote_decimals=18,
    taker_fee_ppm=500,
    lot_size=Decimal("0.0001"),
)


def finder(*books: BookConfig, **changes: Any) -> OpportunityFinder:
    start = "0x" + TOKEN0.hex()
    config = SearchConfig(start_tokens=(start,), books=books, **changes)
    return OpportunityFinder(config, "made", 1)


def levels(*told: tuple[str, str]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(size)) for price, size in told]


def counted(text: str) -> list[tuple[int, int]]:
    """Return the levels of a hop in 10^-18."""
    pairs = [level.split("@") for level in text.split()]
    return [(int(Decimal(price).scaleb(18)), int(Decimal(size).scaleb(18))) for price, size in pairs]


def test_a_change_of_a_book_tells_the_gap_and_what_gives_its_amounts_again() -> None:
    pools, found = a_gap(), finder(BOOK)
    found.find(pools, [PAIR, POOL], head(1), 7)
    asks = levels(("0.9", "0.01"), ("0.95", "0.02"), ("2", "5"))
    book = found.books.set_levels("made", "ONE-TWO", levels(("0.8", "1")), asks)
    told = dict(found.find(pools, [book], head(1), 8))
    [best, *_] = derive.to_rows("opportunity", told["opportunity"])
    assert (best["kind"], best["recv_ns"]) == ("pair_gap", 8)
    hops = [
        hop
        for hop in derive.to_rows("opportunity_hop", told["opportunity_hop"])
        if hop["opportunity"] == best["opportunity"]
    ]
    [at_book] = [hop for hop in hops if hop["protocol"] == "order_book"]
    assert (at_book["dex"], at_book["instrument"], at_book["pool"]) == ("made", "ONE-TWO", book)
    assert at_book["levels"].startswith("0.9@0.01")
    again = taker_amount_out(
        counted(at_book["levels"]),
        at_book["amount_in"],
        is_sale=at_book["token_in"] == TOKEN0,
        decimals=(18, 18),
        taker_fee_ppm=at_book["taker_fee_ppm"],
        lot_size=int(Decimal(at_book["lot_size"]).scaleb(18)),
    )
    assert again == at_book["amount_out"]


class Followed:
    """An opportunity at a book that is followed, a block and a change of the book at a time."""

    def __init__(self) -> None:
        self.finder = finder(BOOK)
        self.book = PoolBook("made", 1, [Factory(V2_FACTORY, "uniswap_v2", "uniswap", 997, 1000)], 64)
        self.autopsy = AutopsyBook(self.finder, self.book.pools, blocks=8, window_blocks=8)
        self.rows: list[dict[str, Any]] = []
        self.mine(1, pair_created(), synced(10**18, 10**18))
        self.move(("0.9", "0.01"))

    def mine(self, number: int, *emissions: Emitted) -> None:
        at = head(number)
        read = logs((at, emissions))
        self.book.seal([at], read, [number])
        touched = self.book.take_changed().pools()
        self.autopsy.seal([at], read, [number])
        self.autopsy.open(self.finder.find(self.book.pools, touched, at, number), at)
        self._take()

    def move(self, *asks: tuple[str, str], at: int = 1) -> None:
        book = self.finder.books.set_levels("made", "ONE-TWO", [], levels(*asks))
        self.autopsy.take_books([book])
        self.autopsy.open(self.finder.find(self.book.pools, [book], head(at), 8), head(at))
        self._take()

    def _take(self) -> None:
        batches, _ = self.autopsy.take()
        self.rows += [row for tag, batch in batches for row in derive.to_rows(tag, batch)]


def test_an_opportunity_at_a_book_ends_when_the_book_changes_and_pays_again_as_another() -> None:
    followed = Followed()
    assert followed.autopsy.counts()["followed"] == 1
    followed.move(("0.91", "0.01"))
    followed.move(("2", "0.01"))
    followed.move(("0.9", "0.02"))
    assert followed.autopsy.counts()["followed"] == 2
    for number in (2, 3):
        followed.mine(number)
    [told] = followed.rows
    assert (told["cause"], told["died_block_number"], told["taker_tx_hash"]) == ("closed_by_book", 1, None)
    assert told["best_net_0"] is None
    assert told["best_gross_0"] > 0


def test_a_swap_that_closes_a_gap_to_a_book_is_found() -> None:
    followed = Followed()
    followed.mine(2, synced(12 * 10**17, 8 * 10**17), pair_swapped((2 * 10**17, 0, 0, 2 * 10**17)))
    followed.mine(3)
    [told] = followed.rows
    assert told["cause"] == "closed_by_trade"
    assert told["died_block_number"] == 2


def test_of_a_path_whose_book_was_void_nobody_knows_what_became() -> None:
    followed = Followed()
    followed.move()
    followed.move(("2", "0.01"))
    followed.mine(2)
    [told] = followed.rows
    assert (told["cause"], told["died_block_number"]) == ("unknown", None)


def test_a_reverted_block_takes_back_what_a_book_ended_after_it() -> None:
    followed = Followed()
    followed.mine(2)
    followed.move(("2", "0.01"), at=2)
    at = head(2)
    followed.book.revert(at, 3, 1)
    followed.autopsy.revert(at, 3, 1)
    assert followed.autopsy.counts()["ended"] == {}
    followed.move(("0.9", "0.01"), at=1)
    followed.mine(2)
    followed.mine(3)
    assert followed.autopsy.counts()["followed"] >= 1


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"quote": BOOK.base}, "expected two tokens"),
        ({"lot_size": Decimal(0)}, "lot_size: expected a multiple"),
        ({"lot_size": Decimal("1e-19")}, "lot_size: expected a multiple"),
    ],
)
def test_books_that_make_no_sense_are_refused(changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        finder(msgspec.structs.replace(BOOK, **changes))


def test_an_instrument_twice_is_refused_and_one_that_is_not_searched_is_unknown() -> None:
    with pytest.raises(Refused, match="each instrument once"):
        finder(BOOK, BOOK)
    with pytest.raises(Unknown, match="other"):
        finder(BOOK).books.set_levels("made", "other", [], [])


def test_levels_out_of_order_or_too_fine_are_malformed() -> None:
    found = finder(BOOK)
    for bids in (levels(("1", "1"), ("2", "1")), levels(("1e-19", "1")), levels(("1", "0"))):
        with pytest.raises(Malformed, match="made ONE-TWO"):
            found.books.set_levels("made", "ONE-TWO", bids, [])


def test_books_are_settings_and_no_digit_of_a_level_is_lost() -> None:
    text = {**msgspec.to_builtins(BOOK), "lot_size": "0.0001"}
    config = msgspec.convert({"start_tokens": [BOOK.base], "books": [text]}, SearchConfig, strict=False)
    assert config.books == (BOOK,)
    pools, found = a_gap(), finder(BOOK)
    size = "123456789012345.123456789012345678"
    book = found.books.set_levels("made", "ONE-TWO", [], levels(("0.9", size)))
    told = dict(found.find(pools, [PAIR, book], head(1), 7))
    [hop] = [
        hop
        for hop in derive.to_rows("opportunity_hop", told["opportunity_hop"])
        if hop["instrument"] is not None
    ]
    assert hop["levels"] == f"0.9@{size}"
