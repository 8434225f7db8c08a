"""What is an instrument's part of new trades: the newest of them, as JSON."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa

from tidemill.schema import derive
from tidemill.store.latest.books import Name
from tidemill.store.plain import plain_value


class TradesEntry(NamedTuple):
    """An instrument's new trades, as JSON, each with its time in ns."""

    name: Name
    trades: Sequence[tuple[int, bytes]]


def newest_trades(rows: pa.RecordBatch, trades_kept: int) -> list[TradesEntry]:
    """Return each instrument's newest trades among rows, oldest first."""
    trades: dict[Name, list[dict[str, Any]]] = {}
    for row in derive.to_rows("trade", rows):
        trades.setdefault((row["source"], row["instrument"]), []).append(row)
    return [
        TradesEntry(name, [(row["event_ns"], _json(row)) for row in its[-trades_kept:]])
        for name, its in trades.items()
    ]


def _json(row: dict[str, Any]) -> bytes:
    return msgspec.json.encode({name: plain_value(value) for name, value in row.items()})
