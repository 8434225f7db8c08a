"""What does a venue of one file have to be told: what is read, where it is, how long silence may last."""

from typing import Annotated

from msgspec import Meta, Struct

_Positive = Annotated[int, Meta(ge=1, le=1 << 32)]


class FeedConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [feeds.NAME], where NAME is the venue's, such as kraken."""

    instruments: Annotated[tuple[str, ...], Meta(min_length=1)]
    """What is read, as the venue names it: XBT/USD."""
    ws_url: str | None = None
    """Absent: the venue's own."""
    silence_ms: _Positive = 30_000
    """A connection that says nothing for so long, not even that it is there, is lost."""
    reconnect_first_ms: _Positive = 250
    reconnect_max_ms: _Positive = 4_000
    """Data must flow again 5 s after the venue is back."""
