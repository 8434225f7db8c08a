"""Who is told of alerts, and how often: [alerts]."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

_Seconds = Annotated[float, Meta(ge=0, le=604_800)]
_Url = Annotated[str, Meta(pattern="^https?://")]


class WebhookSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [alerts.webhooks.NAME]: a POST of JSON, signed as Standard Webhooks has it."""

    url: _Url
    secret: Annotated[str, Meta(min_length=24)]
    """Signs body, id and time (HMAC-SHA256): `whsec_` and base64, as the standard has it, or any text."""


class SlackSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [alerts.slack.NAME]."""

    webhook_url: _Url
    """Of an incoming webhook; whoever has it may write there, so it is never shown."""


class TelegramSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [alerts.telegram.NAME]."""

    token: str
    """Of the bot."""
    chat_id: str
    """The chat that it writes to."""
    api_url: _Url = "https://api.telegram.org"
    """Another, where you run a Bot API server of your own."""


class EmailSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [alerts.email.NAME]."""

    host: str
    """The mail server."""
    sender: str
    recipients: Annotated[tuple[str, ...], Meta(min_length=1)]
    port: Annotated[int, Meta(ge=1, le=65_535)] = 587
    """That of submission."""
    encryption: Literal["starttls", "tls", "none"] = "starttls"
    """`tls` from the first byte (port 465); `none` is refused where a password would be sent."""
    username: str | None = None
    password: str | None = None


class HeartbeatSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [alerts.heartbeat]: a dead man's switch, which complains when nothing comes any more."""

    ping_url: _Url | None = None
    """Asked by GET while anything is read and kept; absent: nowhere."""
    interval_s: Annotated[float, Meta(ge=0.05, le=86_400)] = 60.0
    """At least `monitoring.collection_interval_s`, as each sample may send one."""


class AlertsSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [alerts]: who is told when a limit of [monitoring.alerts] is passed, and kept again."""

    instance: str | None = None
    """Which one this is, in every message; absent: the machine's name."""
    cool_down_s: _Seconds = 300.0
    """An alert that comes again so soon after it was told waits; one that is over by then is not told."""
    repeat_s: _Seconds = 14_400.0
    """How often what is not over is told again; 0: never."""
    waiting_max: Annotated[int, Meta(ge=1, le=10_000)] = 100
    """Messages that wait for one route; the oldest makes room."""
    webhooks: dict[str, WebhookSettings] = {}
    slack: dict[str, SlackSettings] = {}
    telegram: dict[str, TelegramSettings] = {}
    email: dict[str, EmailSettings] = {}
    heartbeat: HeartbeatSettings = HeartbeatSettings()
