"""What did trades gain, by day, token, route or chain: summed up over the newest event of each."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import ExecutionState


class GroupedBy(StrEnum):
    """What trades that are summed up together have in common."""

    DAY = "day"
    TOKEN = "token"  # noqa: S105 the kind that is traded
    ROUTE = "route"
    CHAIN = "chain"


class Gained(Struct, kw_only=True):
    """What some trades of one mode, chain and token came to. Amounts are smallest units of the token."""

    mode: str
    group: str
    """The day, the token, the route or the chain."""
    chain: str
    token: str
    trades: int = 0
    realised: int = 0
    """Of them: how many went through, live or on paper."""
    open: int = 0
    simulated_profit: int = 0
    """Of those that are settled."""
    realised_profit: int = 0
    realised_profit_usd: float | None = None
    """None where the token is not taken for a dollar."""
    fee_wei: int = 0
    """In the chain's gas token."""


_REALISED = frozenset({ExecutionState.PAPER_FILLED, ExecutionState.INCLUDED, ExecutionState.FINAL})
_OPEN = frozenset(
    {
        ExecutionState.RECEIVED,
        ExecutionState.SIMULATED,
        ExecutionState.SIGNED,
        ExecutionState.SENT,
        ExecutionState.REORGED,
        ExecutionState.PAPER_PENDING,
    }
)


def gained(rows: Iterable[Mapping[str, Any]], by: GroupedBy) -> list[Gained]:
    """Return the sums of `rows`, events of `execution` in any order, by mode and group; the most first.

    Trades in different tokens are never added up.
    """
    newest: dict[bytes, Mapping[str, Any]] = {}
    for row in rows:
        known = newest.get(row["execution_id"])
        if known is None or row["sequence"] > known["sequence"]:
            newest[row["execution_id"]] = row
    found: dict[tuple[str, str, str, str], Gained] = {}
    for row in newest.values():
        chain, token = row["source"], "0x" + row["token"].hex()
        group = _group(row, by)
        key = (row["mode"], group, chain, token)
        one = found.get(key)
        if one is None:
            one = found[key] = Gained(mode=row["mode"], group=group, chain=chain, token=token)
        _add(one, row)
    return sorted(found.values(), key=lambda one: (one.mode, -(one.realised_profit_usd or 0.0), one.group))


def _add(one: Gained, row: Mapping[str, Any]) -> None:
    one.trades += 1
    one.fee_wei += row["fee_wei"] or 0
    if row["state"] in _OPEN:
        one.open += 1
        return
    one.simulated_profit += row["simulated_profit"] or 0
    if row["state"] in _REALISED:
        one.realised += 1
        one.realised_profit += row["realised_profit"] or 0
        if row["realised_profit_usd"] is not None:
            one.realised_profit_usd = (one.realised_profit_usd or 0.0) + row["realised_profit_usd"]


def _group(row: Mapping[str, Any], by: GroupedBy) -> str:
    match by:
        case GroupedBy.DAY:
            return datetime.fromtimestamp(row["recv_ns"] / NS_PER_S, UTC).date().isoformat()
        case GroupedBy.TOKEN:
            return "0x" + row["token"].hex()
        case GroupedBy.ROUTE:
            return row["route"]
        case GroupedBy.CHAIN:
            return row["source"]
