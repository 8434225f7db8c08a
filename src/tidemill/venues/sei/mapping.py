"""What do a contract's events mean: a mapping file says it, and is refused by name where it cannot."""

import re
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias

import msgspec
from msgspec import Meta, Struct

from tidemill.schema.faults import Malformed, Refused
from tidemill.venues.sei.query import parse

Key = Annotated[str, Meta(min_length=1, max_length=128)]
"""The name of an attribute."""
Words = Annotated[tuple[str, ...], Meta(min_length=1)]
_BLANK = re.compile(r"\{([a-z]*)\}")
_BLANKS = frozenset({"contract", "market"})


class NumberForm(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a contract writes prices, or sizes."""

    form: Literal["decimal", "integer"] = "decimal"
    """decimal: `0.042`. integer: whole units, `decimals` of whose digits stand after the point."""
    decimals: Annotated[int, Meta(ge=0, le=36)] = 0
    """Of an integer; an instrument's own go before it."""
    suffix: str = ""
    """What follows the number, such as a denomination."""


class SideWords(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract's words for the sides; capitals do not matter, and any other word is a fault."""

    bid: Words = ("buy", "bid", "b", "long")
    ask: Words = ("sell", "ask", "s", "short")


class _Means(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="means", tag=str.lower):
    """Which events mean it."""

    type: Key
    """The event's type."""
    where: dict[str, str] = {}
    """Attributes that must have these values."""
    market: Key | None = None
    """The attribute that names the market; absent where the contract has one."""


class Place(_Means, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order stands in the book from now on."""

    side: Key
    price: Key
    size: Key
    order: Key | None = None
    """The order's own name; absent where later events name price and side instead."""


class Cancel(_Means, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An order, or a part of it, does not stand any more."""

    order: Key | None = None
    side: Key | None = None
    """With `price` and `size`, where there is no `order`."""
    price: Key | None = None
    size: Key | None = None
    """How much goes; absent: all that is left."""


class Match(_Means, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A taker met a maker."""

    price: Key
    size: Key
    side: Key | None = None
    """Absent where it is not told."""
    side_of: Literal["taker", "maker"] = "taker"
    """Whose side that is."""
    order: Key | None = None
    """The maker's order, which shrinks."""
    takes_level: bool = False
    """Whether, without `order`, the maker's level shrinks by price and side; else the book stays as it is."""
    trade_id: Key | None = None
    time: Key | None = None
    """When it was, where the contract says so; absent: the block's time."""


class Snapshot(_Means, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole book."""

    bids: Key
    """JSON: a list of [price, size], or of [price, size, order], or of objects with these names."""
    asks: Key
    sequence: Key | None = None
    """The contract's number of it."""
    time: Key | None = None


Meaning: TypeAlias = Place | Cancel | Match | Snapshot


class Mapping(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One mapping file."""

    about: str
    """Whose events these are, in one sentence."""
    queries: Words
    """What is subscribed to; {contract} and {market} stand for those of each instrument."""
    contract: Key | None = None
    """The attribute that names the contract, which only then is checked; where it comes again in an event,
    another contract's attributes begin.
    """
    is_symbol: bool = False
    """Whether markets are symbols, so that sei-usdc and SEI_USDC are SEI/USDC."""
    price: NumberForm = NumberForm()
    size: NumberForm = NumberForm()
    side: SideWords = SideWords()
    event: Annotated[tuple[Meaning, ...], Meta(min_length=1)]


def load_mapping(name: str) -> Mapping:
    """Return a shipped mapping by its name, or one of your own by its file, which ends in .toml.

    Raises: Refused, naming the file, the place and what was expected there.
    """
    if name.endswith(".toml"):
        try:
            return read_mapping(Path(name).expanduser().read_text("utf-8"), name)
        except (OSError, UnicodeDecodeError) as fault:
            raise Refused(f"{name}: expected a mapping file, it cannot be read: {fault}") from None
    folder = resources.files("tidemill.venues.sei") / "mappings"
    known = sorted(one.name.removesuffix(".toml") for one in folder.iterdir() if one.name.endswith(".toml"))
    if name not in known:
        raise Refused(f"mapping: expected one of {', '.join(known)}, or a file .toml, found {name!r}")
    return read_mapping((folder / f"{name}.toml").read_text("utf-8"), f"{name}.toml")


def read_mapping(text: str, where: str) -> Mapping:
    """Return the mapping that a TOML text says. Raises: Refused, as `load_mapping`."""
    try:
        content: dict[str, Any] = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as fault:
        raise Refused(f"{where}: expected TOML: {fault}") from None
    try:
        mapping = msgspec.convert(content, Mapping)
    except msgspec.ValidationError as fault:
        message = str(fault).replace("`$.", "`")
        raise Refused(f"{where}: {message[0].lower()}{message[1:]}") from None
    _check(mapping, where)
    return mapping


def _check(mapping: Mapping, where: str) -> None:
    """Raise Refused where the parts do not fit together."""
    for number, meaning in enumerate(mapping.event):
        place = f"{where}: event[{number}]"
        if isinstance(meaning, Cancel):
            if meaning.order is None and None in (meaning.side, meaning.price, meaning.size):
                raise Refused(f"{place}: expected order, or side, price and size, to tell what is cancelled")
        elif isinstance(meaning, Match) and meaning.takes_level and (meaning.order or not meaning.side):
            raise Refused(f"{place}: takes_level: expected side and no order, as it takes from a level")
    for name, form in (("price", mapping.price), ("size", mapping.size)):
        if form.form == "decimal" and form.decimals:
            raise Refused(f"{where}: {name}: decimals: expected none of decimal numbers")
    both = {word.lower() for word in mapping.side.bid} & {word.lower() for word in mapping.side.ask}
    if both:
        raise Refused(f"{where}: side: expected words for one side each, found {sorted(both)[0]!r} for both")
    for template in mapping.queries:
        blanks = set(_BLANK.findall(template))
        if not blanks <= _BLANKS:
            raise Refused(f"{where}: queries: expected {{contract}} or {{market}}, found {template!r}")
        try:
            parse(_BLANK.sub("x", template))
        except Malformed as fault:
            raise Refused(f"{where}: queries: {fault}") from None
