"""What lets a browser open a stream, which cannot send a key or a token with it."""

import asyncio

from msgspec import Struct

from tidemill.serve.auth.caller import ANYBODY, CALLER, Caller
from tidemill.serve.auth.tickets import Tickets
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


class Ticket(Struct, frozen=True):
    """What stands in for a key or token once."""

    ticket: str
    """For `?ticket=` of a WebSocket or of server-sent events."""
    ttl_s: float
    """How long it is good."""


async def ticket(call: Call) -> Answer:
    """Give a ticket that opens one stream in the name of who asks; it is good once, and for seconds."""
    tickets = call.parts[Tickets]
    caller: Caller = call.request.scope.get("state", {}).get(CALLER, ANYBODY)
    given = await tickets.give(caller, asyncio.get_running_loop().time())
    return Answer(Ticket(given, tickets.ttl_s))


ROUTES = (Route(path="/auth/ticket", method="POST", answer=ticket, role=Role.VIEWER, tells=Ticket),)
