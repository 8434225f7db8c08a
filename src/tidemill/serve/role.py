"""Who may ask what: the roles."""

from enum import StrEnum


class Role(StrEnum):
    """Who may ask, from the least to the most: each may do what those before it may."""

    VIEWER = "viewer"
    """Reads what is stored and streamed."""
    ANALYST = "analyst"
    """Asks questions of its own, exports, schedules."""
    TRADER = "trader"
    """Tells the program to trade."""
    ADMIN = "admin"
    """Says who may ask."""

    def allows(self, needed: "Role | None") -> bool:
        """Say whether who has this role may call a route that needs `needed`."""
        roles = list(Role)
        return needed is None or roles.index(self) >= roles.index(needed)
