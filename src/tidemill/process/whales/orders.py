"""Which trades are one order, and is that order large for its market."""

from decimal import Decimal

from msgspec import Struct, structs

from tidemill.core.clock import NS_PER_MS
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.journal import Journal
from tidemill.process.whales.seen import Seen
from tidemill.process.whales.settlement import Fill
from tidemill.schema.events import WhaleReason


class Order(Struct, frozen=True, array_like=True):
    """Trades of one wallet in one token and on one side, so far."""

    order_id: str
    first_ns: int
    last_ns: int
    size: Decimal
    amount: Decimal
    trade_count: int
    market: str | None
    reason: WhaleReason | None = None
    """Absent where it is nobody's that is watched, and not large."""
    usual_amount: Decimal | None = None


class Usual(Struct, frozen=True, array_like=True):
    """The amounts of a market's latest orders, quote, the oldest first."""

    amounts: tuple[Decimal, ...]


def median_of(usual: Usual | None, config: WhaleConfig) -> Decimal | None:
    """Return the median amount; None where too few orders are known. Of an even number the upper one."""
    if usual is None or len(usual.amounts) < config.market_orders_min:
        return None
    return sorted(usual.amounts)[len(usual.amounts) // 2]


def joined(journal: Journal, seen: Seen) -> Order:
    """Return the order that a trade belongs to, with it; one that is due was closed before."""
    order = journal.get(Order, seen.order_key)
    if order is None:
        told = journal.get(Fill, seen.fill_key) if seen.fill_key else None
        order_id = told.trade_id if told else seen.trade_id  # as its venue's match was told, if it was
        return Order(order_id, seen.event_ns, seen.event_ns, seen.size, seen.amount, 1, seen.market)
    return structs.replace(
        order,
        last_ns=max(order.last_ns, seen.event_ns),
        size=order.size + seen.size,
        amount=order.amount + seen.amount,
        trade_count=order.trade_count + 1,
        market=seen.market or order.market,
    )


def judged(journal: Journal, order: Order, seen: Seen, config: WhaleConfig, *, is_watched: bool) -> Order:
    """Return the order with the reason for which it is told; what was large once stays so."""
    usual = median_of(journal.get(Usual, seen.token.encode()), config)
    is_large = (
        usual is not None
        and order.amount >= config.large_amount_min
        and order.amount >= config.large_multiple * usual
    )
    if is_watched:
        reason = WhaleReason.REGISTERED
    else:
        reason = WhaleReason.LARGE if is_large or order.reason is WhaleReason.LARGE else None
    return structs.replace(order, reason=reason, usual_amount=usual)


def is_due(order: Order, now_ns: int, config: WhaleConfig) -> bool:
    """Say whether no trade may join any more."""
    return order.last_ns + config.join_ms * NS_PER_MS < now_ns


def remember(journal: Journal, token: str, order: Order, config: WhaleConfig) -> None:
    """Keep what an order that is closed says of what is usual in its market."""
    key = token.encode()
    usual = journal.get(Usual, key)
    amounts = (*(usual.amounts if usual else ()), order.amount)[-config.market_orders :]
    journal.put(key, Usual(amounts))
