"""`tidemill sql`: ask the process that owns the store, or open the store where none runs."""

import asyncio
import sys

import pyarrow as pa

from tidemill.app.control import ask_sql
from tidemill.app.settings import Environment
from tidemill.app.sql import FORMATS
from tidemill.schema.faults import Refused
from tidemill.store import open_store


def main(environment: Environment, query: str, form: str) -> int:
    """Print the answer; return the exit code.

    Raises: Refused, where the statement is wrong or writes, or nothing was stored yet.
    """
    table = asyncio.run(_ask(environment, query))
    FORMATS[form](table, sys.stdout.buffer)
    sys.stdout.buffer.flush()
    return 0


async def _ask(environment: Environment, query: str) -> pa.Table:
    answer = await ask_sql(environment.paths.data, query)
    if answer is not None:
        return answer
    scheme, _, path = environment.store_url.partition("://")
    if scheme == "chdb" and not environment.paths.data.exists():
        raise Refused(
            f"sql: expected a store at {path}, found none; `tidemill up` or `tidemill demo` makes one"
        )
    async with open_store(environment.store_url, environment.settings.store) as store:
        return await store.query(query)
