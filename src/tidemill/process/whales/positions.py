"""What does a trade, or what else moves shares, do to a whale's position, as far as it was seen."""

from decimal import Decimal
from typing import NamedTuple

from msgspec import Struct, structs

from tidemill.process.whales.seen import rounded
from tidemill.schema.events import PositionChange, Side, WhaleReason

ZERO = Decimal(0)


class Position(Struct, frozen=True, array_like=True):
    """Shares of one token, and what they cost, quote."""

    size: Decimal
    cost: Decimal | None
    """None where some came from a wallet of which it is not known what they cost."""
    market: str | None = None
    reason: WhaleReason | None = None
    """Why it was begun to be followed."""

    @property
    def average_price(self) -> Decimal | None:
        """What a share cost, rounded down; None where there are none, or it is not known."""
        return rounded(self.cost / self.size) if self.size and self.cost is not None else None

    def cost_of(self, size: Decimal) -> Decimal | None:
        """Return what so many of its shares cost on average, rounded down; None where that is not known."""
        if self.cost is None or size > self.size:
            return None
        return self.cost if size == self.size else rounded(self.cost * size / self.size)


class Dealt(NamedTuple):
    """Shares that came or went, and what they cost or gave."""

    market: str | None
    side: Side
    size: Decimal
    amount: Decimal | None
    """Quote; None where it is not known what they cost or gave."""


class Moved(NamedTuple):
    """What trades did to a position."""

    before: Position
    after: Position
    realized_pnl: Decimal | None
    """Of what was sold, quote; None where nothing was that is known to have been bought."""
    unseen_size: Decimal | None
    """What was sold beyond what was seen bought."""

    @property
    def change(self) -> PositionChange:
        """What that is."""
        if not self.after.size:
            return PositionChange.CLOSED
        if not self.before.size:
            return PositionChange.OPENED
        return PositionChange.INCREASED if self.after.size >= self.before.size else PositionChange.REDUCED


def moved(before: Position | None, dealt: Dealt) -> Moved:
    """Return what is done to a position; what is sold leaves at the average cost.

    A sale beyond what was seen bought closes it: what was held before is not known.
    """
    known = before or Position(ZERO, ZERO)
    market = dealt.market or known.market
    if dealt.side is Side.BUY:
        cost = None if known.cost is None or dealt.amount is None else known.cost + dealt.amount
        after = structs.replace(known, size=known.size + dealt.size, cost=cost, market=market)
        return Moved(known, after, None, None)
    sold = min(dealt.size, known.size)
    unseen = dealt.size - sold
    if not sold:
        return Moved(known, structs.replace(known, market=market), None, unseen)
    cost, left = known.cost_of(sold), known.size - sold
    kept = ZERO if not left else None if known.cost is None or cost is None else known.cost - cost
    gained = None
    if dealt.amount is not None and cost is not None:
        gained = rounded(dealt.amount * sold / dealt.size) - cost
    after = structs.replace(known, size=left, cost=kept, market=market)
    return Moved(known, after, gained, unseen or None)


def together(first: Moved | None, then: Moved) -> Moved:
    """Return what two changes, one after the other, come to."""
    if first is None:
        return then
    return Moved(
        first.before,
        then.after,
        _sum(first.realized_pnl, then.realized_pnl),
        _sum(first.unseen_size, then.unseen_size),
    )


def _sum(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    if one is None or other is None:
        return one if other is None else other
    return one + other
