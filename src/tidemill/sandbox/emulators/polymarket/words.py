"""How does the local Polymarket spell what happens: frames of its sockets, answers of its REST interfaces."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tidemill.sandbox.emulators.polymarket.exchange import SIZE_UNITS, TICKS, Change, Fill, Market, Moved

Json = dict[str, Any]

_NAMES = ("Up", "Down")
OWN = "local"
"""The key of the one account that there is."""


def encode(value: object) -> bytes:
    """Return JSON."""
    return msgspec.json.encode(value)


def price_text(tick: int) -> str:
    """Return a price as the venue writes it."""
    return f"{tick / TICKS:.2f}".rstrip("0").rstrip(".") or "0"


def size_text(size: int) -> str:
    """Return a size as the venue writes it."""
    whole, part = divmod(size, SIZE_UNITS)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".")


def book(market: Market, outcome: int) -> Json:
    """Return a whole book: both sides with the best level last."""
    sides = [
        sorted(market.bids.items()),
        sorted(market.asks.items(), reverse=True),
    ]
    if outcome:
        mirrored = [(TICKS - tick, size) for tick, size in market.asks.items()]
        sides = [
            sorted(mirrored),
            sorted(((TICKS - tick, size) for tick, size in market.bids.items()), reverse=True),
        ]
    bids, asks = (
        [{"price": price_text(tick), "size": size_text(size)} for tick, size in side] for side in sides
    )
    return {
        "event_type": "book",
        "market": market.condition,
        "asset_id": market.tokens[outcome],
        "timestamp": str(market.changed_ms),
        "hash": "",
        "bids": bids,
        "asks": asks,
        "min_order_size": "5",
        "tick_size": "0.01",
        "neg_risk": False,
        "last_trade_price": price_text(_seen(market.last_tick, outcome)),
    }


def hashed(told: Json) -> Json:
    """Return a whole book with its hash: of what it says, in this order, with an empty one."""
    names = ("market", "asset_id", "timestamp", "hash", "bids", "asks")
    names += ("min_order_size", "tick_size", "neg_risk", "last_trade_price")
    digest = hashlib.sha1(encode({name: told[name] for name in names}), usedforsecurity=False)
    return told | {"hash": digest.hexdigest()}


def price_change(market: Market, moved: Moved, outcomes: Sequence[int]) -> Json:
    """Return what a move did to the books of the tokens that a connection has."""
    entries = [_entry(market, change, outcome) for change in moved.changes for outcome in outcomes]
    return {
        "event_type": "price_change",
        "market": market.condition,
        "timestamp": str(moved.event_ms),
        "price_changes": entries,
    }


def _entry(market: Market, change: Change, outcome: int) -> Json:
    bid, ask = market.best
    bid, ask = 0 if bid is None else bid, TICKS if ask is None else ask
    if outcome:
        bid, ask = TICKS - ask, TICKS - bid
    return {
        "asset_id": market.tokens[outcome],
        "price": price_text(_seen(change.tick, outcome)),
        "size": size_text(change.size),
        "side": "BUY" if change.is_bid != bool(outcome) else "SELL",
        "hash": "",
        "best_bid": price_text(bid),
        "best_ask": price_text(ask),
    }


def _seen(tick: int, outcome: int) -> int:
    return TICKS - tick if outcome else tick


def last_trade(market: Market, fill: Fill) -> Json:
    """Return a trade as the market channel tells it: without a wallet."""
    return {
        "event_type": "last_trade_price",
        "asset_id": market.tokens[fill.outcome],
        "market": market.condition,
        "price": price_text(fill.tick),
        "size": size_text(fill.size),
        "side": "BUY" if fill.is_buy else "SELL",
        "fee_rate_bps": "0",
        "timestamp": str(fill.event_ms),
        "transaction_hash": fill.tx_hash,
    }


def wallet_trade(market: Market, fill: Fill) -> Json:
    """Return a trade with its wallet, as the Data API and the live feed tell it."""
    return {
        "proxyWallet": fill.wallet,
        "side": "BUY" if fill.is_buy else "SELL",
        "asset": market.tokens[fill.outcome],
        "conditionId": market.condition,
        "size": fill.size / SIZE_UNITS,
        "price": fill.tick / TICKS,
        "timestamp": fill.event_ms // 1_000,
        "slug": slug(market),
        "outcome": _NAMES[fill.outcome],
        "outcomeIndex": fill.outcome,
        "pseudonym": f"Wallet {fill.wallet[2:6]}",
        "transactionHash": fill.tx_hash,
    }


def live_trade(market: Market, fill: Fill) -> Json:
    """Return a message of the live feed."""
    return {
        "topic": "activity",
        "type": "orders_matched",
        "timestamp": fill.event_ms,
        "payload": wallet_trade(market, fill),
    }


def own_order(market: Market, order_id: str, now_ms: int) -> Json:
    """Return what the user channel says of an order that was placed."""
    return {
        "event_type": "order",
        "id": order_id,
        "owner": OWN,
        "market": market.condition,
        "asset_id": market.tokens[0],
        "side": "BUY",
        "original_size": "5",
        "size_matched": "0",
        "price": "0.5",
        "type": "PLACEMENT",
        "timestamp": str(now_ms),
        "created_at": str(now_ms // 1_000),
        "expiration": "0",
        "order_type": "GTC",
        "status": "LIVE",
    }


def own_trade(market: Market, trade_id: str, order_id: str, status: str, now_ms: int) -> Json:
    """Return what the user channel says of a match of an own order."""
    return {
        "event_type": "trade",
        "id": trade_id,
        "taker_order_id": order_id,
        "market": market.condition,
        "asset_id": market.tokens[0],
        "side": "BUY",
        "size": "5",
        "price": "0.5",
        "status": status,
        "owner": OWN,
        "trade_owner": OWN,
        "timestamp": str(now_ms // 1_000),
        "match_time": str(now_ms // 1_000),
        "trader_side": "TAKER",
        "type": "TRADE",
        "maker_orders": [],
    }


def slug(market: Market) -> str:
    """Return a market's name in addresses."""
    return f"market-{market.index}"


def listed(markets: Iterable[Market]) -> list[Json]:
    """Return markets as the directory lists them: three fields are JSON in a text."""
    return [
        {
            "id": str(market.index),
            "conditionId": market.condition,
            "slug": slug(market),
            "question": f"Will market {market.index} go up?",
            "clobTokenIds": encode(market.tokens).decode(),
            "outcomes": encode(_NAMES).decode(),
            "orderPriceMinTickSize": 1 / TICKS,
            "orderMinSize": 5,
            "negRisk": False,
            "active": True,
            "closed": False,
            "enableOrderBook": True,
            "endDate": "2030-01-01T00:00:00Z",
        }
        for market in markets
    ]
