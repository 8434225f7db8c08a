"""Arbitrage transactions by the names that the source document gives: `/transactions` and `/historical`."""

from typing import Annotated

from msgspec import Meta
from starlette.responses import Response

from tidemill.serve.events_answer import events_answer
from tidemill.serve.events_asked import EventsAsked, Order, asked_of
from tidemill.serve.forms import FORMS, json_schema
from tidemill.serve.role import Role
from tidemill.serve.route import Call, Route

TAG = "arbitrage_transaction"


class HistoricalAsked(EventsAsked, frozen=True, kw_only=True):
    """The same, the oldest first, between two times."""

    order: Annotated[Order, Meta(description="By time: the oldest first, or the newest.")] = "oldest"


async def transactions(call: Call) -> Response:
    """Return the arbitrage transactions, the newest first, each with its features."""
    return await events_answer(TAG, call)


async def historical(call: Call) -> Response:
    """Return the arbitrage transactions between two times, the oldest first."""
    return await events_answer(TAG, call)


_TELLS, _FORMS = json_schema(TAG), tuple(FORMS)
ROUTES = (
    Route(
        path="/transactions",
        answer=transactions,
        role=Role.VIEWER,
        asked=asked_of(TAG),
        tells=_TELLS,
        media_types=_FORMS,
        example={"limit": "10"},
    ),
    Route(
        path="/historical",
        answer=historical,
        role=Role.VIEWER,
        asked=asked_of(TAG, HistoricalAsked),
        tells=_TELLS,
        media_types=_FORMS,
        example={"start": "2024-01-01", "end": "2024-01-31"},
    ),
)
