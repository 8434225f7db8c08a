"""One budget of memory, divided: which settings does it lower, and to what."""

from typing import Annotated, Any, NamedTuple

from msgspec import Meta, Struct, structs

MIB = 1 << 20
_PROGRAM_MB = 384
"""The program itself: its libraries, and what is there before anything is read."""
_TOPICS = 32
"""So many are read from the bus beside each other."""
_UNPACKED = 4
"""A batch takes about so many times what it takes on the bus."""


class MemorySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [memory]."""

    mb: Annotated[int, Meta(ge=768)] | None = None
    """How much the process may hold, MiB: other settings are lowered so that their sum stays below it, never
    raised. Absent: each has its own limit, and the embedded engine nine tenths of the machine."""


class Share(NamedTuple):
    """One setting that the budget lowers."""

    key: str
    most: int


def shares(mb: int, readers: int) -> list[Share]:
    """Return what each part may take of a budget of `mb` MiB, of which `readers` queries run at once.

    What the program leaves is parted: a half to the embedded engine, with an eighth of that for its caches
    and a third of it for one query; an eighth each to answers, to what is read from the bus, and to what the
    data API keeps. The last eighth is for books, pools and windows.
    """
    left = (mb - _PROGRAM_MB) * MIB
    return [
        Share("store.engine_max_bytes", left // 2),
        Share("store.limits.memory_max_bytes", left // 6),
        Share("store.limits.result_max_bytes", left // 8 // readers),
        Share("bus.read_bytes_max", left // 8 // (_TOPICS * _UNPACKED)),
        Share("api.cache_max_bytes", left // 16),
    ]


def within(settings: Any, mb: int) -> tuple[Any, list[str]]:
    """Return `settings` with what exceeds its share lowered to it, and the keys of what was."""
    lowered: list[str] = []
    for key, most in shares(mb, settings.store.readers):
        changed = _lowered(settings, key.split("."), most)
        if changed is not None:
            settings = changed
            lowered.append(key)
    return settings, lowered


def _lowered(at: Struct, path: list[str], most: int) -> Struct | None:
    """Return the same with the setting at `path` at most that; None where it is already."""
    name, *rest = path
    value = getattr(at, name)
    if not rest:
        return None if value is not None and value <= most else structs.replace(at, **{name: most})
    inner = _lowered(value, rest, most)
    return None if inner is None else structs.replace(at, **{name: inner})
