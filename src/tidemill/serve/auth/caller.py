"""Who is it that calls, once that is known."""

from enum import StrEnum
from typing import NamedTuple

from tidemill.serve.route import Role


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
