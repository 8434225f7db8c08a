"""Which order books does a chain's search trade at, and how do their levels reach it."""

from collections.abc import Iterable, Sequence
from decimal import Context, Decimal
from typing import Annotated

from msgspec import Meta, Struct

from tidemill._rust import ChainSearch, PoolError
from tidemill.schema.faults import Malformed, Refused, Unknown

_AddressText = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]
_Decimals = Annotated[int, Meta(ge=0, le=38)]
_EXACT = Context(prec=60)
_EXPONENT = 18
"""Prices and sizes are counted in 10^-18."""

BookLevel = tuple[Decimal, Decimal]
"""Price, quote per base, and size, base: whole tokens."""
LevelE18 = tuple[int, int]
"""The same, each in 10^-18."""


class BookConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of one [[search.<chain>.books]]: an instrument of a venue, and its two sides on the chain."""

    venue: str
    instrument: str
    """As the venue calls it."""
    base: _AddressText
    """The token that a unit of base is worth."""
    base_decimals: _Decimals
    quote: _AddressText
    quote_decimals: _Decimals
    taker_fee_ppm: Annotated[int, Meta(ge=0, lt=1_000_000)]
    """What the venue takes of what a taker receives, in millionths; none is assumed, as venues differ."""
    lot_size: Decimal
    """What the size of an order is a multiple of, in whole base tokens."""
    size_min: Decimal = Decimal(0)
    """The least size of an order, in the same; by default one lot will do, as at most venues."""


class BookSearch:
    """The order books of one chain's search."""

    def __init__(self, search: ChainSearch, books: Sequence[BookConfig], source: str) -> None:
        self._search = search
        self._addresses: dict[tuple[str, str], bytes] = {}
        for book in books:
            where = f"search.{source}: books: {book.venue}/{book.instrument}"
            key = (book.venue, book.instrument)
            if key in self._addresses:
                raise Refused(f"{where}: expected each instrument once, found it twice")
            if book.base.lower() == book.quote.lower():
                raise Refused(f"{where}: expected two tokens, found {book.base} for both")
            lot_size = _counted(book.lot_size)
            if lot_size is None or not lot_size:
                raise Refused(f"{where}: lot_size: expected a multiple of 10^-18, found {book.lot_size}")
            size_min = _counted(book.size_min)
            if size_min is None:
                raise Refused(f"{where}: size_min: expected a multiple of 10^-18, found {book.size_min}")
            self._addresses[key] = search.add_book(
                book.venue,
                book.instrument,
                base=bytes.fromhex(book.base[2:]),
                quote=bytes.fromhex(book.quote[2:]),
                decimals=(book.base_decimals, book.quote_decimals),
                taker_fee_ppm=book.taker_fee_ppm,
                lot_size=lot_size,
                size_min=size_min,
            )

    @property
    def instruments(self) -> tuple[tuple[str, str], ...]:
        """Venue and instrument of each book."""
        return tuple(self._addresses)

    def set_levels(
        self, venue: str, instrument: str, bids: Iterable[BookLevel], asks: Iterable[BookLevel]
    ) -> bytes:
        """Take a book as it stands now, the best levels first; none where it is void.

        Return what names it among what a search has to look at.
        Raises: Unknown, where no such book is searched; Malformed, where levels are out of order, or no
        multiples of 10^-18.
        """
        self._address(venue, instrument)
        try:
            counted = _levels(bids), _levels(asks)
        except (OverflowError, ValueError) as error:
            raise Malformed(f"{venue} {instrument}: {error}") from error
        return self.set_levels_e18(venue, instrument, *counted)

    def set_levels_e18(
        self, venue: str, instrument: str, bids: list[LevelE18], asks: list[LevelE18]
    ) -> bytes:
        """Do the same with prices and sizes in 10^-18, as books are kept. Raises: Unknown, Malformed."""
        address = self._address(venue, instrument)
        try:
            self._search.set_levels(address, bids, asks)
        except (PoolError, OverflowError, ValueError) as error:
            raise Malformed(f"{venue} {instrument}: {error}") from error
        return address

    def _address(self, venue: str, instrument: str) -> bytes:
        address = self._addresses.get((venue, instrument))
        if address is None:
            raise Unknown(f"{venue} {instrument}: expected an instrument of the search, found another")
        return address


def _levels(levels: Iterable[BookLevel]) -> list[tuple[int, int]]:
    counted: list[tuple[int, int]] = []
    for price, size in levels:
        of_price, of_size = _counted(price), _counted(size)
        if of_price is None or of_size is None:
            raise ValueError(f"expected a price and a size above zero in 10^-18, found {price} and {size}")
        counted.append((of_price, of_size))
    return counted


def _counted(value: Decimal) -> int | None:
    """Return a number in 10^-18; None where it has more digits, or is below zero."""
    scaled = _EXACT.scaleb(value, _EXPONENT)
    return int(scaled) if value >= 0 and scaled == scaled.to_integral_value() else None
