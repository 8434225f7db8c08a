"""How is Redis spoken to, and what is kept there; apart from it, so that settings need not its library."""

from typing import Annotated

from msgspec import Meta

from tidemill.store.tail import TailSettings

_Positive = Annotated[int, Meta(ge=1)]


class RedisSettings(TailSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [redis]: the latest book and trades of each instrument, metrics and health."""

    url: str | None = None
    """`redis://[:PASSWORD@]HOST:PORT/DATABASE`, `rediss://` with TLS, or `unix://PATH`; absent: none."""
    prefix: Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,64}$")] = "tidemill"
    """What every key and channel begins with."""
    max_connections: Annotated[int, Meta(ge=1, le=1_000)] = 10
    """Further work waits for one to be free; six are in use at most as a rule."""
    timeout_ms: Annotated[int, Meta(ge=100, le=60_000)] = 5_000
    """How long a connection, or an answer, may take."""
    depth_levels: Annotated[int, Meta(ge=1, le=1_000)] = 20
    """Levels of each side that a book's key holds, best first."""
    trades_kept: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Trades of each instrument that are kept."""
    expire_s: _Positive = 3_600
    """A key that was not written for so long goes: markets end, and their instruments with them."""
    is_published: bool = True
    """Whether what is written is also published, on the channel of the same name."""
