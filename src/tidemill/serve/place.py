"""Where in the topics of the bus is a client, as a cursor that it hands back to go on."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from tidemill.schema.faults import Gap, Refused

_CURSOR = re.compile(r"([0-9a-z-]{1,64})((?:~[a-z0-9_.-]{1,80}:[0-9]{1,19}\.[0-9]{1,10}){0,64})")


class Place(NamedTuple):
    """The next row of a topic."""

    offset: int
    """Of its batch on the bus."""
    row: int = 0


def cursor_of(bus: str, places: Mapping[str, Place]) -> str:
    """Return the cursor of some places on the bus with that identity."""
    return bus + "".join(f"~{topic}:{place.offset}.{place.row}" for topic, place in places.items())


def places_of(bus: str, cursor: str, topics: Iterable[str]) -> dict[str, Place]:
    """Return the places that a cursor names.

    Raises: Refused, where it is no cursor, or names no place in one of `topics`; Gap, where it is one of
    another bus: what it means is not there.
    """
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise Refused(f"cursor: expected one that the stream gave, found {cursor[:80]!r}")
    if found[1] != bus:
        raise Gap(f"cursor: expected one of bus {bus}, found one of {found[1]}; begin anew, without it")
    places: dict[str, Place] = {}
    for part in found[2].split("~")[1:]:
        topic, _, place = part.partition(":")
        offset, _, row = place.partition(".")
        places[topic] = Place(int(offset), int(row))
    lacking = [topic for topic in topics if topic not in places]
    if lacking:
        raise Refused(
            f"cursor: expected one of {', '.join(lacking)}, found one of {', '.join(places) or 'no topic'}"
        )
    return places
