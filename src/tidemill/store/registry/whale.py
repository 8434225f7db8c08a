"""What is known of a whale: a wallet whose trades others watch, and perhaps copy."""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from difflib import get_close_matches
from typing import Annotated, Any

import msgspec
from eth_utils.address import to_checksum_address
from msgspec import Meta, Struct

from tidemill.schema.faults import Malformed

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}", re.ASCII)

Text = Annotated[str, Meta(min_length=1, max_length=4_000)]
Usd = Annotated[Decimal, Meta()]
Percent = Annotated[Decimal, Meta()]


class Whale(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One wallet; what is not known of it is None."""

    address: str
    """`0x` and 40 hexadecimal digits in lower case, as the table and the events have it."""
    pseudonym: Text | None = None
    """What others call it."""
    tier: Text | None = None
    """How large it is, in the user's own words, such as MEGA."""
    notes: Text | None = None
    cluster_name: Text | None = None
    """The group of wallets that act as one."""
    is_famous: bool = False
    estimated_pnl: Usd | None = None
    """Profit since it began, USD."""
    primary_category: Text | None = None
    """What it mostly trades, such as politics."""
    win_rate: Percent | None = None
    """Of its closed positions, percent, 0 to 100."""
    total_volume: Usd | None = None
    """USD."""
    is_confirmed: bool = False
    """Whether somebody has checked who it is."""
    is_copying_enabled: bool = False
    """Whether its positions are copied while it is enabled."""
    is_enabled: bool = True
    """Whether its trades are told."""
    created_at: datetime | None = None
    """When the registry first had it, UTC; None before that."""
    updated_at: datetime | None = None
    """When its row last changed, UTC."""


WhaleEdit = Mapping[str, Any]
"""A whale's address, and the fields of it that are given: the others keep what they are."""

_TIMES = ("created_at", "updated_at")
EDITABLE = tuple(name for name in Whale.__struct_fields__ if name not in _TIMES)
"""The fields that a user sets."""


def address_of(text: str) -> str:
    """Return an address in lower case; its checksum is verified where its letters are of both cases.

    Raises: Malformed, where it is no address, or its checksum says that it was mistyped.
    Source: EIP-55.
    """
    if not _ADDRESS.fullmatch(text):
        raise Malformed(f"expected an address, 0x and 40 hexadecimal digits, found {text!r}")
    digits = text[2:]
    if digits not in {digits.lower(), digits.upper()} and text != to_checksum_address(text):
        raise Malformed(f"expected the address {to_checksum_address(text)}, or all lower case, found {text}")
    return text.lower()


def checksummed(address: str) -> str:
    """Return an address as wallets show it. Source: EIP-55."""
    return to_checksum_address(address)


def edit_of(given: Mapping[str, Any], *, is_text: bool = False) -> WhaleEdit:
    """Return what is `given` of a whale, checked; values that came as text are read where `is_text`.

    Raises: Malformed, naming the field, what was expected and what was found.
    """
    for name in given:
        if name not in EDITABLE:
            near = get_close_matches(name, EDITABLE, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(EDITABLE)}"
            raise Malformed(f"unknown field {name!r}; {hint}")
    if not isinstance(given.get("address"), str):
        raise Malformed(f"expected an address, found {given.get('address')!r}")
    try:
        whale = msgspec.convert({**given, "address": address_of(given["address"])}, Whale, strict=not is_text)
    except msgspec.ValidationError as fault:
        raise Malformed(_named(str(fault), given)) from None
    edit = {name: getattr(whale, name) for name in given}
    for name, value in edit.items():
        if isinstance(value, str) and not _is_storable(value):
            raise Malformed(f"{name}: expected text without NUL or halves of surrogates, found {value!r}")
    for name in ("estimated_pnl", "total_volume", "win_rate"):
        number = edit.get(name)
        if number is not None and not number.is_finite():
            raise Malformed(f"{name}: expected a number, found {number}")
    rate = edit.get("win_rate")
    if rate is not None and not 0 <= rate <= 100:
        raise Malformed(f"win_rate: expected a percentage, 0 to 100, found {rate}")
    return edit


def _is_storable(text: str) -> bool:
    """Whether both databases can keep a text."""
    return not any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in text)


def _named(said: str, given: Mapping[str, Any]) -> str:
    """Return msgspec's words with the field and the value in front."""
    found = re.search(r"^(.*) - at `\$\.(\w+)`$", said)
    if found is None:
        return said[0].lower() + said[1:]
    expected = found[1][0].lower() + found[1][1:]
    return f"{found[2]}: {expected}; found {given[found[2]]!r}"
