"""Where do the data API and the metrics listen: settings under [api] and [metrics]."""

from typing import Annotated

from msgspec import Meta, Struct

Port = Annotated[int, Meta(ge=0, le=65_535)]


class ApiSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [api]."""

    host: str = "127.0.0.1"
    """Where the data API listens: an address of this machine alone, for it asks nobody who they are."""
    port: Port = 8080
    """0 takes any that is free; `tidemill status` says which."""
    connections_max: Annotated[int, Meta(ge=1, le=10_000)] = 64
    """A request beyond so many connections is answered with 503: the store answers two queries at once."""


class MetricsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [metrics]."""

    host: str = "127.0.0.1"
    """Where `/metrics` listens. An address that other machines reach lets them read it: it holds counts, and
    endpoints without what opens them."""
    port: Port = 9090
    """Prometheus itself has the same; 0 takes any that is free, and `tidemill status` says which."""
