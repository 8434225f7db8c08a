"""What it was like in a time: the samples that the collector keeps."""

from typing import Annotated

from msgspec import Meta, Struct

from tidemill.core.clock import SystemClock
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.components import Condition
from tidemill.serve.filters import time_ns
from tidemill.serve.monitor import LatencyMs, Sample
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route

_NS_PER_HOUR = 3_600 * 10**9


class HistoryAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which time."""

    start: str | None = None
    """From when on: a date, a time, or ns since 1970; an hour before the end by default."""
    end: str | None = None
    """Before when; now by default."""
    points: Annotated[int, Meta(ge=2, le=10_000)] = 500
    """Where more samples are kept, every second, third and so on is told: no more than so many."""


class PastTold(Struct, frozen=True, kw_only=True):
    """How everything fared at one moment, and since the sample before."""

    time_ns: int
    status: Condition
    events_per_s: float | None
    to_bus: LatencyMs
    """From an event's frame to the bus."""
    to_store: LatencyMs
    """From an event's frame to where queries find it."""
    error_rate: float | None
    """0 to 1."""
    disconnections: int
    """In the ten minutes before."""


async def history(call: Call) -> Answer:
    """List what the program was like in a time, oldest first: events a second, latency, errors."""
    asked: HistoryAsked = call.asked
    end_ns = SystemClock().now_ns() if asked.end is None else time_ns("end", asked.end)
    start_ns = end_ns - _NS_PER_HOUR if asked.start is None else time_ns("start", asked.start)
    kept = call.parts[MetricsCollector].samples(start_ns)
    samples = [sample for sample in kept if sample.time_ns < end_ns]
    stride = -(-len(samples) // asked.points)
    newest_first = samples[::-1][:: max(stride, 1)]
    return Answer([_told(sample) for sample in reversed(newest_first)])


def _told(sample: Sample) -> PastTold:
    return PastTold(**{name: getattr(sample, name) for name in PastTold.__struct_fields__})


ROUTES = (
    Route(
        path="/metrics/history", answer=history, role=Role.VIEWER, asked=HistoryAsked, tells=list[PastTold]
    ),
)
