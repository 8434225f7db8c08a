"""What is told of all that is stored, in a few numbers; sums over rows are kept for a while."""

import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct
from starlette.responses import Response

from tidemill.core.clock import NS_PER_S
from tidemill.serve.across import Across
from tidemill.serve.asked import Nothing
from tidemill.serve.cache import Cache
from tidemill.serve.covered import CoverageBoard
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route
from tidemill.store.answer import readable

_DAY_S = 86_400
_DAILY_SQL = (
    "SELECT formatDateTime(day, '%F', 'UTC') AS date, * EXCEPT (day) FROM arbitrage_transaction_daily"
    " WHERE day >= toDateTime({since_s:Int64}, 'UTC') ORDER BY date, source, chain_id, kind"
)


class Table(Struct, frozen=True):
    """How much one table holds."""

    rows: int
    bytes_on_disk: int


class Totals(Struct, frozen=True):
    """What is stored."""

    tables: dict[str, Table]


class DailyAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """What `/stats/daily` may be asked."""

    days: Annotated[int, Meta(ge=1, le=3_660)] = 30
    """How many, today among them, in UTC."""


class Day(Struct, frozen=True):
    """The arbitrage transactions of a day, a source and a kind; sums of amounts are decimal text."""

    day: str
    source: str
    chain_id: int
    kind: str
    transactions: int
    valued: int
    """Those whose profit in the chain's own coin is known; the sum is of them."""
    profitable: int
    net_profit_native_wei: str
    gas_cost_wei: str
    tip_wei: str
    gas_used: int
    hops: int
    valued_usd: int
    net_profit_usd: float | None
    net_profit_max_usd: float | None


class Days(Struct, frozen=True):
    """Statistics by day."""

    days: list[Day]


async def stats(call: Call) -> Answer:
    """Return rows and bytes of every table."""
    sizes = await call.parts[Across].sizes()
    return Answer(Totals({one.table: Table(one.rows, one.bytes_on_disk) for one in sizes}))


async def daily(call: Call) -> Response:
    """Return what arbitrage transactions gained and cost, by day, source and kind."""

    async def ask() -> Days:
        program, asked = call.parts[Across], call.asked
        today_s = (await program.state()).now_ns // NS_PER_S // _DAY_S * _DAY_S
        since = {"since_s": str(today_s - (asked.days - 1) * _DAY_S)}
        rows = readable(await program.query(_DAILY_SQL, since))
        return Days([msgspec.convert(_plain(row), Day, strict=False) for row in rows])

    return await _kept(call, ask)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    wide = ("net_profit_native_wei", "gas_cost_wei", "tip_wei")
    return {**row, "day": row["date"], **{name: str(row[name]) for name in wide}}


async def _kept(call: Call, ask: Callable[[], Awaitable[Any]]) -> Response:
    """Return the answer that is kept of the same question on the same coverage, or ask."""
    cache = call.parts[Cache]
    holes = await call.parts[CoverageBoard].holes()
    question = f"{call.request.url.path}?{sorted(call.request.query_params.multi_items())}#{holes}"
    key = blake2b(question.encode(), digest_size=16).hexdigest()
    is_fresh_wanted = "no-cache" in call.request.headers.get("cache-control", "")
    found = None if is_fresh_wanted else await cache.get(key)
    if found is not None:
        age_s = max(round(time.time() - found.made_s), 0)
        return _json(found.content, {"Age": str(age_s)})
    content = msgspec.json.encode(await ask())
    await cache.put(key, content)
    return _json(content, {})


def _json(content: bytes, headers: dict[str, str]) -> Response:
    return Response(content, headers={"Cache-Control": "private", **headers}, media_type="application/json")


ROUTES = (
    Route(path="/stats", answer=stats, role=Role.VIEWER, asked=Nothing, tells=Totals),
    Route(
        path="/stats/daily",
        answer=daily,
        role=Role.VIEWER,
        asked=DailyAsked,
        tells=Days,
        example={"days": "30"},
    ),
)
