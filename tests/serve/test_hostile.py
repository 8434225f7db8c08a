"""Requests made from the schema, and hostile ones: nothing but refusals, and the server goes on."""

import asyncio
import random
import resource
import threading

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tidemill.schema.events import EVENTS
from tidemill.serve import routes
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.route import discover
from tidemill.serve.server import Additions

from .program import served
from .stored import events, stored_program

_CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
_PATHS = ("/events/swap", "/events/arbitrage_transaction", "/historical", "/stats/daily", "/sql", "/coverage")
_LEFT_OUT = ("/sse/stream",)  # it does not end


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    """A server in a loop of its own, for clients that wait."""
    stopping, said = asyncio.Event(), []
    loop, ready = asyncio.new_event_loop(), threading.Event()

    async def serve():
        async with stored_program(tmp_path_factory.mktemp("hostile")) as told:
            for tag in EVENTS:
                await told.commit(tag, events(tag, 1, 3))
            collector = MetricsCollector(told)  # `up` has one beside the server
            async with served(told, additions=Additions(parts=(collector,))) as client:
                said.append(client.url)
                ready.set()
                await stopping.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(60)
    yield said[0]
    loop.call_soon_threadsafe(stopping.set)
    thread.join()
    loop.close()


@pytest.mark.parametrize("path", _PATHS)
def test_requests_made_from_the_schema_keep_the_contract(url, path):
    asked = []
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")

    for result in schema.include(path=path).get_all_operations():
        operation = result.ok()

        @settings(max_examples=12, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def keeps(case):
            asked.append(case)
            case.call_and_validate(base_url=url, checks=list(_CHECKS), timeout=30)

        given(case=operation.as_strategy())(keeps)()
    assert len(asked) >= 5, "the schema has the path"


def test_questions_made_from_the_graphql_schema_are_answered_or_refused(url):
    asked, faults = [], []
    schema = schemathesis.graphql.from_url(f"{url}/graphql")

    for result in schema.get_all_operations():
        operation = result.ok()
        if operation.label.startswith("Subscription"):
            continue

        @settings(max_examples=3, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def keeps(case):
            answer = case.call(base_url=url, timeout=30)
            asked.append(case.operation.label)
            told = answer.json()
            assert answer.status_code == 200, (case.body, answer.text[:300])
            assert told.get("data") or told["errors"], case.body
            faults.extend(one["message"] for one in told.get("errors", []))

        given(case=operation.as_strategy())(keeps)()
    assert len(set(asked)) >= len(EVENTS), "every kind of event is asked for"
    assert "a bug of ours; the log has it" not in faults


def test_every_example_of_the_schema_is_answered(url):
    with requests.Session() as session:
        for route in discover(routes):
            if route.method == "GET" and "{" not in route.path and route.path not in _LEFT_OUT:
                answer = session.get(url + route.path, params=route.example, timeout=30)
                assert answer.status_code == 200, (route.path, answer.text[:300])
                assert answer.headers["Content-Type"].partition(";")[0] in route.media_types


def test_a_thousand_hostile_requests_are_refused_and_cost_nobody_anything(url):
    rng = random.Random(7)
    paths = [route.path for route in discover(routes) if route.method != "WEBSOCKET"]
    words = [
        "%00",
        "../../etc/passwd",
        "'",
        '"',
        "{x:String}",
        "-1",
        "9" * 400,
        "\u202e",
        "null",
        "[]",
        "%ff",
    ]
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with requests.Session() as session:
        for number in range(1_000):
            path = rng.choice([one for one in paths if one not in _LEFT_OUT])
            query = "&".join(
                f"{rng.choice(['limit', 'where', 'cursor', 'fields', 'start', 'days', 'query', 'x'])}="
                f"{rng.choice(words)}"
                for _ in range(rng.randrange(1, 4))
            )
            method = rng.choice(["GET", "GET", "GET", "POST", "PUT", "HEAD", "DELETE"])
            body = rng.choice([None, b"\xff" * 100, b"{" * 1_000, b'{"query": 1}'])
            answer = session.request(method, f"{url}{path}?{query}", data=body, timeout=30)
            assert answer.status_code < 500, (number, method, path, query, answer.text[:300])
        assert session.get(url + "/health", timeout=30).json()["status"] == "healthy"
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb < 300_000
