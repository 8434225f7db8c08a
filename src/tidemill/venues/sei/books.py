"""What do messages do to books made of orders: exact levels, and a book that lacks something is void."""

from bisect import bisect_left, insort
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

from tidemill.schema.events import BookSide
from tidemill.schema.faults import Malformed
from tidemill.venues.sei.meaning import (
    LIMIT_E18,
    Cancelled,
    Matched,
    Message,
    Placed,
    Unread,
    Whole,
    other_side,
)

Place = tuple[BookSide, int]
"""A side and a price of 10^-18."""


class Effect(Struct, kw_only=True):
    """What some messages did to one instrument."""

    levels: dict[Place, int] = field(default_factory=dict[Place, int])
    """Sizes of 10^-18 after them, of every level that was touched; 0: it is gone."""
    trades: list[Matched] = field(default_factory=list[Matched])
    is_whole: bool = False
    """Whether a whole book begins: `levels` is all of it."""
    sequence: int | None = None
    """The contract's number of that book."""
    void: str = ""
    """Why the book is void from now on; empty where it is not."""


class _Order(NamedTuple):
    side: BookSide
    price_e18: int
    size_e18: int


class _Missing(Exception):
    """The book lacks what a message is about."""


class Book:
    """One book."""

    def __init__(self, *, is_whole: bool = False) -> None:
        self.is_whole = is_whole
        """Whether all of it is known."""
        self.levels: dict[Place, int] = {}
        self.orders: dict[str, _Order] = {}
        """Those that have a name; of a void book the ones that were told."""
        self.sequence: int | None = None
        """The contract's number of the last whole book."""
        self._prices: dict[BookSide, list[int]] = {side: [] for side in BookSide}
        """Of the levels, ascending."""

    def apply(self, message: Message, effect: Effect) -> None:
        """Take one message, and add to `effect` what it did."""
        try:
            match message:
                case Placed():
                    self._place(message, effect)
                case Cancelled():
                    self._cancel(message, effect)
                case Matched():
                    effect.trades.append(message)
                    self._match(message, effect)
                case Whole():
                    self._begin(message, effect)
                case Unread():
                    raise _Missing(message.why)
        except _Missing as missing:
            self.end(str(missing), effect)

    def end(self, why: str, effect: Effect) -> None:
        """Void it until a whole book comes."""
        if self.is_whole or effect.is_whole:
            effect.void, effect.is_whole, effect.levels = why, False, {}
        self.is_whole = False
        self.clear()

    def clear(self) -> None:
        """Remove every level."""
        self.levels.clear()
        for prices in self._prices.values():
            prices.clear()

    def set(self, place: Place, size_e18: int) -> None:
        """Give a level its size; 0 removes it."""
        prices = self._prices[place[0]]
        if size_e18 and place not in self.levels:
            insort(prices, place[1])
        elif not size_e18 and place in self.levels:
            del prices[bisect_left(prices, place[1])]
        if size_e18:
            self.levels[place] = size_e18
        else:
            self.levels.pop(place, None)

    def check(self, effect: Effect) -> None:
        """Void it where somebody would buy for at least what another sells for."""
        if not self.is_whole:
            return
        bids, asks = self._prices[BookSide.BID], self._prices[BookSide.ASK]
        if bids and asks and bids[-1] >= asks[0]:
            self.end("expected the best bid below the best ask, found them crossed", effect)

    def copy(self) -> "Book":
        """Return one that is alike, and goes its own way."""
        other = Book(is_whole=self.is_whole)
        other.levels, other.orders = dict(self.levels), dict(self.orders)
        other.sequence = self.sequence
        other._prices = {side: list(prices) for side, prices in self._prices.items()}
        return other

    def _place(self, placed: Placed, effect: Effect) -> None:
        if placed.order is not None:
            if placed.order in self.orders:
                raise _Missing(f"expected a new order, found {placed.order[:80]!r} again")
            self.orders[placed.order] = _Order(placed.side, placed.price_e18, placed.size_e18)
        self._add((placed.side, placed.price_e18), placed.size_e18, effect)

    def _cancel(self, cancelled: Cancelled, effect: Effect) -> None:
        if cancelled.order is not None:
            self._shrink(cancelled.order, cancelled.size_e18, effect)
        elif cancelled.side is not None and cancelled.price_e18 is not None:
            self._add((cancelled.side, cancelled.price_e18), -(cancelled.size_e18 or 0), effect)

    def _match(self, matched: Matched, effect: Effect) -> None:
        if matched.order is not None:
            self._shrink(matched.order, matched.size_e18, effect)
        elif matched.takes_level and matched.taker_side is not None:
            self._add((other_side(matched.taker_side), matched.price_e18), -matched.size_e18, effect)

    def _shrink(self, name: str, size_e18: int | None, effect: Effect) -> None:
        """Take so much of an order, or all that is left."""
        order = self.orders.get(name)
        if order is None:
            if self.is_whole:
                raise _Missing(f"expected order {name[:80]!r} in the book, found none")
            return
        left = order.size_e18 - (order.size_e18 if size_e18 is None else size_e18)
        if left < 0:
            raise _Missing(f"expected order {name[:80]!r} to have as much left as goes, found less")
        if left:
            self.orders[name] = order._replace(size_e18=left)
        else:
            del self.orders[name]
        self._add((order.side, order.price_e18), left - order.size_e18, effect)

    def _add(self, place: Place, size_e18: int, effect: Effect) -> None:
        if not self.is_whole:
            return
        size_e18 += self.levels.get(place, 0)
        if not 0 <= size_e18 < LIMIT_E18:
            raise _Missing("expected a level to have as much as goes, found less")
        self.set(place, size_e18)
        effect.levels[place] = size_e18

    def _begin(self, whole: Whole, effect: Effect) -> None:
        if whole.sequence is not None and self.sequence is not None and whole.sequence < self.sequence:
            return  # an older one than what was applied
        self.clear()
        self.is_whole = True
        named = {level.order: level for level in whole.levels if level.order is not None}
        if named or not whole.levels:
            self.orders = {
                name: _Order(level.side, level.price_e18, level.size_e18) for name, level in named.items()
            }
        self.sequence = whole.sequence
        effect.is_whole, effect.sequence, effect.void, effect.levels = True, whole.sequence, "", {}
        for level in whole.levels:
            self._add((level.side, level.price_e18), level.size_e18, effect)


class Books:
    """The books of every instrument."""

    def __init__(self, instruments: Iterable[str]) -> None:
        self.by_name = {name: Book() for name in instruments}

    def apply(self, messages: Iterable[Message]) -> dict[str, Effect]:
        """Take the messages of one transaction; return what they did, by instrument."""
        effects: dict[str, Effect] = {}
        for message in messages:
            effect = effects.setdefault(message.instrument, Effect())
            self.by_name[message.instrument].apply(message, effect)
        for name, effect in effects.items():
            self.by_name[name].check(effect)
            if effect.is_whole:  # levels that came and went within it are none of a whole book's
                effect.levels = {place: size for place, size in effect.levels.items() if size}
        return effects

    def copy(self) -> "Books":
        """Return books that are alike, and go their own way."""
        other = Books(())
        other.by_name = {name: book.copy() for name, book in self.by_name.items()}
        return other

    def dump(self) -> dict[str, Any]:
        """Return everything as what msgspec can write."""
        return {
            name: (book.is_whole, book.sequence, list(_texts(book.levels)), dict(_orders(book)))
            for name, book in self.by_name.items()
        }

    def load(self, kept: dict[str, Any]) -> None:
        """Take what an earlier run kept of the instruments that are still wanted. Raises: Malformed."""
        try:
            for name, (is_whole, sequence, levels, orders) in kept.items():
                if name not in self.by_name:
                    continue
                book = self.by_name[name] = Book(is_whole=bool(is_whole))
                book.sequence = sequence
                for side, price, size in levels:
                    book.set((BookSide(side), int(price)), int(size))
                book.orders = {
                    order: _Order(BookSide(side), int(price), int(size))
                    for order, (side, price, size) in orders.items()
                }
        except (ValueError, TypeError, AttributeError, msgspec.MsgspecError) as error:
            raise Malformed(f"sei: expected the books that an earlier run kept ({error})") from error


def _texts(levels: dict[Place, int]) -> Iterable[tuple[str, str, str]]:
    """Yield levels with numbers as text: they have up to 38 digits."""
    return ((side.value, str(price), str(size)) for (side, price), size in levels.items())


def _orders(book: Book) -> Iterable[tuple[str, tuple[str, str, str]]]:
    for name, order in book.orders.items():
        yield name, (order.side.value, str(order.price_e18), str(order.size_e18))
