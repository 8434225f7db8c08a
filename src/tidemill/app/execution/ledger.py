"""`tidemill ledger`: what trades gained, by day, token, route or chain, of the ledgers in the data folder."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table

from tidemill.app.settings import Environment
from tidemill.bus import open_bus
from tidemill.execute.ledger import TOPIC, ledger_folder
from tidemill.execute.profit import Gained, GroupedBy, gained
from tidemill.schema import derive
from tidemill.schema.events import ExecutionMode

_BATCHES = 1_024
_COLUMNS = ("mode", "chain", "token", "trades", "realised", "open")


def main(environment: Environment, by: GroupedBy, *, is_json: bool) -> int:
    """Show it; return the exit code: 1 where nothing was ever asked for. Raises: Unreachable."""
    found = gained(asyncio.run(_rows(environment)), by)
    if is_json:
        print(msgspec.json.encode(found).decode())
    elif found:
        Console().print(_table(found, by))
    else:
        print("no trade was asked for yet")
    return 0 if found else 1


async def _rows(environment: Environment) -> list[dict[str, Any]]:
    """Return every event of both ledgers."""
    rows: list[dict[str, Any]] = []
    for mode in ExecutionMode:
        folder = ledger_folder(environment.paths.data, mode)
        if not (folder / "data.mdb").exists():
            continue
        async with open_bus(f"lmdb://{folder}", is_reader=True) as bus:
            offset = await bus.first(TOPIC)
            while entries := await bus.read(TOPIC, offset, batches_max=_BATCHES):
                rows += [row for entry in entries for row in derive.to_rows(TOPIC, entry.batch)]
                offset = entries[-1].offset + 1
    return rows


def _table(found: Sequence[Gained], by: GroupedBy) -> Table:
    table = Table(by.value if by not in (GroupedBy.TOKEN, GroupedBy.CHAIN) else "", box=None)
    for name in (*_COLUMNS, "simulated", "profit", "USD", "fee (wei)"):
        table.add_column(name, justify="right" if name not in ("mode", "chain", "token") else "left")
    for one in found:
        usd = "" if one.realised_profit_usd is None else f"{one.realised_profit_usd:.2f}"
        counts = [str(getattr(one, name)) for name in _COLUMNS]
        sums = [str(one.simulated_profit), str(one.realised_profit), usd, str(one.fee_wei)]
        table.add_row(one.group, *counts, *sums)
    return table
