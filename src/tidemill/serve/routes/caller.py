"""What a caller is told of themselves: the role that they have, and until when."""

from msgspec import Struct

from tidemill.serve.auth.caller import ANYBODY, CALLER, By, Caller
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


class CallerTold(Struct, frozen=True):
    """Who asks."""

    name: str
    """A key's id, or a token's subject; empty where nobody is asked."""
    role: Role
    by: By
    """`nothing` where nobody is asked who they are."""
    expires_s: float | None
    """When what was shown ends, since 1970; null: never."""


async def caller(call: Call) -> Answer:
    """Tell who asks what role they have."""
    known: Caller = call.request.scope.get("state", {}).get(CALLER, ANYBODY)
    return Answer(CallerTold(known.name, known.role, known.by, known.expires_s))


ROUTES = (Route(path="/auth/caller", answer=caller, role=Role.VIEWER, tells=CallerTold),)
