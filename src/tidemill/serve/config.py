"""Where do data API and metrics listen, and when is an alert raised: [api], [metrics], [monitoring]."""

from typing import Annotated

from msgspec import Meta, Struct

from tidemill.serve.auth.config import AuditSettings, AuthSettings, LimitSettings, TlsSettings

Port = Annotated[int, Meta(ge=0, le=65_535)]


CACHE_TTL_S = 300.0
"""How long an answer that sums up is kept."""
CACHE_MAX_BYTES = 64 << 20


class ApiSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [api]."""

    host: str = "127.0.0.1"
    """Where the data API listens. An address that other machines reach needs `api.auth`."""
    port: Port = 8080
    """0 takes any that is free; `tidemill status` says which."""
    connections_max: Annotated[int, Meta(ge=1, le=10_000)] = 1_024
    """A request beyond so many connections is answered with 503; a client of a stream holds one."""
    workers: Annotated[int, Meta(ge=1, le=64)] = 1
    """Processes of `tidemill serve` that share the port, each with metrics of its own at `metrics.port` and
    those after it. More than one needs a store that is a server, and Redis where callers are asked who they
    are: it holds what they count and give together."""
    cache_ttl_s: Annotated[float, Meta(ge=0, le=86_400)] = CACHE_TTL_S
    """How long the answer of a route that sums up is kept, in Redis where `redis.url` is set; a client that
    sends `Cache-Control: no-cache` is answered anew."""
    cache_max_bytes: Annotated[int, Meta(ge=1 << 16)] = CACHE_MAX_BYTES
    """Of these answers in this process, and as much again of those about the newest events."""
    auth: AuthSettings = AuthSettings()
    limits: LimitSettings = LimitSettings()
    tls: TlsSettings = TlsSettings()
    audit: AuditSettings = AuditSettings()


class MetricsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [metrics]."""

    host: str = "127.0.0.1"
    """Where `/metrics` listens. At an address that other machines reach, callers are asked who they are as
    the data API asks them."""
    port: Port = 9090
    """Prometheus itself has the same; 0 takes any that is free, and `tidemill status` says which."""
    open_to_all: bool = False
    """Whether who reaches it may read it unasked: it holds counts, names of chains and wallets, and endpoints
    without what opens them."""


class AlertSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When an alert is raised."""

    latency_max_ms: Annotated[float, Meta(gt=0)] = 350.0
    """The mean from frame to stored, or to the bus where nothing is stored."""
    latency_for_s: Annotated[float, Meta(ge=0, le=86_400)] = 0.0
    """How long it must be above that."""
    error_rate_max: Annotated[float, Meta(ge=0, le=1)] = 0.05
    """The share of what was asked or told that failed, 0 to 1."""
    uptime_percent_min: Annotated[float, Meta(ge=0, le=100)] = 95.0
    """The share of the last hour in which it was not unhealthy."""
    disconnections_max: Annotated[int, Meta(ge=0)] = 3
    """So many in ten minutes are no alert yet."""
    unhealthy_max_s: Annotated[float, Meta(ge=0, le=86_400)] = 60.0
    """How long a chain, a venue or a store may not work."""


class ReadySettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [monitoring.ready]: up to where it counts as caught up."""

    behind_blocks_max: Annotated[int, Meta(ge=0)] = 5
    """Of each chain's tip behind the newest head that an endpoint told; the alert's own limit."""
    waiting_batches_max: Annotated[int, Meta(ge=0)] = 100
    """Batches on the bus that cannot be queried yet, of all topics; the alert's own limit."""


class MonitoringSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [monitoring]: how often it is looked how everything fares."""

    collection_interval_s: Annotated[float, Meta(ge=0.05, le=3_600)] = 10.0
    """How often throughput, latency and the rest are taken; Redis forgets them after 60 s."""
    health_check_interval_s: Annotated[float, Meta(ge=0.05, le=3_600)] = 30.0
    """How often Redis is told how everything fares; it forgets that after 120 s."""
    history_hours: Annotated[float, Meta(gt=0, le=168)] = 24.0
    """What is older is forgotten; all younger samples are in memory."""
    alerts: AlertSettings = AlertSettings()
    ready: ReadySettings = ReadySettings()
