"""What do the values in Polymarket's JSON mean: exact numbers, times, tokens; anything else is Malformed.

The same number comes as text on one channel and as a JSON number on another, so both are taken as written.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation
from typing import TypeVar

import msgspec
from msgspec import Raw, Struct

from tidemill.core.clock import NS_PER_S
from tidemill.core.hexadecimal import fixed_bytes
from tidemill.schema.events import Side
from tidemill.schema.faults import Malformed

S = TypeVar("S", bound=Struct)

ABSENT = Raw(b"")
"""Stands in a raw struct for a field that did not come."""

_PLAIN = re.compile(rb'"?([0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]{1,2})?)"?')
_UNIT = Decimal("1e-18")
_EXACT = Context(prec=60)
_LIMIT = Decimal(10) ** 20
_EARLIEST_S = 1_577_836_800
"""2020-01-01: the venue has told nothing before."""
_LATEST_S = 1 << 33
_SHOWN_CHARS = 80


def decode(kind: type[S], frame: bytes | Raw) -> S:
    """Return a raw struct. Raises: Malformed."""
    try:
        return msgspec.json.decode(frame, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"expected {kind.__name__.lstrip('_')} as JSON: {error}") from error


def messages(frame: bytes) -> list[Raw]:
    """Return the messages of a frame, which is one of them or an array. Raises: Malformed."""
    kind = list[Raw] if frame.lstrip()[:1] == b"[" else Raw
    try:
        found = msgspec.json.decode(frame, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"expected messages as JSON: {error}") from error
    if isinstance(found, list):
        return found
    if bytes(found)[:1] != b"{":
        raise Malformed(f"expected a message, found {shown(bytes(found))}")
    return [found]


def is_absent(raw: Raw) -> bool:
    """Say whether there is no value, or an empty text, which means the same."""
    return bytes(raw) in (b"", b"null", b'""')


def number(raw: Raw, what: str) -> Decimal:
    """Return a number, not negative, of 18 digits after the point at most.

    A JSON number is a float's shortest spelling and can have more: it is rounded half to even.
    Raises: Malformed.
    """
    spelled = bytes(raw)
    plain = _PLAIN.fullmatch(spelled)
    try:
        value = Decimal((plain[1] if plain else b"").decode())
        rounded = value.quantize(_UNIT, ROUND_HALF_EVEN, _EXACT)
    except InvalidOperation as error:
        raise Malformed(f"{what}: expected a decimal, found {shown(spelled)}") from error
    if rounded >= _LIMIT or (spelled.startswith(b'"') and rounded != value):
        raise Malformed(f"{what}: expected at most 20 digits and 18 after the point, found {shown(spelled)}")
    return rounded


def scaled(raw: Raw, what: str) -> Decimal:
    """Return what a whole number of 10^-18 says. Raises: Malformed."""
    digits = bytes(raw).strip(b'"')
    if not digits.isdigit() or len(digits) > 38:
        raise Malformed(f"{what}: expected a number of 10^-18, found {shown(bytes(raw))}")
    return _EXACT.scaleb(Decimal(digits.decode()), -18)


def optional_number(raw: Raw, what: str) -> Decimal | None:
    """Return a number; None where there is no value. Raises: Malformed."""
    return None if is_absent(raw) else number(raw, what)


def price(raw: Raw, what: str = "price") -> Decimal:
    """Return a number from 0 to 1. Raises: Malformed."""
    value = number(raw, what)
    if value > 1:
        raise Malformed(f"{what}: expected a price from 0 to 1, found {shown(bytes(raw))}")
    return value


def time_ns(raw: Raw, what: str) -> int:
    """Return a time that is told in s, in ms or as ISO 8601. Raises: Malformed."""
    text = bytes(raw).strip(b'"')
    if b"T" in text:
        seconds = _iso_s(text, what)
    elif text.isdigit() and len(text) < 20:
        seconds = Decimal(text.decode())
        seconds = seconds / 1_000 if seconds > _LATEST_S else seconds
    else:
        raise Malformed(f"{what}: expected a time in s or ms, found {shown(text)}")
    if not _EARLIEST_S <= seconds < _LATEST_S:
        raise Malformed(f"{what}: expected a time since 2020, found {shown(text)}")
    return int(seconds * NS_PER_S)


def optional_time_ns(raw: Raw, what: str) -> int | None:
    """Return a time; None where there is no value, or 0. Raises: Malformed."""
    return None if is_absent(raw) or bytes(raw).strip(b'"') == b"0" else time_ns(raw, what)


def _iso_s(text: bytes, what: str) -> Decimal:
    try:
        moment = datetime.fromisoformat(text.decode())
    except ValueError as error:
        raise Malformed(f"{what}: expected a time as ISO 8601, found {shown(text)}") from error
    if moment.tzinfo is None:
        raise Malformed(f"{what}: expected a time with its zone, found {shown(text)}")
    return Decimal(str(moment.timestamp()))


def token(text: str | None, what: str = "token") -> str:
    """Return a token's number. Raises: Malformed."""
    if text is None or not (text.isascii() and text.isdigit()) or len(text) > 78:
        raise Malformed(f"{what}: expected a token's number, found {text!r:.{_SHOWN_CHARS}}")
    return text


def binary(text: str, byte_count: int, what: str) -> bytes:
    """Return the bytes of 0x and hexadecimal digits. Raises: Malformed."""
    found = fixed_bytes(text, byte_count)
    if found is None:
        raise Malformed(f"{what}: expected 0x and {2 * byte_count} digits, found {text!r:.{_SHOWN_CHARS}}")
    return found


def optional_hash(text: str | None, what: str) -> bytes | None:
    """Return a hash; None where there is none. Raises: Malformed."""
    return binary(text, 32, what) if text else None


def side(text: str | None) -> Side:
    """Return what somebody does. Raises: Malformed."""
    match (text or "").upper():
        case "BUY":
            return Side.BUY
        case "SELL":
            return Side.SELL
        case _:
            raise Malformed(f"side: expected BUY or SELL, found {text!r:.{_SHOWN_CHARS}}")


def present(text: str | None, what: str) -> str:
    """Return a text that is not empty. Raises: Malformed."""
    if not text:
        raise Malformed(f"{what}: expected a text, found none")
    return text


def pairs(tokens: Iterable[str], outcomes: Iterable[str]) -> Iterator[tuple[int, str, str | None]]:
    """Yield each token with its place and what it pays for; None where that is not told.

    Raises: Malformed.
    """
    named = list(outcomes)
    for index, one in enumerate(tokens):
        yield index, token(one), named[index] if index < len(named) else None


def shown(spelled: bytes) -> str:
    """Return what of a value fits into a message."""
    return repr(spelled[:_SHOWN_CHARS].decode(errors="replace"))
