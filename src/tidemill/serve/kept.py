"""Keep answers as bytes while what they are made of stays the same."""

from collections import OrderedDict
from hashlib import blake2b
from typing import NamedTuple

_BODIES_MAX = 256


class Body(NamedTuple):
    """What is sent, and the name of just these bytes."""

    content: bytes
    etag: str
    next: str | None
    """The cursor of what follows."""

    @classmethod
    def of(cls, content: bytes, next_cursor: str | None) -> "Body":
        """Return the bytes with their name."""
        return cls(content, f'"{blake2b(content, digest_size=16).hexdigest()}"', next_cursor)


class Kept:
    """The last bodies, by what was asked; each is good for one version of its source."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._bodies: OrderedDict[tuple[object, ...], tuple[int, Body]] = OrderedDict()
        self._bytes = 0

    def get(self, key: tuple[object, ...], version: int) -> Body | None:
        """Return the body of that version; None where there is none."""
        found = self._bodies.get(key)
        return found[1] if found is not None and found[0] == version else None

    def keep(self, key: tuple[object, ...], version: int, body: Body) -> None:
        """Remember a body; the oldest make room."""
        old = self._bodies.pop(key, None)
        self._bytes += len(body.content) - (len(old[1].content) if old else 0)
        self._bodies[key] = (version, body)
        while len(self._bodies) > _BODIES_MAX or self._bytes > self._bytes_max:
            _, (_, gone) = self._bodies.popitem(last=False)
            self._bytes -= len(gone.content)
