"""What was it like lately, and is that an alert: pure, from states that are handed in with their times."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from msgspec import Struct

from tidemill.core.clock import NS_PER_S
from tidemill.core.machine import MachineState
from tidemill.serve.components import Component, Condition, components_of, condition_of
from tidemill.serve.config import MonitoringSettings
from tidemill.serve.program import BOUNDS_S, ProgramState, Times

_MS_PER_S = 1_000
_UPTIME_WINDOW_S = 3_600
_DISCONNECTIONS_WINDOW_S = 600
_SPELLED = {
    "latency": ("at most", " ms"),
    "error_rate": ("at most", ""),
    "uptime": ("at least", " % of the last hour"),
    "disconnections": ("at most", " in ten minutes"),
}
_PART_SPELLED = ("not to work for at most", " s")


class LatencyMs(Struct, frozen=True):
    """How long events took since the sample before, ms; None where there were none."""

    average: float | None = None
    p95: float | None = None
    """At most this: the end of its histogram's bucket."""
    max: float | None = None
    """At most this, likewise."""


class Sample(Struct, frozen=True, kw_only=True):
    """How everything fared at one moment, and since the sample before."""

    time_ns: int
    uptime_s: float
    status: Condition
    components: dict[str, Component]
    events_total: int
    """Committed to the bus since the start."""
    events_per_s: float | None
    """Since the sample before; None at the first."""
    to_bus: LatencyMs
    """From an event's frame to the bus."""
    to_store: LatencyMs
    """From an event's frame to where queries find it."""
    error_rate: float | None
    """The share of what was asked or told that failed, 0 to 1; None where nothing was."""
    disconnections: int
    """In the last ten minutes."""
    uptime_percent: float
    """The share of the last hour in which it was not unhealthy."""
    machine: MachineState


class Alert(Struct, frozen=True, kw_only=True):
    """A limit is passed, or kept again."""

    name: str
    """latency, error_rate, uptime or disconnections; or the part that does not work, such as chain:NAME."""
    is_raised: bool
    """False: what was raised before is over."""
    value: float
    limit: float
    time_ns: int
    message: str


class _Counts(NamedTuple):
    """What only grows."""

    time_ns: int
    events: int
    to_bus: Times
    to_store: Times
    done: int
    failed: int
    reconnects: int


class Monitor:
    """Keeps samples, and says when a limit is passed and when it is kept again."""

    def __init__(self, settings: MonitoringSettings) -> None:
        self._limits = settings.alerts
        self._history_ns = round(settings.history_hours * 3_600 * NS_PER_S)
        self._samples: deque[Sample] = deque()
        self._counts: deque[_Counts] = deque()
        self.raised: dict[str, Alert] = {}
        """Those that are not over, by name."""
        self._unhealthy_ns: dict[str, int] = {}
        """Since when each part does not work."""

    def samples(self, since_ns: int) -> list[Sample]:
        """Return what is kept and not older than `since_ns`, oldest first."""
        return [sample for sample in tuple(self._samples) if sample.time_ns >= since_ns]

    @property
    def newest(self) -> Sample | None:
        """The last sample; None before the first."""
        return self._samples[-1] if self._samples else None

    def add(self, state: ProgramState, machine: MachineState) -> tuple[Sample, list[Alert]]:
        """Take the state of now; return what it was like since the last, and alerts that began or ended."""
        now = _counts(state)
        before = self._counts[-1] if self._counts else None
        self._counts.append(now)
        _trim(self._counts, now.time_ns - _DISCONNECTIONS_WINDOW_S * NS_PER_S)
        components = components_of(state)
        sample = Sample(
            time_ns=now.time_ns,
            uptime_s=state.uptime_s,
            status=condition_of(components),
            components=components,
            events_total=now.events,
            events_per_s=_per_s(now, before),
            to_bus=_latency(now.to_bus, before and before.to_bus),
            to_store=_latency(now.to_store, before and before.to_store),
            error_rate=_error_rate(now, before),
            disconnections=sum(max(b.reconnects - a.reconnects, 0) for a, b in pairwise(self._counts)),
            uptime_percent=self._uptime_percent(now.time_ns, condition_of(components)),
            machine=machine,
        )
        self._samples.append(sample)
        while self._samples[0].time_ns < now.time_ns - self._history_ns:
            self._samples.popleft()
        return sample, list(self._judge(sample))

    def _uptime_percent(self, now_ns: int, status: Condition) -> float:
        recent = [one.status for one in self.samples(now_ns - _UPTIME_WINDOW_S * NS_PER_S)]
        up = [one is not Condition.UNHEALTHY for one in (*recent, status)]
        return round(100 * sum(up) / len(up), 3)

    def _judge(self, sample: Sample) -> Iterator[Alert]:
        limits, errors = self._limits, sample.error_rate or 0.0
        slow_ms, lost, up_percent = self._slow_ms(sample), sample.disconnections, sample.uptime_percent
        yield from self._edge(
            sample, "latency", slow_ms > limits.latency_max_ms, slow_ms, limits.latency_max_ms
        )
        yield from self._edge(
            sample, "error_rate", errors > limits.error_rate_max, errors, limits.error_rate_max
        )
        is_down = up_percent < limits.uptime_percent_min
        yield from self._edge(sample, "uptime", is_down, up_percent, limits.uptime_percent_min)
        is_lossy = lost > limits.disconnections_max
        yield from self._edge(sample, "disconnections", is_lossy, lost, limits.disconnections_max)
        for name, part in sample.components.items():
            down_s = self._down_s(sample, name)
            limit_s = limits.unhealthy_max_s
            yield from self._edge(sample, name, down_s > limit_s, down_s, limit_s, part.detail)

    def _down_s(self, sample: Sample, name: str) -> float:
        """Return how long a part has not worked."""
        if sample.components[name].status is not Condition.UNHEALTHY:
            self._unhealthy_ns.pop(name, None)
            return 0.0
        since_ns = self._unhealthy_ns.setdefault(name, sample.time_ns)
        return (sample.time_ns - since_ns) / NS_PER_S

    def _slow_ms(self, sample: Sample) -> float:
        """Return the least mean latency of all the time for which it must be above its limit."""
        since_ns = sample.time_ns - round(self._limits.latency_for_s * NS_PER_S)
        if self._limits.latency_for_s and self._samples[0].time_ns > since_ns:
            return 0.0
        return min(_mean_ms(one) for one in self.samples(since_ns))

    def _edge(
        self, sample: Sample, name: str, is_passed: bool, value: float, limit: float, why: str = ""
    ) -> Iterator[Alert]:
        if is_passed == (name in self.raised):
            return
        bound, unit = _SPELLED.get(name, _PART_SPELLED)
        found = f"found {value:g}" if is_passed else f"it is {value:g} again"
        found += f": {why}" if is_passed and why else ""
        alert = Alert(
            name=name,
            is_raised=is_passed,
            value=value,
            limit=limit,
            time_ns=sample.time_ns,
            message=f"{name}: expected {bound} {limit:g}{unit}, {found}",
        )
        if is_passed:
            self.raised[name] = alert
        else:
            del self.raised[name]
        yield alert


def _trim(counts: deque[_Counts], oldest_ns: int) -> None:
    while len(counts) > 2 and counts[1].time_ns <= oldest_ns:
        counts.popleft()


def _counts(state: ProgramState) -> _Counts:
    endpoints = [endpoint for chain in state.chains for endpoint in chain.endpoints.values()]
    links = [link for endpoint in endpoints for link in endpoint.links.values()]
    failed = sum(sum(endpoint.vices.values()) for endpoint in endpoints) + state.store_faults
    return _Counts(
        time_ns=state.now_ns,
        events=sum(topic.events for topic in state.topics.values()),
        to_bus=state.to_bus,
        to_store=state.to_store,
        done=sum(endpoint.answers for endpoint in endpoints)
        + sum(link.frames for link in links)
        + sum(venue.messages for venue in state.venues)
        + sum(topic.inserts for topic in state.topics.values()),
        failed=failed
        + sum(venue.faults for venue in state.venues)
        + sum(sink.retries for sink in state.sinks),
        reconnects=sum(max(link.connects - 1, 0) for link in links)
        + sum(venue.reconnects for venue in state.venues),
    )


def _per_s(now: _Counts, before: _Counts | None) -> float | None:
    if before is None or now.time_ns <= before.time_ns:
        return None
    return round((now.events - before.events) * NS_PER_S / (now.time_ns - before.time_ns), 3)


def _error_rate(now: _Counts, before: _Counts | None) -> float | None:
    if before is None:
        return None
    failed = max(now.failed - before.failed, 0)
    tried = now.done - before.done + failed
    return round(failed / tried, 6) if tried > 0 else None


def _latency(now: Times, before: Times | None) -> LatencyMs:
    count = now.count - (before.count if before else 0)
    if count <= 0:
        return LatencyMs()
    sum_s = now.sum_s - (before.sum_s if before else 0)
    below = (
        [all_ - then for all_, then in zip(now.counts, before.counts, strict=True)] if before else now.counts
    )
    return LatencyMs(
        average=round(sum_s / count * _MS_PER_S, 3),
        p95=_bound_ms(below, 0.95 * count, now.max_s),
        max=_bound_ms(below, count, now.max_s),
    )


def _bound_ms(below: Sequence[int], wanted: float, max_s: float) -> float:
    """Return the first bound that so many are below; where none is, or it is beyond the longest, that."""
    bound_s = next((bound for bound, count in zip(BOUNDS_S, below, strict=True) if count >= wanted), max_s)
    return round(min(bound_s, max_s) * _MS_PER_S, 3)


def _mean_ms(sample: Sample) -> float:
    slowest = sample.to_bus.average if sample.to_store.average is None else sample.to_store.average
    return slowest or 0.0
