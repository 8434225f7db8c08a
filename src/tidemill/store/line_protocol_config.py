"""Where is line protocol written to, and how much at once; apart from it, so that settings need not it."""

from typing import Annotated, Literal

from msgspec import Meta

from tidemill.store.tail import TailSettings


class InfluxSettings(TailSettings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [influxdb]: a server that takes InfluxDB's line protocol."""

    url: str | None = None
    """Such as `http://localhost:8086`; absent: nothing is written. VictoriaMetrics takes it too."""
    token: str | None = None
    """What opens it; for `api = "v1"` this is `USER:PASSWORD`. It belongs in INFLUXDB_TOKEN."""
    org: str = ""
    bucket: str = "metrics"
    """The database, for `api = "v1"`."""
    api: Literal["v2", "v1"] = "v2"
    """`v1` for InfluxDB before 1.8, which has no `/api/v2/write`."""
    topics: tuple[str, ...] = ("trade", "book_top", "reference_price")
    """Which events are written; each topic is a measurement."""
    batch_size: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    """Points of one request."""
    flush_interval_ms: Annotated[int, Meta(ge=1, le=60_000)] = 500
    """How long the first point of a request waits for others."""
    is_compressed: bool = True
    """Whether requests are sent with gzip: a fifth of the bytes."""
    timeout_ms: Annotated[int, Meta(ge=100, le=600_000)] = 10_000
    """How long a request may take."""
