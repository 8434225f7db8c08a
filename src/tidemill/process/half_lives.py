"""How long do opportunities last and what becomes of them: by chain, by tokens, by kinds of pools."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from tidemill.process.survival import HalfLife, Lasted, Share, half_life, share, survival
from tidemill.schema.events import AutopsyCause

Grouping = Literal["chain", "pair", "hops"]
GROUPINGS: tuple[Grouping, ...] = ("chain", "pair", "hops")
_EXPIRED = {
    AutopsyCause.CLOSED_BY_TRADE,
    AutopsyCause.CLOSED_BY_LIQUIDITY,
    AutopsyCause.CLOSED_BY_BOOK,
    AutopsyCause.COSTS,
}


class Fate(Struct, frozen=True, kw_only=True):
    """What became of some opportunities that are alike in all of this."""

    source: str
    """The chain's name in the configuration."""
    tokens: tuple[str, ...]
    """Those of the path, each once, sorted."""
    protocols: tuple[str, ...]
    """Those of its pools, a pool each, sorted."""
    cause: AutopsyCause | None
    """None where it still paid after the newest block."""
    followed_blocks: int
    """Until it died, or as far as it is known to have paid."""
    followed_ns: int
    count: int = 1


class Found(Struct, frozen=True):
    """One finding of an opportunity that is not known to have ended."""

    path: bytes
    block_number: int
    fate: Fate
    """As of the newest block, were this its first finding."""


class Group(Struct, frozen=True, kw_only=True):
    """Opportunities of one chain that have tokens or kinds of pools in common."""

    by: Grouping
    source: str
    parts: tuple[str, ...]
    """The tokens, or the protocols; empty of the whole chain."""
    count: int
    half_life_blocks: HalfLife
    half_life_ns: HalfLife
    taken: Share
    expired: Share
    """It died, and nobody took it: a trade or a change of liquidity closed it, or its costs rose."""
    alive: Share
    """It still paid when it was last looked at."""
    unknown: Share


def groups(fates: Iterable[Fate], by: Grouping) -> list[Group]:
    """Return the groups, those with most opportunities first. Those of reverted blocks belong in none."""
    found: dict[tuple[str, tuple[str, ...]], list[Fate]] = {}
    for fate in fates:
        parts = {"chain": (), "pair": fate.tokens, "hops": fate.protocols}[by]
        found.setdefault((fate.source, parts), []).append(fate)
    grouped = [_group(by, source, parts, members) for (source, parts), members in found.items()]
    return sorted(grouped, key=lambda group: (-group.count, group.source, group.parts))


def _group(by: Grouping, source: str, parts: tuple[str, ...], fates: list[Fate]) -> Group:
    whole = sum(fate.count for fate in fates)

    def part(*causes: AutopsyCause | None) -> Share:
        return share(sum(fate.count for fate in fates if fate.cause in causes), whole)

    def lasts(field: str) -> HalfLife:
        died = {AutopsyCause.TAKEN, *_EXPIRED}
        lasted = [Lasted(getattr(fate, field), fate.cause in died, fate.count) for fate in fates]
        return half_life(survival(lasted))

    return Group(
        by=by,
        source=source,
        parts=parts,
        count=whole,
        half_life_blocks=lasts("followed_blocks"),
        half_life_ns=lasts("followed_ns"),
        taken=part(AutopsyCause.TAKEN),
        expired=part(*_EXPIRED),
        alive=part(AutopsyCause.OUTLIVED, None),
        unknown=part(AutopsyCause.UNKNOWN),
    )


def still_paying(found: Iterable[Found], over: Mapping[tuple[str, bytes], int]) -> list[Fate]:
    """Return those that still pay: of each path the first finding since it was last followed to an end.

    `over` says by source and path after which block that was.
    """
    first: dict[tuple[str, bytes], Found] = {}
    for one in sorted(found, key=lambda one: one.block_number):
        path = (one.fate.source, one.path)
        if one.block_number >= over.get(path, 0):
            first.setdefault(path, one)
    return [one.fate for one in first.values()]
