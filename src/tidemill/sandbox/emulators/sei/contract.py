"""A contract that keeps limit orders, and the people who trade at it: pure, the same for the same seed."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from msgspec import Struct

CONTRACT = "sei1" + "sandboxorders" * 4 + "xyzxyz"
FOREIGN = "sei1" + "somebodyelses" * 4 + "xyzxyz"
MARKETS = ("SEI/USDC", "ATOM/USDC")
ONE = 1_000_000
"""The contract's numbers are of 10^-6."""
_MIDS = (42_000, 4_200_000)
_STEP_PARTS = 1_000
_BOOK_EVERY = 50
"""Blocks between two events that tell a whole book."""
_ORDERS_MAX = 200

Attributes = list[tuple[str, str]]


class Order(NamedTuple):
    """What stands in the book."""

    order_id: str
    market: str
    is_bid: bool
    price: int
    size: int


class MadeTx(NamedTuple):
    """A transaction, and what it did."""

    raw: bytes
    code: int
    events: list[tuple[str, Attributes]]


class Crowd(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much is traded."""

    txs_per_block: int = 6
    failed_percent: int = 5
    seed: int = 1


class Contract:
    """The orders of every market after some blocks."""

    def __init__(self, crowd: Crowd) -> None:
        self.orders: dict[str, Order] = {}
        self.trade_ids: list[str] = []
        """Of every trade so far."""
        self._crowd = crowd
        self._order_count = 0

    def block(self, height: int) -> list[MadeTx]:
        """Make the transactions of the next block."""
        dice = random.Random(f"{self._crowd.seed}/{height}")  # noqa: S311 it only has to repeat
        txs = [self._tx(dice, height, index) for index in range(self._crowd.txs_per_block)]
        if height % _BOOK_EVERY == 1:
            events = [("wasm", self._whole(market, height)) for market in MARKETS]
            txs.append(MadeTx(f"book/{height}".encode(), 0, events))
        return txs

    def levels(self, market: str) -> dict[tuple[bool, int], int]:
        """Return the market's sizes, by side and price."""
        found: dict[tuple[bool, int], int] = {}
        for order in self.orders.values():
            if order.market == market:
                place = (order.is_bid, order.price)
                found[place] = found.get(place, 0) + order.size
        return found

    def _tx(self, dice: random.Random, height: int, index: int) -> MadeTx:
        raw = f"{height}/{index}/{self._crowd.seed}".encode()
        number = dice.randrange(len(MARKETS))
        market, mid = MARKETS[number], _MIDS[number]
        mid += mid * (height % 200 - 100) // 4_000  # it goes up, and starts again
        is_bid = dice.random() < 0.5
        step = max(1, mid // _STEP_PARTS)
        size = dice.randrange(1, 500) * ONE // 10
        away = dice.choice((-3, 1, 1, 2, 2, 3, 5, 8)) * step
        price = mid - away if is_bid else mid + away
        if dice.randrange(100) < self._crowd.failed_percent:
            placed = self._placed(Order("never", market, is_bid, price, size))
            return MadeTx(raw, 5, [("wasm", placed)])
        old = [order for order in self.orders.values() if order.market == market]
        if old and (len(old) > _ORDERS_MAX or dice.random() < 0.3):
            return MadeTx(raw, 0, [("wasm", self._cancel(dice.choice(old)))])
        events = list(self._place(market, is_bid=is_bid, price=price, size=size))
        if dice.random() < 0.2:  # another contract's words are in the same event, and like ours
            foreign = [("_contract_address", FOREIGN), *self._placed(Order("1", market, True, 1, 1))[1:]]
            events[0] = (events[0][0], [*foreign, *events[0][1]])
        return MadeTx(raw, 0, [("message", [("module", "wasm")]), *events])

    def _place(self, market: str, *, is_bid: bool, price: int, size: int) -> Iterator[tuple[str, Attributes]]:
        """Match what crosses, the best first, and keep the rest."""
        others = [one for one in self.orders.values() if one.market == market and one.is_bid != is_bid]
        others.sort(key=lambda one: (-one.price if not is_bid else one.price, int(one.order_id)))
        for other in others:
            if not size or (other.price > price if is_bid else other.price < price):
                break
            taken = min(size, other.size)
            size -= taken
            if taken == other.size:
                del self.orders[other.order_id]
            else:
                self.orders[other.order_id] = other._replace(size=other.size - taken)
            yield "wasm", self._matched(other, taken, is_bid=is_bid)
        if size:
            self._order_count += 1
            order = Order(str(self._order_count), market, is_bid, price, size)
            self.orders[order.order_id] = order
            yield "wasm", self._placed(order)

    def _cancel(self, order: Order) -> Attributes:
        del self.orders[order.order_id]
        return [*_head("cancel_order", order.market), ("order_id", order.order_id)]

    def _placed(self, order: Order) -> Attributes:
        return [
            *_head("place_order", order.market),
            ("order_id", order.order_id),
            ("side", "buy" if order.is_bid else "sell"),
            ("price", str(order.price)),
            ("quantity", str(order.size)),
        ]

    def _matched(self, maker: Order, size: int, *, is_bid: bool) -> Attributes:
        trade_id = str(len(self.trade_ids) + 1)
        self.trade_ids.append(trade_id)
        return [
            *_head("match", maker.market),
            ("maker_order_id", maker.order_id),
            ("taker_side", "buy" if is_bid else "sell"),
            ("price", str(maker.price)),
            ("quantity", str(size)),
            ("trade_id", trade_id),
        ]

    def _whole(self, market: str, height: int) -> Attributes:
        sides = {True: "", False: ""}
        for is_bid in sides:
            rows = [
                f'["{one.price}","{one.size}","{one.order_id}"]'
                for one in self.orders.values()
                if one.market == market and one.is_bid == is_bid
            ]
            sides[is_bid] = f"[{','.join(rows)}]"
        told = [("bids", sides[True]), ("asks", sides[False]), ("sequence", str(height))]
        return [*_head("book", market), *told]


def _head(action: str, market: str) -> Attributes:
    return [("_contract_address", CONTRACT), ("action", action), ("market_id", market)]
