"""`tidemill whales scorecard`: grade what was told of whales by what the market did afterwards."""

import asyncio
import json
import re
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from tidemill.app.reading import reading
from tidemill.app.settings import Environment
from tidemill.process.whales.scorecard import MARKETS_MIN, Estimate, Graded, Score, Verdict, score
from tidemill.schema.events import Side, WhaleReason
from tidemill.schema.faults import Refused
from tidemill.store.coverage import Readable

HORIZONS = ("1m", "5m", "1h", "24h")
SETTLED = "settlement"
"""The horizon that ends when the market is settled."""

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_ORDERS = """orders AS (
    SELECT order_id, coalesce(market_id, token_id) AS market, token_id AS token, side, reason,
        toFloat64(price) AS paid, event_ns AS ordered_ns
    FROM whale_order_canonical ORDER BY event_ns DESC, trade_count DESC, status LIMIT 1 BY order_id
)"""
_PRICES = """prices AS (
    SELECT instrument AS token, event_ns AS told_ns, toFloat64(price) AS later FROM wallet_trade_canonical
    WHERE role = 'taker' OR role IS NULL
    UNION ALL SELECT instrument, event_ns, toFloat64(price) FROM trade
)"""
_LATER = """WITH {orders}, {prices}, (SELECT max(told_ns) FROM prices) AS newest
SELECT reason, market, side, paid, later
FROM (SELECT *, ordered_ns + INTERVAL {seconds} SECOND AS until FROM orders) AS o
ASOF INNER JOIN prices AS p ON o.token = p.token AND o.until >= p.told_ns
WHERE told_ns > ordered_ns AND until <= newest AND paid > 0"""
_SETTLED = """WITH {orders}, settled AS (
    SELECT instrument AS token, argMax(is_winning, event_ns) AS won, max(event_ns) AS settled_ns
    FROM market_status WHERE change = 'resolved' AND is_winning IS NOT NULL GROUP BY instrument
)
SELECT reason, market, side, paid, toFloat64(won) AS later FROM orders
INNER JOIN settled USING (token) WHERE settled_ns > ordered_ns AND paid > 0"""


class Line(Struct, frozen=True, kw_only=True):
    """One group of orders at one horizon."""

    reason: WhaleReason
    horizon: str
    score: Score | None
    """Absent where no order has a price that much later."""


def main(environment: Environment, horizons: Sequence[str], *, is_json: bool) -> int:
    """Print the scorecard; return the exit code. Raises: Refused, where nothing was stored."""
    lines = asyncio.run(_graded(environment, [(name, seconds_of(name)) for name in horizons]))
    sentence = summary(lines)
    if is_json:
        told = {"summary": sentence, "lines": msgspec.to_builtins(lines)}
        print(json.dumps(told, indent=2))
    else:
        print("\n".join([*map(_line, lines), sentence]))
    return 0


def seconds_of(horizon: str) -> int:
    """Return how long a horizon such as 90s, 5m, 1h or 2d is. Raises: Refused."""
    found = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", horizon)
    if found is None:
        raise Refused(f"--horizon: expected a time such as 90s, 5m, 1h or 2d, found {horizon!r}")
    return int(found[1]) * _SECONDS[found[2]]


async def scorecard(store: Readable, horizons: Sequence[tuple[str, int]]) -> list[Line]:
    """Return the lines of each reason and horizon, the last one of what is settled. Raises: Refused."""
    statements = [
        (name, _LATER.format(orders=_ORDERS, prices=_PRICES, seconds=int(seconds)))
        for name, seconds in horizons
    ]
    lines: list[Line] = []
    for name, statement in [*statements, (SETTLED, _SETTLED.format(orders=_ORDERS))]:
        rows = (await store.query(statement)).to_pylist()
        for reason in WhaleReason:
            graded = [
                Graded(market=row["market"], side=Side(row["side"]), price=row["paid"], later=row["later"])
                for row in rows
                if row["reason"] == reason
            ]
            lines.append(Line(reason=reason, horizon=name, score=score(graded)))
    return lines


def summary(lines: Sequence[Line]) -> str:
    """Return what all lines come to, in one sentence."""
    known = [line for line in lines if line.score and line.score.verdict is not Verdict.UNKNOWN]
    if not known:
        return f"too early to say: no horizon has orders in {MARKETS_MIN} markets"
    found = [line for line in known if line.score and line.score.verdict is not Verdict.NONE]
    if not found:
        return "big trades carry no signal here: chance explains what prices did after them"
    told = ", ".join(f"{line.reason} at {line.horizon} {line.score.verdict}" for line in found if line.score)
    return f"{told}; of {len(known)} lines, one in twenty would say so by chance"


async def _graded(environment: Environment, horizons: Sequence[tuple[str, int]]) -> list[Line]:
    async with reading(environment, "whales scorecard") as store:
        return await scorecard(store, horizons)


def _line(line: Line) -> str:
    head = f"{line.reason:<10} {line.horizon:>10}  "
    if line.score is None:
        return f"{head}no orders with a later price"
    told = line.score
    rate = "-" if told.hit_rate is None else _spelled(told.hit_rate, 100, "%")
    share = "-" if told.return_share is None else _spelled(told.return_share, 100, "%")
    counts = f"{told.orders} orders in {told.markets} markets"
    move = _spelled(told.move, 1, "")
    return f"{head}{counts}, hit rate {rate}, move {move}, return {share}: {told.verdict}"


def _spelled(estimate: Estimate, factor: int, unit: str) -> str:
    digits = 1 if factor > 1 else 4
    mean = f"{factor * estimate.mean:.{digits}f}{unit}"
    if estimate.low is None or estimate.high is None:
        return mean
    return f"{mean} [{factor * estimate.low:.{digits}f}, {factor * estimate.high:.{digits}f}]"
