"""Did one wallet, or wallets that are linked, move a price far in a short time."""

from collections.abc import Callable
from decimal import Decimal

from msgspec import Struct

from tidemill.core.clock import NS_PER_S
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.seen import Seen
from tidemill.schema.events import Side

_POINTS_MAX = 256
"""Trades of a token that are looked back at, however many its window has."""


class Point(Struct, frozen=True, array_like=True):
    """A taker's trade."""

    event_ns: int
    price: Decimal
    amount: Decimal
    side: Side
    wallet: bytes
    trade_id: str


class Prices(Struct, frozen=True, array_like=True):
    """A token's latest trades, the oldest first, and when a spike was last told."""

    points: tuple[Point, ...]
    told_ns: int = 0


def spike(
    journal: Journal, seen: Seen, config: WhaleConfig, is_linked: Callable[[bytes, bytes], bool]
) -> dict[str, object] | None:
    """Keep a taker's trade; return evidence where its wallet, or linked ones, moved the price far."""
    key = seen.token.encode()
    window_ns = config.spike_window_s * NS_PER_S
    known = journal.get(Prices, key) or Prices(())
    point = Point(seen.event_ns, seen.price, seen.amount, seen.side, seen.wallet, seen.trade_id)
    recent = [one for one in known.points if one.event_ns + window_ns >= seen.event_ns]
    points = (*recent, point)[-_POINTS_MAX:]
    found = None
    if known.told_ns + window_ns < seen.event_ns:
        found = _evidence(points, config, is_linked)
    journal.put(key, Prices(points, seen.event_ns if found else known.told_ns))
    return found


def _evidence(
    points: tuple[Point, ...], config: WhaleConfig, is_linked: Callable[[bytes, bytes], bool]
) -> dict[str, object] | None:
    last = points[-1]
    is_up = last.side is Side.BUY
    prices = [point.price for point in points]
    start = prices.index(min(prices) if is_up else max(prices))
    move = last.price - prices[start]
    if (move if is_up else -move) < config.spike_move:
        return None
    along = [point for point in points[start:] if point.side is last.side]
    own = [point for point in along if is_linked(point.wallet, last.wallet)]
    total = sum((point.amount for point in along), Decimal(0))
    share = sum((point.amount for point in own), Decimal(0)) / total if total else Decimal(0)
    if share < config.spike_share:
        return None
    return {
        "price_before": str(prices[start]),
        "price_after": str(last.price),
        "seconds": (last.event_ns - points[start].event_ns) // NS_PER_S,
        "share_of_amount": str(share.quantize(Decimal("0.001"))),
        "wallets": sorted({f"0x{point.wallet.hex()}" for point in own}),
        "trades": [point.trade_id for point in own],
    }
