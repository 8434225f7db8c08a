"""How is each value of a subgraph's answer read: exactly, or not at all."""

import re
from typing import Any

from tidemill.schema.faults import Malformed

_ABSENT = object()
_INTEGER = re.compile(r"-?[0-9]{1,80}")
_DECIMAL = re.compile(r"(-?)([0-9]{1,80})(?:\.([0-9]{1,80}))?(?:[eE]([+-]?[0-9]{1,2}))?")
_HEX = re.compile(r"0x([0-9a-fA-F]{40,128})")
_ROUNDED_FROM = 10**34
"""Indexers keep 34 significant digits of a decimal: an amount of fewer raw units is exact, another need not
be.
"""
_DECIMALS_MAX = 77
"""10^78 is more than any 256-bit amount."""


def at(row: Any, path: str) -> Any:
    """Return what is at `path` in `row`; None where it is null. Raises: Malformed, where there is nothing."""
    found = row
    for name in path.split("."):
        found = found.get(name, _ABSENT) if isinstance(found, dict) else _ABSENT
        if found is _ABSENT:
            raise Malformed(f"expected {path}, found nothing there")
        if found is None:
            return None
    return found


def text(value: Any, what: str) -> str:
    """Return a text that is not empty. Raises: Malformed."""
    if isinstance(value, str) and value:
        return value
    raise _expected(f"a text as {what}", value)


def integer(value: Any, what: str, *, bits: int, is_signed: bool = False) -> int:
    """Return a whole number that fits, given as one or as text. Raises: Malformed."""
    found = value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        found = int(value)
    low, high = (-(1 << (bits - 1)), 1 << (bits - 1)) if is_signed else (0, 1 << bits)
    if isinstance(found, int) and not isinstance(found, bool) and low <= found < high:
        return found
    raise _expected(f"a whole number of {bits} bits as {what}", value)


def raw_units(value: Any, decimals: int, what: str) -> int:
    """Return a decimal amount as raw units, which may be negative.

    Raises: Malformed, where it is none, or no whole number of raw units, or so large that the indexer may
    have rounded it.
    """
    found = _DECIMAL.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise _expected(f"a decimal in a text as {what}", value)
    sign, whole, part, power = found.groups(default="")
    raw = int(whole + part) * 10 ** (max(0, decimals + int(power or 0)))
    raw, rest = divmod(raw, 10 ** (len(part) + max(0, -decimals - int(power or 0))))
    if rest:
        raise _expected(f"at most {decimals} decimals as {what}", value)
    if raw >= _ROUNDED_FROM:
        raise _expected(f"less than 10^34 raw units, as more may be rounded, as {what}", value)
    return -raw if sign else raw


def decimals_of(value: Any, what: str) -> int:
    """Return how many decimals a token has. Raises: Malformed."""
    found = integer(value, what, bits=8)
    if found > _DECIMALS_MAX:
        raise _expected(f"at most {_DECIMALS_MAX} as {what}", value)
    return found


def fraction_e18(value: Any, scale: int, what: str) -> int:
    """Return a decimal, of which `scale` make a whole, times 10^18. Raises: Malformed, where inexact."""
    found = raw_units(value, 18, what)
    whole, rest = divmod(found, scale)
    if rest or not 0 <= found < 1 << 128:
        raise _expected(f"a fraction of at most 18 decimals as {what}", value)
    return whole


def binary(value: Any, size_bytes: int, what: str) -> bytes:
    """Return what a 0x text holds. Raises: Malformed, where it is none of this size."""
    found = _HEX.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found[1]) != 2 * size_bytes:
        raise _expected(f"0x and {2 * size_bytes} hex digits as {what}", value)
    return bytes.fromhex(found[1])


def pool_address(value: Any) -> bytes:
    """Return a pool's address: its id, or the first 20 bytes of one of 32, as Balancer V2 makes them.

    Raises: Malformed.
    """
    found = _HEX.fullmatch(value) if isinstance(value, str) else None
    if found is None or len(found[1]) not in (40, 64):
        raise _expected("0x and 40 or 64 hex digits as a pool", value)
    return bytes.fromhex(found[1][:40])


def rows(value: Any, what: str) -> list[Any]:
    """Return a list. Raises: Malformed."""
    if isinstance(value, list):
        return value
    raise _expected(f"a list as {what}", value)


def _expected(expected: str, value: Any) -> Malformed:
    return Malformed(f"expected {expected}, found {repr(value)[:80]}")
