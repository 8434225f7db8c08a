"""Who is it that calls, once that is known."""

from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

from tidemill.serve.auth.denial import Denied
from tidemill.serve.role import Role
from tidemill.serve.route import Route

CALLER = "caller"
"""Where a request's scope holds who calls: in its `state`."""


class By(StrEnum):
    """How a caller said who they are."""

    KEY = "key"
    TOKEN = "token"  # noqa: S105 a way to say who one is, no secret
    NOTHING = "nothing"
    """They need not: only this machine reaches the server, or the route is everybody's."""


class Caller(NamedTuple):
    """Somebody who may call what their role allows."""

    name: str
    """A key's id, or a token's subject."""
    role: Role
    by: By
    expires_s: float | None = None
    """When what they showed ends, since 1970; None: never."""
    requests_per_minute: int | None = None
    """Their own limit; None: everybody's."""

    @property
    def account(self) -> str:
        """Whose requests are counted together."""
        return f"{self.by}:{self.name}"


ANYBODY = Caller("", Role.ADMIN, By.NOTHING)
"""Where nobody is asked who they are."""


def check_role(scope: Mapping[str, Any], route: Route) -> None:
    """Raise Denied where who calls may not call `route`.

    It is asked before the request is read and again by the route itself, so that no difference between how a
    path is matched here and there opens a door.
    """
    caller: Caller | None = scope.get("state", {}).get(CALLER)
    if caller is not None and not caller.role.allows(route.role):
        raise Denied(
            HTTPStatus.FORBIDDEN, f"{route.key}: expected role {route.role} or more, found {caller.role}"
        )
