"""Tell a dead man's switch that all is well; it complains where nothing comes any more."""

import asyncio
import logging
from collections.abc import Callable

from tidemill.schema.faults import Fault
from tidemill.serve.alerting.config import HeartbeatSettings
from tidemill.serve.alerting.route import ask
from tidemill.serve.components import Condition
from tidemill.serve.monitor import Sample

_log = logging.getLogger("tidemill.alerts")


class Heartbeat:
    """Asks the switch's URL at intervals, while each interval had a sample that was not unhealthy."""

    def __init__(self, settings: HeartbeatSettings, newest: Callable[[], Sample | None]) -> None:
        self._settings = settings
        self._newest = newest
        self._last_ns: int | None = None
        self.sent = 0
        self.last_fault = ""

    async def run(self) -> None:
        """Do so until cancelled; where no URL is set, nothing."""
        url = self._settings.ping_url
        while url is not None:
            sample = self._newest()
            if sample is not None and sample.time_ns != self._last_ns:
                self._last_ns = sample.time_ns  # the same one again would say that all is well when it hangs
                if sample.status is not Condition.UNHEALTHY:
                    await self._ping(url)
            await asyncio.sleep(self._settings.interval_s)

    async def _ping(self, url: str) -> None:
        try:
            await ask("GET", url, "alerts.heartbeat")
        except Fault as fault:
            if self.last_fault != str(fault):
                _log.error("%s", fault)
            self.last_fault = str(fault)
        else:
            self.sent += 1
            self.last_fault = ""
