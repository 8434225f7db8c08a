"""Polymarket's order books, trades, markets and wallets. Docs: https://docs.polymarket.com/.

Limits: no deltas beyond 500 tokens a connection; a subscription of thousands of tokens ends it, so 100 a
frame; `PING` as text every 10 s, every 5 s on the live feed. A socket can fall silent while it answers PONG.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from tidemill._rust import read_polymarket
from tidemill.core.book_rule import BookRule
from tidemill.schema.faults import Fault, Malformed
from tidemill.venues.base import Mapped, Origin, Venue, events_of
from tidemill.venues.polymarket_account import map_own
from tidemill.venues.polymarket_activity import map_live, map_trade
from tidemill.venues.polymarket_markets import map_listed, map_notice
from tidemill.venues.polymarket_values import messages

PING = b"PING"
KEEPALIVES = frozenset({b"", b"PONG", b"PING", b"{}"})
"""Frames that say no more than that the other side is there."""
TOKENS_PER_CONNECTION = 500

_MapOne = Callable[[Raw, Origin, int, int], Iterable[Struct]]


# --- what we say


def market_frames(tokens: list[str], tokens_per_frame: int) -> Iterator[bytes]:
    """Yield the frames that subscribe a new connection to books: the first says which channel it is."""
    first = {"type": "market", "custom_feature_enabled": True, "initial_dump": True}
    yield _json(first | {"assets_ids": tokens[:tokens_per_frame]})
    yield from change_frames("subscribe", tokens[tokens_per_frame:], tokens_per_frame)


def change_frames(operation: str, tokens: list[str], tokens_per_frame: int) -> Iterator[bytes]:
    """Yield the frames that `subscribe` or `unsubscribe` tokens on an open connection."""
    for begin in range(0, len(tokens), tokens_per_frame):
        chunk = tokens[begin : begin + tokens_per_frame]
        yield _json({"operation": operation, "assets_ids": chunk, "custom_feature_enabled": True})


def user_frame(api_key: str, secret: str, passphrase: str, markets: list[str]) -> bytes:
    """Return the frame that subscribes to an own account; no markets stand for all."""
    auth = {"apiKey": api_key, "secret": secret, "passphrase": passphrase}
    return _json({"type": "user", "markets": markets, "auth": auth})


def live_frame(topics: Iterable[tuple[str, str]]) -> bytes:
    """Return the frame that subscribes to the live feed, by topic and type; it needs its `action`."""
    subscriptions = [{"topic": topic, "type": kind} for topic, kind in topics]
    return _json({"action": "subscribe", "subscriptions": subscriptions})


def books_question(tokens: list[str]) -> bytes:
    """Return the body of POST /books."""
    return _json([{"token_id": token} for token in tokens])


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)


# --- what we hear


def map_frame(channel: str, frame: bytes, origin: Origin, recv_ns: int) -> Mapped:
    """Map one frame, or one answer; a message that is Malformed is a fault of its own.

    Raises: Malformed, where the frame as a whole cannot be read.
    """
    try:
        if frame.strip() in KEEPALIVES:
            raise Malformed("expected a message, found a keepalive")
        if channel in ("market", "books"):
            return _map_market(frame, origin, recv_ns)
        return _map_each(channel, frame, origin, recv_ns)
    except Malformed as fault:
        raise Malformed(f"{origin.source} {channel}: {fault}") from fault


def map_others(others: Iterable[tuple[int, int, bytes]], origin: Origin) -> tuple[list[Struct], list[Fault]]:
    """Map messages of the market channel that are of no book and no trade: sequence, recv_ns, JSON."""
    events: list[Struct] = []
    faults: list[Fault] = []
    for sequence, recv_ns, json in others:
        try:
            events += map_notice(json, origin, recv_ns, sequence)
        except Malformed as fault:
            faults.append(Malformed(f"{origin.source} market: {fault}"))
    return events, faults


def _map_market(frame: bytes, origin: Origin, recv_ns: int) -> Mapped:
    read = read_polymarket(
        [(recv_ns, frame)],
        source=origin.source,
        connection=origin.connection,
        first_sequence=origin.first_sequence,
        is_hash_checked=False,
    )
    if read.unread and read.next_sequence == origin.first_sequence:
        raise Malformed(read.unread[0][1])
    events, faults = map_others(read.others, origin)
    events = sorted([*events_of(read.batches), *events], key=lambda event: getattr(event, "sequence", 0))
    faults += [Malformed(f"{origin.source} market: {detail}") for _, detail, _ in read.unread]
    return Mapped(events=events, faults=faults, row_count=read.next_sequence - origin.first_sequence)


def _map_each(channel: str, frame: bytes, origin: Origin, recv_ns: int) -> Mapped:
    map_one = _CHANNELS[channel]
    mapped = Mapped()
    found = messages(frame)
    for sequence, one in enumerate(found, origin.first_sequence):
        try:
            mapped.events += map_one(one, origin, recv_ns, sequence)
        except Malformed as fault:
            mapped.faults.append(Malformed(f"{origin.source} {channel}: {fault}"))
    mapped.row_count = len(found)
    return mapped


def _map_data(json: Raw, origin: Origin, recv_ns: int, sequence: int) -> Iterator[Struct]:
    yield map_trade(json, origin, recv_ns, sequence, 0)


_CHANNELS: dict[str, _MapOne] = {
    "user": map_own,
    "live": map_live,
    "directory": map_listed,
    "trades": _map_data,
}

VENUE = Venue(
    name="polymarket",
    docs=(
        "https://docs.polymarket.com/developers/CLOB/websocket/market-channel",
        "https://docs.polymarket.com/developers/CLOB/websocket/user-channel",
        "https://docs.polymarket.com/developers/gamma-markets-api/overview",
        "https://docs.polymarket.com/api-reference/rate-limits",
    ),
    limits="500 tokens a connection, 100 a subscription; in 10 s 500 questions for books, 300 for markets,"
    " 200 for trades.",
    channels=("market", "books", *_CHANNELS),
    book_rule=BookRule(ordering="time", top_strikes_max=10),
    map_frame=map_frame,
)
