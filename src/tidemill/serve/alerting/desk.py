"""Which alerts are told now: each once, not again too soon, and again while it lasts; pure."""

from collections.abc import Iterator

from msgspec import Struct

from tidemill.core.clock import NS_PER_S
from tidemill.serve.alerting.config import AlertsSettings
from tidemill.serve.alerting.notice import Notice, State
from tidemill.serve.monitor import Alert


class _Told(Struct):
    """What was said of one alert."""

    newest: Alert
    is_told: bool = False
    """Whether the last word on it was that it is raised."""
    told_ns: int | None = None
    """When it was last told to be raised, for the first time or again."""
    times: int = 0
    """How often it was raised since."""


class AlertDesk:
    """Takes alerts in the order of their times, and says what is to be told of them."""

    def __init__(self, settings: AlertsSettings, instance: str) -> None:
        self._cool_down_ns = round(settings.cool_down_s * NS_PER_S)
        self._repeat_ns = round(settings.repeat_s * NS_PER_S)
        self._instance = instance
        self._told: dict[str, _Told] = {}
        self.suppressed = 0
        """How many were raised while they cooled down."""

    def take(self, alert: Alert) -> list[Notice]:
        """Take an alert that began or ended; return what is to be told of it now."""
        told = self._told.setdefault(alert.name, _Told(alert))
        told.newest = alert
        if alert.is_raised:
            told.times += 1
            due = list(self._due(told, alert.time_ns))
            self.suppressed += not due
            return due
        if not told.is_told:
            return []  # nobody was told that it began
        told.is_told, told.times = False, 0
        return [self._notice(told, "ended", alert.time_ns)]

    def due(self, now_ns: int) -> list[Notice]:
        """Return what is to be told of alerts that last."""
        return [notice for told in self._told.values() for notice in self._due(told, now_ns)]

    def _due(self, told: _Told, now_ns: int) -> Iterator[Notice]:
        if not told.newest.is_raised:
            return
        since_ns = None if told.told_ns is None else now_ns - told.told_ns
        if not told.is_told and (since_ns is None or since_ns >= self._cool_down_ns):
            notice = self._notice(told, "raised", now_ns)
        elif told.is_told and self._repeat_ns and since_ns is not None and since_ns >= self._repeat_ns:
            notice = self._notice(told, "reminder", now_ns)
        else:
            return
        told.is_told, told.told_ns, told.times = True, now_ns, 0
        yield notice

    def _notice(self, told: _Told, state: State, now_ns: int) -> Notice:
        return Notice(
            id=f"{self._instance}-{told.newest.name}-{state}-{now_ns}",
            instance=self._instance,
            state=state,
            alert=told.newest,
            times=told.times,
        )
