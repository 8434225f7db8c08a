"""How is the value of each kind of fault written, and read back."""

import re

from msgspec import Struct

OneIn = int
"""One of so many, on average."""

_ONE_IN = re.compile(r"1/([1-9][0-9]{0,14})")
_COUNT = re.compile(r"([1-9][0-9]{0,14})")
_RATE = re.compile(r"([1-9][0-9]{0,8})/s")
_SECONDS = r"([0-9]{1,9}(?:\.[0-9]{1,3})?)s?"
_SPAN = re.compile(f"{_SECONDS}/{_SECONDS}")
_EVERY = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)s")
_REORG = re.compile(f"([1-9][0-9]{{0,5}})/{_SECONDS}")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


class Span(Struct, frozen=True):
    """So long nothing, then so long the fault, and again from the start."""

    after_ms: int
    for_ms: int


class Every(Struct, frozen=True):
    """Again and again, after so long."""

    ms: int


class Reorg(Struct, frozen=True):
    """The last blocks are replaced, again and again, after so long."""

    depth_blocks: int
    every_ms: int


def one_in(text: str) -> OneIn | None:
    """Return N of `1/N`; None where it is not written so, as with all that follow."""
    found = _ONE_IN.fullmatch(text)
    return int(found[1]) if found else None


def one_in_or_every(text: str) -> OneIn | Every | None:
    """Return N of `1/N`, or the period of `Xs`."""
    found = _EVERY.fullmatch(text)
    if found is None:
        return one_in(text)
    ms = _ms(found[1])
    return Every(ms) if ms else None


def span(text: str) -> Span | None:
    """Return the times of `AFTER/FOR`, both in seconds, the second above zero."""
    found = _SPAN.fullmatch(text)
    if found is None:
        return None
    after_ms, for_ms = _ms(found[1]), _ms(found[2])
    return Span(after_ms, for_ms) if for_ms else None


def count(text: str) -> int | None:
    """Return a whole number from 1."""
    found = _COUNT.fullmatch(text)
    return int(found[1]) if found else None


def rate(text: str) -> int | None:
    """Return N of `N/s`."""
    found = _RATE.fullmatch(text)
    return int(found[1]) if found else None


def reorg(text: str) -> Reorg | None:
    """Return depth and period of `DEPTH/EVERY`."""
    found = _REORG.fullmatch(text)
    if found is None:
        return None
    every_ms = _ms(found[2])
    return Reorg(int(found[1]), every_ms) if every_ms else None


def names(text: str) -> tuple[str, ...] | None:
    """Return the names of `NAME` or `NAME+NAME`, each once and in order."""
    found = tuple(text.split("+"))
    if len(set(found)) < len(found) or not all(_NAME.fullmatch(one) for one in found):
        return None
    return tuple(sorted(found))


def write(value: object, *, unit: str) -> str:
    """Return the text of a value; `unit` is what stands around a plain number: `1/`, `/s` or nothing."""
    match value:
        case Span():
            return f"{_seconds(value.after_ms)}/{_seconds(value.for_ms)}"
        case Every():
            return _seconds(value.ms)
        case Reorg():
            return f"{value.depth_blocks}/{_seconds(value.every_ms)}"
        case tuple():
            return "+".join(value)
        case _:
            return f"1/{value}" if unit == "1/" else f"{value}{unit}"


def _ms(seconds: str) -> int:
    whole, _, part = seconds.partition(".")
    return int(whole) * 1_000 + int(part.ljust(3, "0"))


def _seconds(ms: int) -> str:
    whole, part = divmod(ms, 1_000)
    return f"{whole}.{part:03}".rstrip("0").rstrip(".") + "s" if part else f"{whole}s"
