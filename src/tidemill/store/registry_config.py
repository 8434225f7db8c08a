"""How is the registry spoken to; apart from it, so that settings are read without a database's libraries."""

from typing import Annotated

from msgspec import Meta, Struct


class RegistrySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the registry is spoken to, whichever database it is."""

    timeout_ms: Annotated[int, Meta(ge=100, le=600_000)] = 5_000
    """How long a connection, a lock or a statement may take."""
    poll_ms: Annotated[int, Meta(ge=10, le=500)] = 250
    """How often SQLite is asked whether another process changed it, which is cheap; PostgreSQL tells."""
