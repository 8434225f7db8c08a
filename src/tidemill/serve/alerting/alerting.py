"""Tell every route of alerts: a queue and a task each, so that one that is away delays no other."""

import asyncio
import logging
import socket
from collections import deque
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.redact import Redactor
from tidemill.schema.faults import Fault, Refused, Unreachable
from tidemill.serve.alerting.config import AlertsSettings
from tidemill.serve.alerting.desk import AlertDesk
from tidemill.serve.alerting.email import Email
from tidemill.serve.alerting.notice import Notice
from tidemill.serve.alerting.route import AlertRoute
from tidemill.serve.alerting.slack import Slack
from tidemill.serve.alerting.telegram import Telegram
from tidemill.serve.alerting.webhook import Webhook
from tidemill.serve.monitor import Alert
from tidemill.serve.program import AlertRouteState

_log = logging.getLogger("tidemill.alerts")

_DUE_S = 1.0
"""How often it is looked whether an alert that lasts is to be told again."""
_RETRY_FIRST_MS, _RETRY_MAX_MS = 1_000, 300_000


class RouteStatus(Struct):
    """How one route fares."""

    sent: int = 0
    retries: int = 0
    refused: int = 0
    """Not taken, and not tried again."""
    dropped: int = 0
    """The oldest of too many that waited."""
    waiting: int = 0
    last_fault: str = ""


class Alerting:
    """Everybody who is told, by `KIND.NAME`; `take` is a callback of the collector, `run` a task."""

    def __init__(self, settings: AlertsSettings, clock: Clock, redactor: Redactor) -> None:
        """Raise Refused, where a route's settings do not fit together."""
        self._settings = settings
        self._clock = clock
        self._redactor = redactor
        self.instance = settings.instance or socket.gethostname()
        self._desk = AlertDesk(settings, self.instance)
        self.routes = routes_of(settings)
        self.statuses = {name: RouteStatus() for name in self.routes}
        self._waiting: dict[str, deque[Notice]] = {name: deque() for name in self.routes}
        self._woken = {name: asyncio.Event() for name in self.routes}

    def take(self, told: dict[str, Any]) -> None:
        """Take an alert, as the collector tells it."""
        alert = msgspec.convert(told, Alert)
        self._put(self._desk.take(msgspec.structs.replace(alert, message=self._redactor(alert.message))))

    def status(self) -> dict[str, Any]:
        """Return how every route fares, as JSON has it."""
        return msgspec.to_builtins(self.statuses)

    @property
    def suppressed(self) -> int:
        """Return how many alerts were raised while they cooled down."""
        return self._desk.suppressed

    def states(self) -> tuple[AlertRouteState, ...]:
        """Return how every route fares, as the metrics have it."""
        return tuple(
            AlertRouteState(
                name=name,
                sent=one.sent,
                retries=one.retries,
                failed=one.refused + one.dropped,
                waiting=one.waiting,
            )
            for name, one in self.statuses.items()
        )

    async def run(self) -> None:
        """Tell what comes until cancelled; what waits then is lost."""
        async with asyncio.TaskGroup() as tasks:
            for name in self.routes:
                tasks.create_task(self._send(name), name=f"alerts to {name}")
            while True:
                await asyncio.sleep(_DUE_S)
                self._put(self._desk.due(self._clock.now_ns()))

    def _put(self, notices: list[Notice]) -> None:
        for notice in notices:
            for name, waiting in self._waiting.items():
                waiting.append(notice)
                if len(waiting) > self._settings.waiting_max:
                    waiting.popleft()
                    self.statuses[name].dropped += 1
                self.statuses[name].waiting = len(waiting)
                self._woken[name].set()

    async def _send(self, name: str) -> None:
        waiting, woken, status = self._waiting[name], self._woken[name], self.statuses[name]
        backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
        while True:
            await woken.wait()
            woken.clear()
            while waiting:
                notice = waiting[0]
                try:
                    await self.routes[name].send(notice, self._clock.now_ns())
                    status.sent += 1
                    backoff = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS)
                except Unreachable as fault:
                    status.retries += 1
                    self._note(name, fault)
                    await asyncio.sleep(backoff.wait_s(0))
                    continue  # the newest of them, where this one had to make room
                except Refused as fault:
                    status.refused += 1
                    self._note(name, fault)
                if waiting and waiting[0] is notice:
                    waiting.popleft()
                status.waiting = len(waiting)

    def _note(self, name: str, fault: Fault) -> None:
        if self.statuses[name].last_fault != str(fault):
            _log.error("%s; %s", fault, "it is tried again" if isinstance(fault, Unreachable) else "left out")
        self.statuses[name].last_fault = str(fault)


def routes_of(settings: AlertsSettings) -> dict[str, AlertRoute]:
    """Return every route by `KIND.NAME`. Raises: Refused, where a route's settings do not fit together."""
    kinds: dict[str, tuple[Any, dict[str, Any]]] = {
        "webhooks": (Webhook, settings.webhooks),
        "slack": (Slack, settings.slack),
        "telegram": (Telegram, settings.telegram),
        "email": (Email, settings.email),
    }
    return {
        f"{kind}.{name}": route(one, f"alerts.{kind}.{name}")
        for kind, (route, entries) in kinds.items()
        for name, one in entries.items()
    }
