"""Turn a contract's events into what they mean for a book, exactly as a mapping says; pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from tidemill.core.clock import NS_PER_MS, NS_PER_S
from tidemill.schema.events import BookSide
from tidemill.schema.faults import Fault, Malformed, Unknown
from tidemill.venues.sei.config import SeiInstrument
from tidemill.venues.sei.frames import ContractEvent, read_time_ns
from tidemill.venues.sei.mapping import Cancel, Mapping, Match, Meaning, NumberForm, Place, Snapshot

_PLAIN = re.compile(r"[0-9]{1,40}(\.[0-9]{1,40})?|\.[0-9]{1,40}")
_PLACES = 18
LIMIT_E18 = 10**38
"""What a decimal of 38 digits, 18 of them after the point, has room for."""
_LEVELS_MAX = 100_000
_ANY = SeiInstrument(source="")
_UNIX_MS_FROM = 100_000_000_000
"""Such a number of seconds is the year 5138, of milliseconds it is 1973."""


class Placed(NamedTuple):
    """An order stands."""

    instrument: str
    order: str | None
    side: BookSide
    price_e18: int
    size_e18: int


class Cancelled(NamedTuple):
    """An order, or a part of it, is gone."""

    instrument: str
    order: str | None
    side: BookSide | None
    price_e18: int | None
    size_e18: int | None


class Matched(NamedTuple):
    """A taker met a maker."""

    instrument: str
    price_e18: int
    size_e18: int
    taker_side: BookSide | None
    """The side of the book that the taker's order would have stood on."""
    order: str | None
    takes_level: bool
    trade_id: str | None
    event_ns: int | None


class Level(NamedTuple):
    """A price of a whole book, and, where it is one order's, whose."""

    side: BookSide
    price_e18: int
    size_e18: int
    order: str | None


class Whole(NamedTuple):
    """A whole book."""

    instrument: str
    levels: tuple[Level, ...]
    sequence: int | None
    event_ns: int | None


class Unread(NamedTuple):
    """Something happened to a book, and cannot be read."""

    instrument: str
    why: str


Message: TypeAlias = Placed | Cancelled | Matched | Whole | Unread


class Reader:
    """Reads events by a mapping, for some instruments."""

    def __init__(self, mapping: Mapping, instruments: dict[str, SeiInstrument]) -> None:
        """Without instruments, every market is one, by its own name."""
        self._mapping = mapping
        self._instruments = {
            (one.contract, self._market(one.market)): name for name, one in instruments.items()
        }
        self._alone = {one.contract: name for name, one in instruments.items()}
        """Whose events need not name the market; `check_sei` sees to it that no contract has two of them."""
        self._own = instruments
        self._contracts = {one.contract for one in instruments.values()}
        self._by_type: dict[str, list[Meaning]] = {}
        for meaning in mapping.event:
            self._by_type.setdefault(meaning.type, []).append(meaning)
        self._sides = {word.lower(): BookSide.BID for word in mapping.side.bid}
        self._sides |= {word.lower(): BookSide.ASK for word in mapping.side.ask}

    def read(self, events: Sequence[ContractEvent]) -> tuple[tuple[Message, ...], list[Fault]]:
        """Return what events mean, in order, and the faults of those that cannot be read.

        Of other contracts and of other types nothing is said.
        """
        messages: list[Message] = []
        faults: list[Fault] = []
        for event in events:
            for section in self._sections(event):
                for meaning in self._by_type[event.type]:
                    if not all(value in section.get(key, ()) for key, value in meaning.where.items()):
                        continue
                    instrument = None
                    try:
                        instrument = self._instrument(meaning, section)
                        messages.append(self._message(instrument, meaning, section))
                    except (Malformed, Unknown) as fault:
                        faults.append(type(fault)(f"{event.type}: {fault}"))
                        if instrument is not None and _moves_book(meaning):
                            messages.append(Unread(instrument, str(fault)))
        return tuple(messages), faults

    def _sections(self, event: ContractEvent) -> Iterator[dict[str, list[str]]]:
        """Yield the attributes of each of our contracts in an event, by key."""
        if event.type not in self._by_type:
            return
        name, section = self._mapping.contract, dict[str, list[str]]()
        for key, value in event.attributes:
            if key == name and key in section:
                if self._is_ours(section):
                    yield section
                section = {}
            section.setdefault(key, []).append(value)
        if self._is_ours(section):
            yield section

    def _is_ours(self, section: dict[str, list[str]]) -> bool:
        return not self._own or self._contract(section) in self._contracts

    def _contract(self, section: dict[str, list[str]]) -> str | None:
        name = self._mapping.contract
        return None if name is None else section.get(name, [""])[0]

    def _market(self, market: str | None) -> str | None:
        if market is None or not self._mapping.is_symbol:
            return market
        return re.sub(r"[-_.]", "/", market).upper()

    def _instrument(self, meaning: Meaning, section: dict[str, list[str]]) -> str:
        contract = self._contract(section)
        market = None if meaning.market is None else self._market(_one(section, meaning.market))
        if not self._own:
            return market or contract or ""
        found = self._alone.get(contract) if market is None else self._instruments.get((contract, market))
        if found is None:
            raise Unknown(f"expected a market that is configured, found {str(market)[:80]!r}")
        return found

    def _message(self, instrument: str, meaning: Meaning, section: dict[str, list[str]]) -> Message:
        own, mapping = self._own.get(instrument, _ANY), self._mapping

        def price(key: str) -> int:
            return _e18(_one(section, key), mapping.price, own.price_decimals, "price")

        def size(key: str) -> int:
            return _e18(_one(section, key), mapping.size, own.size_decimals, "size")

        def text(key: str | None) -> str | None:
            return None if key is None else _one(section, key)

        match meaning:
            case Place():
                side = self._side(_one(section, meaning.side))
                return Placed(instrument, text(meaning.order), side, price(meaning.price), size(meaning.size))
            case Cancel():
                return Cancelled(
                    instrument,
                    text(meaning.order),
                    None if meaning.side is None else self._side(_one(section, meaning.side)),
                    None if meaning.price is None else price(meaning.price),
                    None if meaning.size is None else size(meaning.size),
                )
            case Match():
                return Matched(
                    instrument,
                    price(meaning.price),
                    size(meaning.size),
                    self._taker_side(meaning, section),
                    text(meaning.order),
                    meaning.takes_level,
                    text(meaning.trade_id),
                    _time_ns(text(meaning.time)),
                )
            case Snapshot():
                levels = self._levels(instrument, BookSide.BID, _one(section, meaning.bids))
                levels += self._levels(instrument, BookSide.ASK, _one(section, meaning.asks))
                sequence = _count(text(meaning.sequence))
                return Whole(instrument, tuple(levels), sequence, _time_ns(text(meaning.time)))

    def _taker_side(self, meaning: Match, section: dict[str, list[str]]) -> BookSide | None:
        if meaning.side is None:
            return None
        told = self._side(_one(section, meaning.side))
        return told if meaning.side_of == "taker" else other_side(told)

    def _side(self, word: str) -> BookSide:
        side = self._sides.get(word.lower())
        if side is None:
            known = ", ".join(self._sides)
            raise Malformed(f"expected a side, one of {known}, found {word[:40]!r}")
        return side

    def _levels(self, instrument: str, side: BookSide, text: str) -> list[Level]:
        try:
            rows: Any = msgspec.json.decode(text)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise Malformed(f"expected levels as JSON ({error})") from error
        if not isinstance(rows, list) or len(rows) > _LEVELS_MAX:
            raise Malformed(f"expected a list of at most {_LEVELS_MAX} levels, found {text[:40]!r}")
        own, mapping = self._own.get(instrument, _ANY), self._mapping
        levels: list[Level] = []
        for row in rows:
            price, size, order = _row(row)
            size_e18 = _e18(size, mapping.size, own.size_decimals, "size", least=0)
            if size_e18:  # a level of nothing is no level
                price_e18 = _e18(price, mapping.price, own.price_decimals, "price")
                levels.append(Level(side, price_e18, size_e18, order))
        return levels


def other_side(side: BookSide) -> BookSide:
    """Return the side that a side trades with."""
    return BookSide.ASK if side is BookSide.BID else BookSide.BID


def _moves_book(meaning: Meaning) -> bool:
    return not isinstance(meaning, Match) or meaning.order is not None or meaning.takes_level


def _one(section: dict[str, list[str]], key: str) -> str:
    """Return the value of a key. Raises: Malformed where there is none, or others beside it."""
    found = set(section.get(key, ()))
    if len(found) != 1:
        raise Malformed(f"expected one {key}, found {len(found)}")
    return found.pop()


def _row(row: Any) -> tuple[str, str, str | None]:
    if isinstance(row, dict):
        row = [row.get("price"), row.get("size"), row.get("order")]
    if not isinstance(row, list) or not 2 <= len(row) <= 3:
        raise Malformed(f"expected a level as [price, size], found {str(row)[:60]!r}")
    price, size, order = (*row, None)[:3]
    if (
        not isinstance(price, str)
        or not isinstance(size, str)
        or not (order is None or isinstance(order, str))
    ):
        raise Malformed(f"expected a level of texts, as numbers lose digits, found {str(row)[:60]!r}")
    return price, size, order


def _e18(text: str, form: NumberForm, decimals: int | None, what: str, least: int = 1) -> int:
    """Return a number of 10^-18, exactly. Raises: Malformed, also where it has more digits than are kept."""
    bare = text.removesuffix(form.suffix)
    if not _PLAIN.fullmatch(bare) or (form.suffix and bare == text):
        raise Malformed(f"expected a {what} as a plain number, found {text[:60]!r}")
    if form.form == "integer" and "." in bare:
        raise Malformed(f"expected a {what} as an integer, found {text[:60]!r}")
    whole, _, fraction = bare.partition(".")
    own = form.decimals if decimals is None else decimals
    exponent = _PLACES - len(fraction) - (own if form.form == "integer" else 0)
    value, rest = int(whole + fraction), 0
    if exponent >= 0:
        value *= 10**exponent
    else:
        value, rest = divmod(value, 10**-exponent)
    if rest or not least <= value < LIMIT_E18:
        raise Malformed(f"expected a {what} from 10^-18 to 10^20 with 18 decimals, found {text[:60]!r}")
    return value


def _count(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise Malformed(f"expected a sequence, found {text[:40]!r}")
    return int(text)


def _time_ns(text: str | None) -> int | None:
    """Return a time as seconds, milliseconds or RFC 3339. Raises: Malformed."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()):
        return read_time_ns(text)
    number = int(text) if len(text) < 16 else 1 << 62
    time_ns = number * (NS_PER_MS if number >= _UNIX_MS_FROM else NS_PER_S)
    if time_ns >= 1 << 63:
        raise Malformed(f"expected a time, found {text[:40]!r}")
    return time_ns
