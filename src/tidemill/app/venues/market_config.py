"""Read a mapping as other order-book pipelines have it, as in their YAML, into settings of our own."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct, structs

from tidemill.app.settings import Environment, Settings
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Refused

S = TypeVar("S", bound=Struct)
_Seconds = Annotated[float, Meta(gt=0, le=3_600)]
_Count = Annotated[int, Meta(ge=1, le=1_000_000)]
_MS_PER_S = 1_000
_RECONNECT_MAX_MS = 3_000
_VENUES = ("venues.sei", "venues.polymarket")


class _DataIngestion(Struct, forbid_unknown_fields=True):
    websocket_reconnect_delay: _Seconds | None = None
    max_reconnect_attempts: _Count | None = None
    heartbeat_interval: _Seconds | None = None
    message_buffer_size: _Count | None = None
    data_validation_enabled: bool = True


class _AlertThresholds(Struct, forbid_unknown_fields=True):
    max_latency_ms: float | None = None
    error_rate_threshold: float | None = None
    min_uptime_percent: float | None = None


class _Monitoring(Struct, forbid_unknown_fields=True):
    metrics_collection_interval_seconds: float | None = None
    health_check_interval_seconds: float | None = None
    alert_thresholds: _AlertThresholds = msgspec.field(default_factory=_AlertThresholds)


class _Trading(Struct):
    """What else is under it belongs to who trades."""

    symbols: list[str] | None = None


class _Redis(Struct, forbid_unknown_fields=True):
    url: str | None = None
    max_connections: int | None = None


class _Influxdb(Struct, forbid_unknown_fields=True):
    url: str | None = None
    token: str | None = None
    org: str | None = None
    bucket: str | None = None
    batch_size: int | None = None
    flush_interval: int | None = None


class _Websocket(Struct, forbid_unknown_fields=True):
    ping_interval: Literal[10] = 10
    compression: None = None


class MarketConfig(NamedTuple):
    """What such a mapping means."""

    settings: Settings
    queue_events_max: int | None
    """How many events wait for a callback; None where it does not say."""


def market_config_of(config: Mapping[str, Any], base: Environment) -> MarketConfig:
    """Return what `data_ingestion`, `monitoring`, `trading`, `redis`, `influxdb` and `websocket` say.

    All else is as `base` has it, and so is what the environment says. Other sections are passed over.
    `max_reconnect_attempts` changes nothing: a venue that is away is asked for as long as it takes.

    Raises: Refused, naming the key, its value and what was expected.
    """
    ingestion = _section(config, "data_ingestion", _DataIngestion)
    monitoring = _section(config, "monitoring", _Monitoring)
    influxdb = _section(config, "influxdb", _Influxdb)
    _section(config, "websocket", _Websocket)
    if not ingestion.data_validation_enabled:
        raise Refused("config: data_ingestion.data_validation_enabled: expected true, found false")
    limits = monitoring.alert_thresholds
    said: dict[str, dict[str, Any]] = {
        "monitoring": {
            "collection_interval_s": monitoring.metrics_collection_interval_seconds,
            "health_check_interval_s": monitoring.health_check_interval_seconds,
        },
        "monitoring.alerts": {
            "latency_max_ms": limits.max_latency_ms,
            "error_rate_max": limits.error_rate_threshold,
            "uptime_percent_min": limits.min_uptime_percent,
        },
        "trading": structs.asdict(_section(config, "trading", _Trading)),
        "redis": structs.asdict(_section(config, "redis", _Redis)),
        "influxdb": {
            **{name: getattr(influxdb, name) for name in ("url", "token", "org", "bucket", "batch_size")},
            "flush_interval_ms": influxdb.flush_interval,
        },
        **dict.fromkeys(_VENUES, _connecting(ingestion)),
    }
    settings = base.settings
    for section, values in said.items():
        settings = _with(
            settings, section, {name: one for name, one in values.items() if one is not None}, base
        )
    return MarketConfig(settings, ingestion.message_buffer_size)


def _with(settings: Settings, section: str, values: dict[str, Any], base: Environment) -> Settings:
    """Return `settings` with values that the environment does not set."""
    origins = base.loaded.origins
    wanted = {
        name: one
        for name, one in values.items()
        if not origins.get(f"{section}.{name}", "").startswith("environment ")
    }
    return _changed(settings, section.split("."), wanted, section) if wanted else settings


def _changed(at: S, path: list[str], values: dict[str, Any], section: str) -> S:
    if path:
        inner = _changed(getattr(at, path[0]), path[1:], values, section)
        return structs.replace(at, **{path[0]: inner})
    spelled = {one.name: one.type for one in structs.fields(at)}
    checked: dict[str, Any] = {}
    for name, value in values.items():
        try:
            checked[name] = msgspec.convert(value, spelled[name])
        except msgspec.ValidationError as fault:
            said = f"{str(fault)[0].lower()}{str(fault)[1:]}"
            raise Refused(f"config: {section}.{name} = {Redactor()(repr(value))[:80]}: {said}") from None
    return structs.replace(at, **checked)


def _section(config: Mapping[str, Any], name: str, kind: type[S]) -> S:
    found = config.get(name)
    try:
        return msgspec.convert({} if found is None else found, kind)
    except msgspec.ValidationError as fault:
        message, _, path = str(fault).partition(" - at ")
        key = path.strip("`").removeprefix("$")
        raise Refused(f"config: {name}{key}: {message[0].lower()}{message[1:]}") from None


def _connecting(ingestion: _DataIngestion) -> dict[str, int | None]:
    first_ms = _ms(ingestion.websocket_reconnect_delay)
    longest_ms = None if first_ms is None else max(first_ms, _RECONNECT_MAX_MS)
    silence_ms = _ms(ingestion.heartbeat_interval)
    return {"reconnect_first_ms": first_ms, "reconnect_max_ms": longest_ms, "silence_ms": silence_ms}


def _ms(seconds: float | None) -> int | None:
    return None if seconds is None else max(round(seconds * _MS_PER_S), 1)
