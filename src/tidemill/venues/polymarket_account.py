"""What does Polymarket say of an own account: its orders, and how far its fills are settled."""

from collections.abc import Iterator
from typing import Any

from msgspec import Raw, Struct

from tidemill.schema.events import FillStatus, OrderChange, OwnFill, OwnOrder, TradeRole
from tidemill.schema.faults import Malformed
from tidemill.venues.base import Origin
from tidemill.venues.polymarket_values import (
    ABSENT,
    decode,
    number,
    optional_hash,
    optional_number,
    optional_time_ns,
    present,
    price,
    side,
    time_ns,
    token,
)

_CHANGES = {
    "PLACEMENT": OrderChange.PLACED,
    "UPDATE": OrderChange.UPDATED,
    "CANCELLATION": OrderChange.CANCELLED,
}


class _Kind(Struct):
    event_type: str | None = None
    type: str | None = None


class _Order(Struct):
    id: str
    market: str
    asset_id: str
    side: str
    price: Raw
    original_size: Raw
    type: str
    status: str
    timestamp: Raw
    size_matched: Raw = ABSENT
    order_type: str | None = None
    created_at: Raw = ABSENT
    expiration: Raw = ABSENT


class _MakerOrder(Struct):
    order_id: str
    matched_amount: Raw
    price: Raw
    asset_id: str
    owner: str | None = None
    side: str | None = None
    fee_rate_bps: Raw = ABSENT


class _Trade(Struct):
    id: str
    market: str
    asset_id: str
    side: str
    size: Raw
    price: Raw
    status: str
    taker_order_id: str
    timestamp: Raw = ABSENT
    last_update: Raw = ABSENT
    match_time: Raw = ABSENT
    matchtime: Raw = ABSENT
    owner: str | None = None
    trade_owner: str | None = None
    trader_side: str | None = None
    transaction_hash: str | None = None
    fee_rate_bps: Raw = ABSENT
    maker_orders: list[_MakerOrder] = []


def map_own(json: bytes | Raw, origin: Origin, recv_ns: int, sequence: int) -> Iterator[OwnOrder | OwnFill]:
    """Yield an order's change, or the orders of a match; nothing for a kind that is not known.

    Raises: Malformed.
    """
    kind = decode(_Kind, json)
    name = kind.event_type or ("trade" if kind.type == "TRADE" else "order" if kind.type in _CHANGES else "")
    if name == "order":
        yield _order(decode(_Order, json), origin, recv_ns, sequence)
    elif name == "trade":
        yield from list(_fills(decode(_Trade, json), origin, recv_ns, sequence))
    elif not name:
        raise Malformed("event_type: expected one, or a type that tells it, found none")


def _order(raw: _Order, origin: Origin, recv_ns: int, sequence: int) -> OwnOrder:
    change = _CHANGES.get(raw.type)
    if change is None:
        raise Malformed(f"type: expected one of {', '.join(_CHANGES)}, found {raw.type!r:.80}")
    return OwnOrder(
        event_ns=time_ns(raw.timestamp, "timestamp"),
        recv_ns=recv_ns,
        source=origin.source,
        connection=origin.connection,
        sequence=sequence,
        row=0,
        market=present(raw.market, "market"),
        instrument=token(raw.asset_id, "asset_id"),
        order_id=present(raw.id, "id"),
        change=change,
        status=raw.status,
        side=side(raw.side),
        price=price(raw.price),
        size=number(raw.original_size, "original_size"),
        matched_size=optional_number(raw.size_matched, "size_matched"),
        order_type=raw.order_type,
        created_ns=optional_time_ns(raw.created_at, "created_at"),
        expires_ns=optional_time_ns(raw.expiration, "expiration"),
    )


def _fills(raw: _Trade, origin: Origin, recv_ns: int, sequence: int) -> Iterator[OwnFill]:
    """Yield the taker's order, then each maker's; which is own follows from the trader's side and owner."""
    matched_ns = optional_time_ns(raw.match_time, "match_time")
    matched_ns = optional_time_ns(raw.matchtime, "matchtime") if matched_ns is None else matched_ns
    event_ns = optional_time_ns(raw.timestamp, "timestamp")
    event_ns = optional_time_ns(raw.last_update, "last_update") if event_ns is None else event_ns
    if event_ns is None:
        raise Malformed("timestamp: expected a time, found none")
    shared: dict[str, Any] = {
        "event_ns": event_ns,
        "recv_ns": recv_ns,
        "source": origin.source,
        "connection": origin.connection,
        "sequence": sequence,
        "market": present(raw.market, "market"),
        "trade_id": present(raw.id, "id"),
        "status": _status(raw.status),
        "tx_hash": optional_hash(raw.transaction_hash, "transaction_hash"),
        "matched_ns": matched_ns,
    }
    yield OwnFill(
        **shared,
        row=0,
        instrument=token(raw.asset_id, "asset_id"),
        order_id=present(raw.taker_order_id, "taker_order_id"),
        role=TradeRole.TAKER,
        is_own=None if raw.trader_side is None else int(raw.trader_side == "TAKER"),
        side=side(raw.side),
        price=price(raw.price),
        size=number(raw.size, "size"),
        fee_bps=optional_number(raw.fee_rate_bps, "fee_rate_bps"),
    )
    for row, maker in enumerate(raw.maker_orders, 1):
        yield OwnFill(
            **shared,
            row=row,
            instrument=token(maker.asset_id, "asset_id"),
            order_id=present(maker.order_id, "order_id"),
            role=TradeRole.MAKER,
            is_own=_is_own_maker(raw, maker),
            side=None if maker.side is None else side(maker.side),
            price=price(maker.price),
            size=number(maker.matched_amount, "matched_amount"),
            fee_bps=optional_number(maker.fee_rate_bps, "fee_rate_bps"),
        )


def _is_own_maker(raw: _Trade, maker: _MakerOrder) -> int | None:
    if raw.trader_side == "TAKER":
        return 0
    if raw.trader_side is None or maker.owner is None or raw.trade_owner is None:
        return None
    return int(maker.owner == raw.trade_owner)


def _status(text: str) -> FillStatus:
    told = text.lower()
    if told == FillStatus.GHOST or told not in set(FillStatus):
        known = ", ".join(status.upper() for status in FillStatus if status is not FillStatus.GHOST)
        raise Malformed(f"status: expected one of {known}, found {text!r:.80}")
    return FillStatus(told)
