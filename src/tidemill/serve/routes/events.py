"""The events of every kind that the schema has: a route each, `/events/<name>`."""

from typing import Any

from starlette.responses import Response

from tidemill.schema.events import EVENTS
from tidemill.serve.events_answer import events_answer
from tidemill.serve.events_asked import asked_of
from tidemill.serve.forms import FORMS, json_schema
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


async def kinds(_: Call) -> Answer:
    """Return the name and the meaning of every kind of event."""
    return Answer({tag: _meaning(tag) for tag in EVENTS})


def _meaning(tag: str) -> str:
    return " ".join((EVENTS[tag].__doc__ or "").strip().partition("\n\n")[0].split())


def _route(tag: str) -> Route:
    async def answer(call: Call) -> Response:
        return await events_answer(tag, call)

    answer.__doc__ = (
        f"Return events of the kind `{tag}`, a page at a time: {_meaning(tag)}\n\n"
        "The newest are those that the bus had last. `next`, and the header X-Next-Cursor, go on from there;"
        " rows that come meanwhile move nothing. The header X-Coverage says what is stored of each source."
    )
    return Route(
        path=f"/events/{tag}",
        answer=answer,
        role=Role.VIEWER,
        asked=asked_of(tag),
        tells=json_schema(tag),
        media_types=tuple(FORMS),
        example={"limit": "2"},
    )


_KINDS: Any = dict[str, str]
ROUTES = (
    Route(path="/events", answer=kinds, role=Role.VIEWER, tells=_KINDS),
    *(_route(tag) for tag in EVENTS),
)
