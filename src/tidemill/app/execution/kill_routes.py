"""What do execution server and data API answer of the kill switch: is it engaged, and how to engage it?"""

from typing import Annotated

from msgspec import Meta, Struct

from tidemill.core.clock import SystemClock
from tidemill.execute.live.kill_switch import Engaged, KillSwitch
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


class KillState(Struct, frozen=True):
    """Whether trades are sent."""

    engaged: bool
    """Whether nothing is sent until a person releases it, by `tidemill kill --release`."""
    reason: str | None = None
    """Why; absent while it is released."""
    by: str | None = None
    """Who engaged it."""


class KillOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /kill."""

    reason: Annotated[str, Meta(min_length=1, max_length=1_000)] = "no reason was given"
    """Told to whoever wants to send."""


async def kill_state(call: Call) -> Answer:
    """Say whether the kill switch is engaged, and why."""
    engaged = call.parts[KillSwitch].engaged
    return Answer(KillState(False) if engaged is None else KillState(True, engaged.reason, engaged.by))


async def kill(call: Call) -> Answer:
    """Engage the kill switch: nothing more is sent, and what waits in the open is called back."""
    order: KillOrder = call.body
    engaged = Engaged(reason=order.reason, by="endpoint", event_ns=SystemClock().now_ns())
    call.parts[KillSwitch].engage(engaged)
    return await kill_state(call)


ROUTES = (
    Route(path="/kill", answer=kill_state, role=Role.VIEWER, tells=KillState),
    Route(path="/kill", answer=kill, method="POST", role=Role.TRADER, body=KillOrder, tells=KillState),
)
