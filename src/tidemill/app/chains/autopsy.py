"""`tidemill autopsy`: say how long opportunities lasted and what became of them, from what is stored."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import Struct

from tidemill.app.operating.sql import printable, readable, write_table
from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.core.clock import NS_PER_S
from tidemill.process.autopsy_case import path_of
from tidemill.process.half_lives import GROUPINGS, Fate, Found, Group, Grouping, groups, still_paying
from tidemill.process.opportunities import SearchConfig
from tidemill.process.survival import LEVEL, HalfLife, Share
from tidemill.schema.events import AutopsyCause
from tidemill.schema.faults import Refused
from tidemill.store.coverage import Readable

_FOREVER_NS = (1 << 63) - 1
_TITLES: dict[Grouping, str] = {"chain": "by chain", "pair": "by tokens", "hops": "by kinds of pools"}

# Names below are of ours, numbers are checked, and a chain's name is one that the store itself has.
_ENDED = """
SELECT source, tokens, protocols, toString(cause) AS cause, followed_blocks, followed_ns, count() AS cases
FROM (SELECT source, chain_id, opportunity, cause, followed_blocks, followed_ns
      FROM opportunity_autopsy_canonical
      WHERE cause != 'reorged' AND toUnixTimestamp64Nano(born_ns) BETWEEN {start_ns} AND {last_ns}) AS ended
LEFT JOIN (SELECT chain_id, opportunity, arraySort(groupUniqArray(token_in_hex)) AS tokens,
                  arraySort(groupArray(toString(protocol))) AS protocols
           FROM opportunity_hop GROUP BY chain_id, opportunity) AS path
USING (chain_id, opportunity)
GROUP BY source, tokens, protocols, cause, followed_blocks, followed_ns
"""
_TIPS = """
SELECT source, chain_id, max(block_number) AS tip, toUnixTimestamp64Nano(max(event_ns)) AS tip_ns
FROM block_canonical GROUP BY source, chain_id ORDER BY source
"""
_FOUND = """
SELECT block_number, toUnixTimestamp64Nano(any(event_ns)) AS born_ns,
       arraySort(groupArray((hop, pool_hex, token_in_hex, token_out_hex, toString(protocol)))) AS hops
FROM opportunity_hop_canonical WHERE source = '{source}' AND block_number > {after}
GROUP BY opportunity, block_number
"""
_OVER = """
SELECT path_hex, max(if(cause = 'unknown', block_number, born_block_number + followed_blocks)) AS over
FROM opportunity_autopsy_canonical
WHERE cause != 'reorged' AND source = '{source}' AND block_number > {after} GROUP BY path_hex
"""


class AutopsyOptions(Struct, frozen=True, kw_only=True):
    """Which opportunities are asked for, and how they are grouped."""

    chain: str | None = None
    """Of all chains where it is None."""
    start_ns: int = 0
    """The first timestamp of a block in which one was first found that counts."""
    end_ns: int = _FOREVER_NS
    """The first that does not."""
    by: Grouping | None = None
    """In every way where it is None."""


def options_of(
    chain: str | None, start: dt.datetime | None, end: dt.datetime | None, by: Grouping | None
) -> AutopsyOptions:
    """Return the options; a time without a zone is UTC. Raises: ValueError, where the range is none."""
    start_ns = 0 if start is None else _ns(start)
    end_ns = _FOREVER_NS if end is None else _ns(end)
    if start_ns >= end_ns:
        raise ValueError(f"--end: expected a time after --start, found {end}")
    return AutopsyOptions(chain=chain, start_ns=start_ns, end_ns=end_ns, by=by)


def main(environment: Environment, options: AutopsyOptions, *, is_json: bool) -> int:
    """Print half-lives and shares; return the exit code.

    Raises: Refused, where there is no such chain, or nothing was stored yet.
    """
    fates, symbols = asyncio.run(_read(environment, options))
    wanted = GROUPINGS if options.by is None else (options.by,)
    found = {by: groups(fates, by) for by in wanted}
    if is_json:
        told = [_told(group, symbols) for by in wanted for group in found[by]]
        print(json.dumps({"confidence": LEVEL, "groups": told}, indent=2))
    elif not fates:
        print("no opportunity was followed")
    else:
        for by in wanted:
            print(_TITLES[by], flush=True)
            write_table(_table(by, found[by], symbols), sys.stdout.buffer)
    return 0


async def _read(environment: Environment, options: AutopsyOptions) -> tuple[list[Fate], dict[str, str]]:
    async with reading(environment, "autopsy") as store:
        tips = readable(await store.query(_TIPS))
        known = {tip["source"] for tip in tips}
        if options.chain is not None and options.chain not in known:
            raise Refused(
                f"autopsy: expected a chain with blocks ({', '.join(sorted(known)) or 'there is none'}),"
                f" found {options.chain!r}"
            )
        ended = _ENDED.format(start_ns=options.start_ns, last_ns=options.end_ns - 1)
        fates = [_ended(row) for row in readable(await store.query(ended))]
        for tip in tips:
            search = environment.settings.search.get(tip["source"], SearchConfig(start_tokens=()))
            fates += await _open(store, tip, search.autopsy_blocks, options)
        fates = [fate for fate in fates if options.chain in (None, fate.source)]
        named = readable(await store.query("SELECT token_hex, any(symbol) AS symbol FROM token GROUP BY 1"))
    return fates, {row["token_hex"]: row["symbol"] for row in named if row["symbol"]}


async def _open(store: Readable, tip: Mapping[str, Any], blocks: int, options: AutopsyOptions) -> list[Fate]:
    """Return the opportunities of one chain that still paid after its newest block."""
    where = {"source": tip["source"], "after": max(tip["tip"] - blocks, 0)}
    found = [
        Found(_path(row["hops"]), row["block_number"], _alive(row, tip))
        for row in readable(await store.query(_FOUND.format(**where)))
    ]
    over = {
        (tip["source"], bytes.fromhex(row["path_hex"][2:])): row["over"]
        for row in readable(await store.query(_OVER.format(**where)))
    }
    paying = still_paying(found, over)
    return [fate for fate in paying if options.start_ns <= tip["tip_ns"] - fate.followed_ns < options.end_ns]


def _ended(row: Mapping[str, Any]) -> Fate:
    return Fate(
        source=row["source"],
        tokens=tuple(row["tokens"]),
        protocols=tuple(row["protocols"]),
        cause=AutopsyCause(row["cause"]),
        followed_blocks=row["followed_blocks"],
        followed_ns=row["followed_ns"],
        count=row["cases"],
    )


def _alive(row: Mapping[str, Any], tip: Mapping[str, Any]) -> Fate:
    return Fate(
        source=tip["source"],
        tokens=tuple(sorted({_values(hop)[2] for hop in row["hops"]})),
        protocols=tuple(sorted(_values(hop)[4] for hop in row["hops"])),
        cause=None,
        followed_blocks=tip["tip"] - row["block_number"],
        followed_ns=tip["tip_ns"] - row["born_ns"],
    )


def _path(hops: list[Any]) -> bytes:
    sides = [_values(hop)[1:4] for hop in hops]
    return path_of(tuple((_address(pool), _address(paid), _address(got)) for pool, paid, got in sides))


def _values(hop: Any) -> list[Any]:
    """Return a tuple's values: Arrow knows it as a struct."""
    return list(hop.values())


def _address(text: str) -> bytes:
    return bytes.fromhex(text[2:])


def _ns(time: dt.datetime) -> int:
    aware = time if time.tzinfo is not None else time.replace(tzinfo=dt.UTC)
    since = aware - dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    return (since.days * 86_400 + since.seconds) * NS_PER_S + since.microseconds * 1_000


# --- how it is told


def _told(group: Group, symbols: Mapping[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {"by": group.by, "chain": group.source}
    if group.by == "pair":
        told |= {"tokens": group.parts, "symbols": [symbols.get(token) for token in group.parts]}
    elif group.by == "hops":
        told["protocols"] = group.parts
    told["count"] = group.count
    told["half_life_blocks"] = _spelled(group.half_life_blocks)
    lasted_ns = _spelled(group.half_life_ns)
    told["half_life_s"] = {
        name: None if value is None else value / NS_PER_S for name, value in lasted_ns.items()
    }
    shares = ("taken", "expired", "alive", "unknown")
    return told | {name: msgspec.to_builtins(getattr(group, name)) for name in shares}


def _spelled(one: HalfLife) -> dict[str, int | None]:
    return {"value": one.duration, "low": one.low, "high": one.high}


def _table(by: Grouping, found: list[Group], symbols: Mapping[str, str]) -> pa.Table:
    rows: list[dict[str, str]] = []
    for group in found:
        named = {"pair": {"tokens": _tokens(group, symbols)}, "hops": {"pools": " + ".join(group.parts)}}
        rows.append(
            {
                "chain": group.source,
                **named.get(by, {}),
                "count": str(group.count),
                "half-life, blocks": _half_life(group.half_life_blocks, 1),
                "half-life, s": _half_life(group.half_life_ns, NS_PER_S),
                **{name: _share(getattr(group, name)) for name in ("taken", "expired", "alive", "unknown")},
            }
        )
    return pa.Table.from_pylist(rows)


def _tokens(group: Group, symbols: Mapping[str, str]) -> str:
    return " / ".join(printable(symbols.get(token, token)) for token in group.parts)


def _half_life(one: HalfLife, unit: int) -> str:
    value, low, high = (
        None if number is None else f"{number / unit:g}" for number in (one.duration, one.low, one.high)
    )
    ends = " ".join(_ends(low, high))
    return f"{value or 'more than half last'}{ends and f' ({ends})'}"


def _ends(low: str | None, high: str | None) -> Iterator[str]:
    """Yield an interval's ends, as far as there are any."""
    if low is not None:
        yield f"{low} to {high}" if high is not None else f"{low} or more"


def _share(one: Share) -> str:
    if one.share is None or one.low is None or one.high is None:
        return str(one.count)
    return f"{one.count}: {one.share:.0%} ({one.low:.0%} to {one.high:.0%})"
