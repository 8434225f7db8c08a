"""What order books do to a search: gaps to a pool, told with what gives their amounts again."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from tests.process.test_opportunities import TOKEN0, TOKEN1, a_gap
from tests.rust.made import PAIR, POOL, head

from tidemill._rust import taker_amount_out
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.book_search import BookConfig
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
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


def test_an_opportunity_at_a_book_is_not_followed_to_its_end() -> None:
    pools, found = a_gap(), finder(BOOK)
    book = found.books.set_levels("made", "ONE-TWO", [], levels(("0.9", "0.01")))
    told = found.find(pools, [PAIR, book], head(1), 7)
    assert dict(told)
    autopsy = AutopsyBook(found, pools, blocks=8, window_blocks=8)
    autopsy.open(told, head(1))
    assert autopsy.counts()["followed"] == 0


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
