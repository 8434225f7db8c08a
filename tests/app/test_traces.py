"""Has a share of the events a trace from frame to stored row, at a real receiver of OTLP, and no other."""

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import asynccontextmanager

import aiohttp
import pyarrow as pa
import pytest
from aiohttp import web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from tests.serve.program import FakeProgram, program, served
from tests.serve.stored import events
from tests.serve.test_requested import request_id
from tests.servers.loopback import loopback
from tests.system.program import running

from tidemill.app.chains.pipeline import Flow
from tidemill.app.settings import read_settings
from tidemill.app.traces import TraceIds, Traces, tracing
from tidemill.app.traces_config import TracesSettings
from tidemill.app.tracing import tracing_of
from tidemill.bus import open_bus
from tidemill.core.log import LogConfig, logging_to
from tidemill.core.redact import Redactor
from tidemill.serve.server import Additions
from tidemill.store import open_store

from .test_serve import said_url

SWAPS, BLOCK = events("swap", 1, 3), events("block", 1, 1)
BATCHES = [("swap", SWAPS), ("block", BLOCK)]
FRAME_NS = min(SWAPS["recv_ns"].cast(pa.int64()).to_pylist() + BLOCK["recv_ns"].cast(pa.int64()).to_pylist())
DECODED_NS, COMMITTED_NS, STORED_NS = (FRAME_NS + ms * 1_000_000 for ms in (2, 5, 80))


@asynccontextmanager
async def receiving():
    """Yield the spans that come, and where they are to be sent."""
    spans = []

    async def take(request: web.Request) -> web.Response:
        assert request.headers["Content-Type"] == "application/x-protobuf"
        asked = ExportTraceServiceRequest()
        asked.ParseFromString(await request.read())
        for resource in asked.resource_spans:
            spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        return web.Response(body=ExportTraceServiceResponse().SerializeToString())

    app = web.Application()
    app.router.add_post("/v1/traces", take)
    async with loopback(app) as place:
        yield spans, f"http://{place}"


def run(flow, first_offset=0):
    flow.committed(BATCHES, [first_offset, first_offset], COMMITTED_NS, DECODED_NS)
    flow.stored("block", first_offset, COMMITTED_NS + 1_000_000)
    flow.stored("swap", first_offset, STORED_NS)


async def test_a_commit_is_one_trace_from_its_first_frame_to_its_last_row(tmp_path):
    log = tmp_path / "logs"
    async with receiving() as (spans, url):

        def traced():
            with (
                logging_to(log, LogConfig(format="json"), Redactor(), console=False) as file,
                tracing(TracesSettings(endpoint=url, sample=1.0), "box", is_stored=True) as traces,
            ):
                flow = Flow()
                flow.traces = traces
                run(flow)
            return file

        file = await asyncio.to_thread(traced)
    (root,) = (span for span in spans if span.name == "events")
    assert [root.start_time_unix_nano, root.end_time_unix_nano] == [FRAME_NS, STORED_NS]
    inner = sorted((span.name, span.start_time_unix_nano, span.end_time_unix_nano) for span in spans)
    assert inner == [
        ("bus to store", COMMITTED_NS, COMMITTED_NS + 1_000_000),
        ("bus to store", COMMITTED_NS, STORED_NS),
        ("decode", FRAME_NS, DECODED_NS),
        ("events", FRAME_NS, STORED_NS),
        ("frame to bus", FRAME_NS, COMMITTED_NS),
        ("pools and commit", DECODED_NS, COMMITTED_NS),
    ]
    assert {span.trace_id for span in spans} == {root.trace_id}
    (to_bus,) = (span for span in spans if span.name == "frame to bus")
    parents = {span.name: span.parent_span_id for span in spans}
    assert parents["decode"] == parents["pools and commit"] == to_bus.span_id
    assert parents["bus to store"] == parents["frame to bus"] == root.span_id
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    assert [line["trace_id"] for line in lines] == [root.trace_id.hex()] * 2
    assert [line["message"].rpartition(" after ")[0] for line in lines] == [
        "block 1 on the bus",
        "block 1 stored",
    ]


def recorded(sample=1.0, draw=lambda: 0.0, *, is_stored=True):
    """Return what traces, and what tells which spans ended."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False, id_generator=TraceIds())
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    return Traces(provider, sample, is_stored=is_stored, draw=draw), exporter.get_finished_spans


def in_memory(sample, draws, *, is_stored=True):
    flow = Flow(is_stored=is_stored)
    flow.traces, spans = recorded(sample, iter(draws).__next__, is_stored=is_stored)
    return flow, lambda: [span.name for span in spans()]


async def test_a_request_has_a_span_of_its_own_trace_or_of_the_callers():
    traces, spans = recorded()
    async with served(FakeProgram(program()), additions=Additions(told=traces.asked)) as client:
        own = await request_id(client, "/health")
        theirs = {"traceparent": f"00-{'7' * 32}-{'8' * 16}-01"}
        assert await request_id(client, "/endpoints?source=none", theirs) == "7" * 32
    first, second = spans()
    assert [f"{span.context.trace_id:032x}" for span in (first, second)] == [own, "7" * 32]
    assert (first.parent, f"{second.parent.span_id:016x}") == (None, "8" * 16)
    assert (first.name, first.kind) == ("GET /health", SpanKind.SERVER)
    assert second.attributes["http.response.status_code"] == 400


def test_only_the_share_that_is_asked_for_is_traced():
    flow, names = in_memory(0.25, [0.24, 0.25, 0.9, 0.0])
    for offset in range(4):
        run(flow, offset)
    assert names().count("events") == 2


def test_where_nothing_is_stored_a_trace_ends_at_the_bus():
    flow, names = in_memory(1.0, [0.0], is_stored=False)
    flow.committed(BATCHES, [0, 0], COMMITTED_NS)
    assert names() == ["frame to bus", "events"]


def test_what_is_never_stored_does_not_pile_up(monkeypatch):
    monkeypatch.setattr("tidemill.app.traces._OPEN_MAX", 2)
    flow, names = in_memory(1.0, [0.0] * 5)
    for offset in range(5):
        flow.committed(BATCHES, [offset, offset], COMMITTED_NS)
    assert names().count("events") == 3


def test_a_collector_that_is_away_ends_nothing(caplog):
    caplog.set_level(logging.CRITICAL)
    with tracing(TracesSettings(endpoint="http://127.0.0.1:9", sample=1.0), "box", is_stored=True) as traces:
        flow = Flow()
        flow.traces = traces
        run(flow)
    assert flow.events == 4


@pytest.mark.parametrize("module", ["tidemill.app.up", "tidemill.app.engine"])
def test_nothing_of_it_is_loaded_where_nobody_asks(module):
    program = f"import sys, {module}; sys.exit('tidemill.app.traces' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", program], timeout=60)
    assert ended.returncode == 0


def test_without_an_endpoint_nothing_is_traced(tmp_path):
    with tracing_of(read_settings(None, tmp_path, {}), is_stored=False) as traces:
        assert traces is None


async def test_requests_to_serve_are_traced(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    async with open_store(f"chdb://{data / 'store'}") as store:
        await store.migrate()
    async with receiving() as (spans, url), open_bus(f"lmdb://{data / 'bus'}"):
        (tmp_path / "tidemill.toml").write_text(f'[traces]\nendpoint = "{url}"\nsample = 1.0\n')
        ports = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
        async with running(tmp_path, "serve", **ports), aiohttp.ClientSession() as session:
            async with session.get(f"{await said_url(data)}/stats") as answer:
                assert answer.status == 200
                trace_id = answer.headers["X-Request-Id"]
        [found] = [span for span in spans if span.name == "GET /stats"]  # what is left is sent at the end
    assert found.trace_id.hex() == trace_id
