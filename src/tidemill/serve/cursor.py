"""Where does a page of events go on, as text that a client hands back and need not understand."""

import base64
import binascii
from typing import Any

import msgspec
import pyarrow as pa

from tidemill.schema import derive
from tidemill.schema.faults import Refused
from tidemill.store.base import Value
from tidemill.store.selecting import page_keys

_LENGTH_MAX = 2_000
_KINDS = (int, str, bytes, type(None))


class _Place(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    tag: str
    newest_first: bool
    values: tuple[Any, ...]


def cursor_after(tag: str, table: pa.Table, *, newest_first: bool) -> str:
    """Return the cursor after the last row of `table`, which has all of `page_keys`."""
    last = derive.to_rows(tag, table.slice(table.num_rows - 1).select(page_keys(tag)))[0]
    place = _Place(tag, newest_first, tuple(last[name] for name in page_keys(tag)))
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def read_cursor(tag: str, cursor: str, *, newest_first: bool) -> tuple[Value, ...]:
    """Return the values of `page_keys` that a cursor stands for.

    Raises: Refused, where it is none, or one of another event or order; who binds the values checks them.
    """
    try:
        if len(cursor) > _LENGTH_MAX:
            raise ValueError("too long")
        place = msgspec.msgpack.decode(base64.b64decode(_padded(cursor), b"-_", validate=True), type=_Place)
    except (ValueError, binascii.Error, msgspec.MsgspecError, UnicodeError):
        raise Refused(f"cursor: expected one that `next` gave, found {cursor[:80]!r}") from None
    if any(type(value) not in _KINDS for value in place.values):
        raise Refused(f"cursor: expected one that `next` gave, found {cursor[:80]!r}")
    if (place.tag, place.newest_first) != (tag, newest_first):
        raise Refused(f"cursor: expected one of {tag} in this order, found one of {place.tag[:80]!r}")
    return place.values


def _padded(text: str) -> Any:
    return text + "=" * (-len(text) % 4)
