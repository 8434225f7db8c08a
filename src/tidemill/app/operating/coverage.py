"""`tidemill coverage`: say of each source which blocks are complete, by what proof, and what was missing."""

import asyncio
import datetime as dt
import json
import sys
from collections.abc import Iterator

from msgspec import Struct

from tidemill.app.operating.sql import printable
from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.schema.events import Proof
from tidemill.store.coverage import SourceCoverage, coverage_of, proof_of
from tidemill.store.ledger import KnownGap


class CoverageOptions(Struct, frozen=True, kw_only=True):
    """Which blocks are asked for."""

    source: str | None = None
    from_block: int | None = None
    to_block: int | None = None
    level: Proof | None = None

    @property
    def is_question(self) -> bool:
        """Whether the exit code answers if they are complete."""
        return not (self.from_block is self.to_block is self.level is None)


def options_of(
    source: str | None, from_block: int | None, to_block: int | None, level: str | None
) -> CoverageOptions:
    """Return the options. Raises: ValueError, where there is no such level, or the range is none."""
    if from_block is not None and to_block is not None and from_block > to_block:
        raise ValueError(f"--to: expected {from_block} or more, as --from is, found {to_block}")
    proof = None if level is None else proof_of(level, "--level")
    return CoverageOptions(source=source, from_block=from_block, to_block=to_block, level=proof)


def main(environment: Environment, options: CoverageOptions, *, gaps_only: bool, is_json: bool) -> int:
    """Print the coverage; return 1 where a level or a range was asked for and it is not complete.

    Raises: Refused, where there is no such source, or nothing was stored yet.
    """
    found = asyncio.run(_read(environment, options))
    if is_json:
        told = [one.to_json() for one in found]
        wanted = ("source", "gaps") if gaps_only else tuple(told[0] if told else ())
        print(json.dumps([{name: one[name] for name in wanted} for one in told], indent=2))
    else:
        print("\n".join(line for one in found for line in _lines(one, gaps_only)) or "nothing was read yet")
    if not options.is_question:
        return 0
    lacking = [fault for one in found if (fault := one.fault()) is not None]
    for fault in lacking:
        print(f"tidemill: {fault}", file=sys.stderr)
    return 1 if lacking or not found else 0


async def _read(environment: Environment, options: CoverageOptions) -> list[SourceCoverage]:
    level = options.level or Proof.NONE
    async with reading(environment, "coverage") as store:
        return await coverage_of(store, options.source, options.from_block, options.to_block, level)


def _lines(one: SourceCoverage, gaps_only: bool) -> Iterator[str]:
    if one.from_block is None and one.to_block is None:
        yield f"{one.source}: nothing was told of its blocks"
    else:
        yield f"{one.source}: blocks {one.from_block} to {one.to_block}"
    if not gaps_only:
        for span in one.complete:
            count = span.to_block - span.from_block + 1
            yield f"  complete  {span.from_block} to {span.to_block}, {_blocks(count)}: {span.proof}"
        for lack in one.missing:
            count = lack.to_block - lack.from_block + 1
            blocks = f"{lack.from_block} to {lack.to_block}, {_blocks(count)}"
            yield f"  missing   {blocks}: {printable(lack.cause)}"
    yield from map(_gap_line, one.gaps)


def _gap_line(gap: KnownGap) -> str:
    noticed = dt.datetime.fromtimestamp(gap.noticed_ns // 1_000_000_000, dt.UTC).strftime(
        "%Y-%m-%dT%H:%M:%SZ"
    )
    if gap.pool is not None:
        where = f"from block {gap.from_block}"
    else:
        where = f"{gap.from_block} to {gap.to_block}, {_blocks(gap.block_count)}"
    told = f"{where}, noticed {noticed}: {printable(gap.cause)}"
    if gap.lasted_ms is None:
        return f"  gap open  {told}"
    return f"  gap       {told}; closed after {gap.lasted_ms} ms: {printable(gap.closed_by or '')}"


def _blocks(count: int) -> str:
    return "1 block" if count == 1 else f"{count} blocks"
