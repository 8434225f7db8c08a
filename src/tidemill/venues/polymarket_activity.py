"""What does Polymarket say of wallets and of outside prices, on the live feed and in the Data API."""

from collections.abc import Iterator
from decimal import Decimal

from msgspec import Raw, Struct

from tidemill.schema.events import ReferencePrice, TradeRole, WalletTrade
from tidemill.schema.faults import Malformed
from tidemill.venues.base import Origin
from tidemill.venues.polymarket_values import (
    ABSENT,
    binary,
    decode,
    is_absent,
    number,
    optional_hash,
    present,
    price,
    scaled,
    side,
    time_ns,
    token,
)

_SCALED = ("crypto_prices_chainlink", "crypto_prices_twap")
"""Topics whose `full_accuracy_value` is a number of 10^-18; elsewhere it is a decimal."""

DATA_API = "data_api"
"""The channel of trades that the Data API answers with."""


class _Envelope(Struct):
    """What every message of the live feed is wrapped in."""

    topic: str = ""
    type: str = ""
    timestamp: Raw = ABSENT
    payload: Raw = ABSENT


class _Trade(Struct, rename="camel"):
    """A trade with its wallet, as the live feed and the first version of the Data API tell it."""

    side: str
    size: Raw
    price: Raw
    timestamp: Raw
    proxy_wallet: str
    asset: str | None = None
    condition_id: str | None = None
    slug: str | None = None
    outcome: str | None = None
    pseudonym: str | None = None
    transaction_hash: str | None = None


class _Point(Struct):
    timestamp: Raw
    value: Raw = ABSENT
    full_accuracy_value: Raw = ABSENT


class _Prices(Struct):
    symbol: str
    data: list[_Point] | None = None
    timestamp: Raw = ABSENT
    value: Raw = ABSENT
    full_accuracy_value: Raw = ABSENT


def map_live(
    json: bytes | Raw, origin: Origin, recv_ns: int, sequence: int
) -> Iterator[WalletTrade | ReferencePrice]:
    """Yield what a message of the live feed says; nothing for a topic that is not read. Raises: Malformed."""
    raw = decode(_Envelope, json)
    if raw.topic == "activity" and raw.type in ("trades", "orders_matched"):
        # the feed tells the taker's side of a match under the one name, and both sides under the other
        role = TradeRole.TAKER if raw.type == "orders_matched" else None
        yield map_trade(raw.payload, origin, recv_ns, sequence, 0, f"activity.{raw.type}", role)
    elif raw.topic.startswith(("crypto_prices", "equity_prices")):
        yield from list(_prices(raw, origin, recv_ns, sequence))
    elif not raw.topic:
        raise Malformed("topic: expected one, found none")


def map_trade(
    json: bytes | Raw,
    origin: Origin,
    recv_ns: int,
    sequence: int,
    row: int,
    channel: str = DATA_API,
    role: TradeRole | None = None,
) -> WalletTrade:
    """Return a trade with its wallet. Raises: Malformed."""
    if is_absent(Raw(bytes(json))):
        raise Malformed("payload: expected a trade, found none")
    raw = decode(_Trade, json)
    return WalletTrade(
        event_ns=time_ns(raw.timestamp, "timestamp"),
        recv_ns=recv_ns,
        source=origin.source,
        connection=origin.connection,
        sequence=sequence,
        row=row,
        channel=channel,
        market=raw.condition_id or None,
        instrument=token(raw.asset, "asset"),
        wallet=binary(raw.proxy_wallet, 20, "proxyWallet"),
        side=side(raw.side),
        role=role,
        price=price(raw.price),
        size=number(raw.size, "size"),
        tx_hash=optional_hash(raw.transaction_hash, "transactionHash"),
        slug=raw.slug or None,
        outcome=raw.outcome or None,
        pseudonym=raw.pseudonym or None,
    )


def _prices(envelope: _Envelope, origin: Origin, recv_ns: int, sequence: int) -> Iterator[ReferencePrice]:
    if is_absent(envelope.payload):
        raise Malformed("payload: expected prices, found none")
    raw = decode(_Prices, envelope.payload)
    own = _Point(raw.timestamp, raw.value, raw.full_accuracy_value)
    for row, point in enumerate([own] if raw.data is None else raw.data):
        yield ReferencePrice(
            event_ns=time_ns(point.timestamp, "timestamp"),
            recv_ns=recv_ns,
            source=origin.source,
            connection=origin.connection,
            sequence=sequence,
            row=row,
            channel=envelope.topic,
            instrument=present(raw.symbol, "symbol"),
            price=_exact(envelope.topic, point),
        )


def _exact(topic: str, point: _Point) -> Decimal:
    if is_absent(point.full_accuracy_value):
        return number(point.value, "value")
    if topic.startswith(_SCALED):
        return scaled(point.full_accuracy_value, "full_accuracy_value")
    return number(point.full_accuracy_value, "full_accuracy_value")
