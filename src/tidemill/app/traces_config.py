"""Where do traces go, and of how much: [traces]."""

from typing import Annotated

from msgspec import Meta, Struct


class TracesSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [traces]: OpenTelemetry; needs `pip install tidemill[traces]`."""

    endpoint: Annotated[str, Meta(pattern="^https?://")] | None = None
    """A collector that takes OTLP over HTTP, such as `http://127.0.0.1:4318`; absent: nothing is traced and
    the libraries are not needed. What it asks of callers is in OTEL_EXPORTER_OTLP_HEADERS."""
    sample: Annotated[float, Meta(ge=0, le=1)] = 0.01
    """The share of commits, most of which are a block, and of requests to the data API that is traced."""
