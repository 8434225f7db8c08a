"""The public MetricsCollector: take how everything fares at intervals, keep it, and call back on alerts."""

import asyncio
import inspect
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
from typing_extensions import override

from tidemill.core.clock import NS_PER_S, Clock, SystemClock
from tidemill.core.machine import Machine
from tidemill.core.started import Started
from tidemill.schema.faults import Fault, Refused
from tidemill.serve.config import MonitoringSettings
from tidemill.serve.monitor import Alert, Monitor, Sample
from tidemill.serve.program import BOUNDS_S, Program, ProgramState, Times, WhaleState
from tidemill.store.latest import LatestStore
from tidemill.store.line_protocol import LineStore

_log = logging.getLogger("tidemill.metrics")

AlertCallback = Callable[[dict[str, Any]], object]
"""Takes an alert; what it returns is awaited where that can be awaited."""


class MetricsCollector(Started):
    """Watches a program; use it as an async context manager, or call `initialize`, `start` and `stop`.

    Without a `program` it watches the machine and this process alone. `latest` and `lines` are stores that
    are told of every sample.
    """

    def __init__(
        self,
        program: Program | None = None,
        settings: MonitoringSettings | None = None,
        *,
        latest: LatestStore | None = None,
        lines: LineStore | None = None,
        folder: Path | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Make one; `folder` says which disk is looked at, the working one by default."""
        self.callback_errors = 0
        """Of alert callbacks; what they raise stops nothing."""
        self.store_faults: dict[str, str] = {}
        """What the stores last said against a sample, by name."""
        self._settings = settings or MonitoringSettings()
        self._program = program
        self._latest = latest
        self._lines = lines
        self._machine = Machine(folder or Path())
        self._clock = clock or SystemClock()
        self._monitor = Monitor(self._settings)
        self._callbacks: list[AlertCallback] = []
        self._running: asyncio.Task[None] | None = None
        self._health_ns = 0
        """When the health was last told."""
        self._began_ns = self._clock.now_ns()

    async def initialize(self) -> None:
        """Take a first sample, from which the next tells the difference."""
        await self.collect()

    @override
    async def start(self) -> None:
        """Begin to take samples at intervals; where it does already, nothing happens."""
        if self._running is None:
            self._running = asyncio.create_task(self.run(), name="metrics collector")

    @override
    async def stop(self) -> None:
        """End it. Raises: what ended it before, where that was a bug."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
            if not running.cancelled():
                running.result()

    async def run(self) -> None:
        """Take samples until cancelled."""
        while True:
            if self._monitor.newest is None:
                await self.initialize()
            await asyncio.sleep(self._settings.collection_interval_s)
            await self.collect()

    async def collect(self) -> dict[str, Any]:
        """Take a sample now, tell the stores and the callbacks, and return it."""
        state = await self._state()
        sample, alerts = self._monitor.add(state, self._machine.read())
        await self._tell_stores(sample)
        for alert in alerts:
            await self._raise(alert)
        return msgspec.to_builtins(sample)

    def get_current_metrics(self) -> dict[str, Any]:
        """Return the newest sample, as `Sample` has it; empty before the first."""
        newest = self._monitor.newest
        return {} if newest is None else msgspec.to_builtins(newest)

    def get_metrics_history(self, hours: float = 1.0) -> list[dict[str, Any]]:
        """Return the samples of the last `hours`, oldest first."""
        since_ns = self._clock.now_ns() - round(hours * 3_600 * NS_PER_S)
        return [msgspec.to_builtins(sample) for sample in self._monitor.samples(since_ns)]

    def register_alert_callback(self, callback: AlertCallback) -> None:
        """Call `callback` with every alert from now on, as `Alert` has it, and again when it is over.

        Raises: Refused, where it is no function.
        """
        if not callable(callback):
            raise Refused(f"alert callback: expected a function, found {type(callback).__name__}")
        self._callbacks.append(callback)

    @property
    def newest(self) -> Sample | None:
        """The newest sample; None before the first."""
        return self._monitor.newest

    def samples(self, since_ns: int) -> list[Sample]:
        """Return what is kept and not older than `since_ns`, oldest first; any thread may ask."""
        return self._monitor.samples(since_ns)

    @property
    def raised(self) -> list[Alert]:
        """The alerts that are not over, in the order of their beginning; any thread may ask."""
        return list(self._monitor.raised.values())

    async def _state(self) -> ProgramState:
        if self._program is not None:
            return await self._program.state()
        now_ns = self._clock.now_ns()
        none = Times(counts=(0,) * len(BOUNDS_S), count=0, sum_s=0.0)
        return ProgramState(
            version=None,
            now_ns=now_ns,
            uptime_s=(now_ns - self._began_ns) / NS_PER_S,
            is_bus_up=True,
            is_store_up=True,
            store_faults=0,
            to_bus=none,
            to_store=none,
            topics={},
            chains=(),
            whales=WhaleState(watched=None, trades={}, last_trades_ns={}, latency=none),
            has_store=False,
        )

    async def _raise(self, alert: Alert) -> None:
        (_log.warning if alert.is_raised else _log.info)("%s", alert.message)
        told = msgspec.to_builtins(alert)
        for callback in tuple(self._callbacks):
            try:
                result = callback(told)
                if inspect.isawaitable(result):
                    await result
            except Exception as error:  # it is the user's code: what it raises must not end the watch
                self.callback_errors += 1
                _log.error("alert callback: %s: %s", type(error).__name__, error)

    async def _tell_stores(self, sample: Sample) -> None:
        is_health_due = sample.time_ns - self._health_ns >= self._settings.health_check_interval_s * NS_PER_S
        plain = msgspec.to_builtins(sample)
        if self._latest is not None and await self._told("redis", self._latest.put_metrics(plain)):
            if is_health_due:
                self._health_ns = sample.time_ns
                health = {name: plain[name] for name in ("time_ns", "status", "components", "uptime_s")}
                await self._told("redis", self._latest.put_health(health))
        if self._lines is not None:
            await self._told("influxdb", self._lines.put_metrics({}, _fields(sample), sample.time_ns))

    async def _told(self, name: str, putting: Any) -> bool:
        try:
            await putting
        except Fault as fault:
            if self.store_faults.get(name) != str(fault):
                _log.warning("metrics: %s", fault)
            self.store_faults[name] = str(fault)
            if isinstance(fault, Refused):
                self._drop(name)
            return False
        self.store_faults.pop(name, None)
        return True

    def _drop(self, name: str) -> None:
        """Tell a store no more: it would say the same."""
        if name == "redis":
            self._latest = None
        else:
            self._lines = None


def _fields(sample: Sample) -> dict[str, float | int | str | None]:
    """Return a sample's numbers, by names without a dot."""
    fields: dict[str, float | int | str | None] = {
        name: getattr(sample, name)
        for name in (
            "uptime_s",
            "events_total",
            "events_per_s",
            "error_rate",
            "uptime_percent",
            "disconnections",
        )
    }
    for name, latency in (("to_bus", sample.to_bus), ("to_store", sample.to_store)):
        fields |= {f"{name}_{part}_ms": getattr(latency, part) for part in ("average", "p95", "max")}
    return fields | msgspec.structs.asdict(sample.machine) | {"status": sample.status.value}
