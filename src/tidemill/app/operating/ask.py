"""`tidemill sql`: ask the process that owns the store, or open the store where none runs."""

import asyncio
import json
import sys

import pyarrow as pa
from msgspec import Struct

from tidemill.app.operating.sql import FORMATS, write_coverage
from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.schema.events import Proof
from tidemill.store.coverage import METADATA_KEY, SourceCoverage, coverage_of, require_complete


class AskOptions(Struct, frozen=True, kw_only=True):
    """How a statement is answered."""

    form: str
    """One of FORMATS."""
    level: Proof | None = None
    """What every block must be proven by; None where blocks may be missing."""
    with_coverage: bool = False
    source: str | None = None
    """Whose coverage counts; of every source where it is None. So with the range."""
    from_block: int | None = None
    to_block: int | None = None


def main(environment: Environment, query: str, options: AskOptions) -> int:
    """Print the answer; return the exit code.

    Raises: Refused, where the statement is wrong or writes, or nothing was stored yet; Gap, where blocks are
    missing that must not be.
    """
    table, coverage = asyncio.run(_ask(environment, query, options))
    if coverage is not None:
        told = [one.to_json() for one in coverage]
        metadata = {**(table.schema.metadata or {}), METADATA_KEY.encode(): json.dumps(told).encode()}
        table = table.replace_schema_metadata(metadata)
        if options.with_coverage and options.form == "json":
            write_coverage(told, sys.stdout.buffer)
    FORMATS[options.form](table, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return 0


async def _ask(
    environment: Environment, query: str, options: AskOptions
) -> tuple[pa.Table, list[SourceCoverage] | None]:
    async with reading(environment, "sql") as store:
        coverage = None
        if options.level is not None or options.with_coverage or options.form == "arrow":
            level = options.level or Proof.NONE
            # Before the rows: what comes while they are read is not in all of them.
            coverage = await coverage_of(store, options.source, options.from_block, options.to_block, level)
        if options.level is not None:
            require_complete(coverage or [])
        return await store.query(query), coverage
