"""What can the local Polymarket do wrong: a setting each, and the frames that nobody should believe."""

import random

from msgspec import Struct

from tidemill.sandbox.emulators.polymarket.words import Json, encode

_DAY_MS = 86_400_000


class Mischief(Struct, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong now; all shares are in ppm of the frames."""

    is_frozen: bool = False
    """Nothing is told any more, while PING is answered."""
    no_books: bool = False
    """A subscription is not answered with books."""
    is_hash_wrong: bool = False
    """Books that REST answers have another book's hash."""
    drop_ppm: int = 0
    """Frames that are lost."""
    garbage_ppm: int = 0
    """Frames that are followed by one that cannot be read, or should not be believed."""
    repeat_ppm: int = 0
    """Trades that are told twice."""
    tokens_per_connection: int = 500
    """Beyond so many, a connection is told no changes."""
    tokens_per_frame: int = 500
    """A subscription of more ends the connection."""


def stale_change(token: str, now_ms: int) -> Json:
    """Return a change that is well written, and a day old."""
    return {
        "event_type": "price_change",
        "market": "0x1",
        "asset_id": token,
        "timestamp": str(now_ms - _DAY_MS),
        "price": "0.5",
        "size": "1",
        "side": "BUY",
    }


def garbage(dice: random.Random, token: str, now_ms: int) -> bytes:
    """Return a frame that is wrong in one of the ways that were seen, or are feared."""
    change = stale_change(token, now_ms + _DAY_MS)
    wrong = dice.randrange(8)
    if wrong < 6:
        field, value = (
            ("side", "HOLD"),
            ("price", "1.5"),
            ("asset_id", "99999"),
            ("timestamp", str(now_ms // 1_000)),
            ("timestamp", str(now_ms - _DAY_MS)),
            ("event_type", "weather"),
        )[wrong]
        return encode(change | {field: value})
    return b"\x00\xff not JSON" if wrong == 6 else encode(change)[:-9]
