"""What may a request for events ask: made of each event's columns, so that no column is written twice."""

from functools import cache
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tidemill.schema import derive
from tidemill.schema.derive import Column
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused
from tidemill.serve.cursor import read_cursor
from tidemill.serve.filters import WHERE_PATTERN, conditions, time_ns
from tidemill.store import Condition, Page
from tidemill.store.base import Finality

LIMIT_MAX = 10_000
Limit = Annotated[int, Meta(ge=1, le=LIMIT_MAX, description="How many events at the most.")]
Order = Literal["newest", "oldest"]
_Where = tuple[Annotated[str, Meta(pattern=WHERE_PATTERN)], ...]
_MEANINGS = {
    "fields": "Which columns, with commas between them; all by default.",
    "where": "`column>=value`, with = != < <= > or >=; each one must hold. `null` is a value that is absent.",
    "start": "From when on: a date, a time, or ns since 1970.",
    "end": "Up to and without: a date, a time, or ns since 1970.",
    "order": "By time: the newest first, or the oldest.",
    "cursor": "Where the page before ended: its `next`, or its header X-Next-Cursor.",
    "finality": "All rows, those of canonical blocks, or those that no reorg is expected to reach.",
    "require": "`complete` or `complete:LEVEL`: answer 409 where a block is missing, or proven by less.",
}


class EventsAsked(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What every request for events may ask, beside its columns."""

    limit: Limit = 100
    cursor: Annotated[str, Meta(description=_MEANINGS["cursor"])] | None = None
    order: Annotated[Order, Meta(description=_MEANINGS["order"])] = "newest"
    start: Annotated[str, Meta(description=_MEANINGS["start"])] | None = None
    end: Annotated[str, Meta(description=_MEANINGS["end"])] | None = None
    fields: Annotated[str, Meta(description=_MEANINGS["fields"])] | None = None
    where: Annotated[_Where, Meta(description=_MEANINGS["where"])] = ()
    finality: Annotated[Finality, Meta(description=_MEANINGS["finality"])] = "canonical"
    require: Annotated[str, Meta(description=_MEANINGS["require"])] | None = None


_OWN = EventsAsked.__struct_fields__


@cache
def asked_of(tag: str, base: type[Struct] = EventsAsked) -> type[Struct]:
    """Return the parameters of `tag`: those of `base`, and its columns, each to be equal to a value."""
    fields: list[Any] = [
        (column.name, tuple[_spelled(column), ...], ())
        for column in derive.columns(tag)
        if column.name not in _OWN
    ]
    name = f"{EVENTS[tag].__name__}{base.__name__}"
    return msgspec.defstruct(
        name, fields, bases=(base,), module=__name__, frozen=True, forbid_unknown_fields=True, kw_only=True
    )


def _spelled(column: Column) -> Any:
    unit = column.logical.unit
    means = f"{', '.join(column.choices)}" if column.choices else column.logical.name
    described = Meta(description=f"Equal to it; {means}{f', {unit}' if unit else ''}.")
    return Annotated[str, described]


def fields_of(tag: str, text: str | None) -> tuple[str, ...] | None:
    """Return the columns that `fields` names; None for all. Raises: Refused."""
    if text is None:
        return None
    known = [column.name for column in derive.columns(tag)]
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    for name in names:
        if name not in known:
            raise Refused(f"fields: expected some of {', '.join(known)}, found {name!r}")
    return names


def filter_of(tag: str, asked: Any) -> tuple[Condition, ...]:
    """Return the conditions that a request sets. Raises: Refused."""
    names = (column.name for column in derive.columns(tag))
    equal = {name: getattr(asked, name, ()) for name in names if name not in _OWN}
    return conditions(tag, asked.where, {name: values for name, values in equal.items() if values})


def page_of(tag: str, asked: EventsAsked, fields: tuple[str, ...] | None) -> Page:
    """Return the page that a request asks for, a row longer: so it is known whether more follow.

    Raises: Refused, naming what does not fit.
    """
    is_newest = asked.order == "newest"
    return Page(
        columns=fields,
        where=filter_of(tag, asked),
        start_ns=None if asked.start is None else time_ns("start", asked.start),
        end_ns=None if asked.end is None else time_ns("end", asked.end),
        finality=asked.finality,
        newest_first=is_newest,
        after=None if asked.cursor is None else read_cursor(tag, asked.cursor, newest_first=is_newest),
        limit=asked.limit + 1,
    )
