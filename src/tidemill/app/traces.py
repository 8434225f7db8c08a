"""Trace a share of the events from frame to store, and of the requests answered, by OpenTelemetry."""

import logging
import random
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pyarrow as pa
from msgspec import Struct
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Span, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import NonRecordingSpan, SpanContext, SpanKind, TraceFlags
from typing_extensions import override

from tidemill.app.traces_config import TracesSettings
from tidemill.bus.base import Batches
from tidemill.core.trace_id import TRACE_ID
from tidemill.serve.requested import Request

_log = logging.getLogger("tidemill.traces")

_PATH = "/v1/traces"
_OPEN_MAX = 1_000
"""Traces whose events are not stored yet; the oldest ends as it is."""
_TIMEOUT_S = 5
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class TraceIds(RandomIdGenerator):
    """Names the trace of what a request causes as the request is named."""

    @override
    def generate_trace_id(self) -> int:
        told = TRACE_ID.get()
        return super().generate_trace_id() if told is None else int(told, 16)


class _Open(Struct):
    """One trace that goes on."""

    root: Span
    waiting: dict[str, int]
    """The offset of each topic that is not stored yet."""
    committed_ns: int


class Traces:
    """Takes what is committed and what is stored, and makes spans of a share of the commits."""

    def __init__(
        self,
        provider: TracerProvider,
        sample: float,
        *,
        is_stored: bool,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._tracer = provider.get_tracer("tidemill")
        self._sample = sample
        self._is_stored = is_stored
        self._draw = draw
        self._open: deque[_Open] = deque()

    def committed(
        self, batches: Batches, offsets: Sequence[int], now_ns: int, decoded_ns: int | None = None
    ) -> None:
        """Begin a trace, where this commit is one of the sample: from its first frame on."""
        if self._draw() >= self._sample:
            return
        frames = [
            _first_ns(batch) for _, batch in batches if batch.num_rows and "recv_ns" in batch.schema.names
        ]
        if not frames:
            return
        root = self._begin("events", None, min(frames))
        rows = {f"rows.{topic}": batch.num_rows for topic, batch in batches}
        root.set_attributes({**rows, **_place(batches)})
        to_bus = self._begin("frame to bus", root, min(frames))
        if decoded_ns is not None:
            self._begin("decode", to_bus, min(frames)).end(decoded_ns)
            self._begin("pools and commit", to_bus, decoded_ns).end(now_ns)
        to_bus.end(now_ns)
        self._say(root, "on the bus", now_ns - min(frames))
        waiting = {topic: offset for (topic, _), offset in zip(batches, offsets, strict=True)}
        if not self._is_stored:
            root.end(now_ns)
            return
        self._open.append(_Open(root, waiting, now_ns))
        if len(self._open) > _OPEN_MAX:
            self._open.popleft().root.end(now_ns)

    def stored(self, topic: str, last_offset: int, stored_ns: int) -> None:
        """End what waited for `topic` up to `last_offset`."""
        for one in self._open:
            offset = one.waiting.get(topic)
            if offset is None or offset > last_offset:
                continue
            del one.waiting[topic]
            span = self._begin("bus to store", one.root, one.committed_ns)
            span.set_attributes({"topic": topic, "offset": offset})
            span.end(stored_ns)
            if not one.waiting:
                one.root.end(stored_ns)
                self._say(one.root, "stored", stored_ns - (one.root.start_time or stored_ns))
        self._open = deque(one for one in self._open if one.waiting)

    def asked(self, request: Request) -> None:
        """Tell of a request, where it is one of the sample: in the caller's trace, where it told one."""
        if self._draw() >= self._sample:
            return
        parent = None
        if request.parent_span is not None:
            place = SpanContext(
                int(request.trace_id, 16), int(request.parent_span, 16), is_remote=True, trace_flags=_SAMPLED
            )
            parent = NonRecordingSpan(place)
        span = self._begin(f"{request.method} {request.path}", parent, request.began_ns, SpanKind.SERVER)
        span.set_attributes({"http.request.method": request.method, "url.path": request.path})
        span.set_attribute("http.response.status_code", request.status)
        span.end(request.ended_ns)

    def _begin(
        self, name: str, parent: trace.Span | None, start_ns: int, kind: SpanKind = SpanKind.INTERNAL
    ) -> Span:
        context = None if parent is None else trace.set_span_in_context(parent)
        span = self._tracer.start_span(name, context, kind, start_time=start_ns)
        assert isinstance(span, Span), "every span that is begun is kept: the sample was drawn before"
        return span

    def _say(self, root: Span, where: str, took_ns: int) -> None:
        number = (root.attributes or {}).get("block_number", "")
        trace_id = f"{root.get_span_context().trace_id:032x}"
        _log.info("block %s %s after %.1f ms", number, where, took_ns / 1e6, extra={"trace_id": trace_id})


@contextmanager
def tracing(settings: TracesSettings, instance: str, *, is_stored: bool) -> Iterator[Traces]:
    """Send traces to `settings.endpoint` while the context is open, and what is left at its end."""
    assert settings.endpoint is not None
    base = settings.endpoint.rstrip("/").removesuffix(_PATH)
    exporter = OTLPSpanExporter(base + _PATH, timeout=_TIMEOUT_S)
    resource = Resource.create({"service.name": "tidemill", "service.instance.id": instance})
    provider = TracerProvider(resource=resource, shutdown_on_exit=False, id_generator=TraceIds())
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield Traces(provider, settings.sample, is_stored=is_stored)
    finally:
        provider.shutdown()


def _first_ns(batch: pa.RecordBatch) -> int:
    return min(batch.column("recv_ns").cast(pa.int64()).to_pylist())


def _place(batches: Batches) -> dict[str, str | int]:
    """Return of which block the events are, where the first of them says."""
    found: dict[str, str | int | None] = {}
    for _, batch in batches:
        for name in ("source", "block_number", "number"):
            if name in batch.schema.names and batch.num_rows:
                key = "block_number" if name == "number" else name
                found.setdefault(key, batch.column(name)[0].as_py())
    return {name: value for name, value in found.items() if value is not None}
