"""The data API over real HTTP, before a program that says what a test wants it to say."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.app.until import until

from tidemill.schema.faults import Unreachable
from tidemill.serve.config import ApiSettings, MetricsSettings
from tidemill.serve.ports import take_ports
from tidemill.serve.server import answering

from .program import FakeProgram, chain, program, served

ROUTES = ("/health", "/endpoints", "/stats", "/metrics")


@pytest.fixture
async def told():
    return FakeProgram(program())


async def test_routes_answer_what_the_program_says(told):
    async with served(told) as client:
        health = await client.get("/health")
        assert health["status"] == "healthy"
        assert set(health["metrics"]) == {"transactions_per_second", "avg_latency_ms", "error_rate"}
        (eth,) = await client.get("/endpoints?source=eth")
        assert eth["endpoints"]["0"]["limited"] == 4
        assert eth["endpoints"]["0"]["links"]["ws"]["leads"] is True
        assert await client.get("/stats") == {"tables": {"swap": {"rows": 900, "bytes_on_disk": 12_000}}}


async def test_the_program_is_called_in_its_own_loop(told):
    async with served(told) as client:
        await client.get("/health")
        await client.scrape()
    assert told.loops == {asyncio.get_running_loop()}


async def test_health_says_by_its_status_whether_anything_is_served(told):
    told.told = program(chains=(chain(state="stopped"),))
    async with served(told) as client:
        assert (await client.get("/health", 503))["status"] == "unhealthy"


async def test_what_cannot_be_answered_says_why_and_with_which_remedy(told):
    async with served(told) as client:
        wrong = await client.get("/endpoints?source=base", 400)
        assert wrong == {"fault": "Refused", "message": "source: expected one of eth, found 'base'"}
        refused = await client.get("/coverage", 400)
        assert refused["message"].startswith("sql: expected no question")
        unknown = await client.get("/swaps", 404)
        assert unknown["message"].startswith("expected one of /")
        assert all(path in unknown["message"] for path in ROUTES)
        told.broken = Unreachable("bus: expected it to answer")
        for path in ("/health", "/metrics"):
            assert (await client.get(path, 503))["fault"] == "Unreachable"


async def test_only_reading_is_allowed(told):
    async with served(told) as client:
        for method in ("post", "put", "delete", "patch"):
            async with client.session.request(method, client.url + "/health") as answer:
                assert answer.status == 405
                assert "GET" in answer.headers["Allow"]


async def test_a_bug_is_answered_without_its_details_and_the_server_goes_on(told, caplog):
    told.bug = ZeroDivisionError("a secret")
    async with served(told) as client:
        assert await client.get("/sql?query=SELECT+1", 500) == {"fault": "bug", "message": "see the log"}
        await client.get("/stats")
    assert "a secret" in caplog.text


async def test_a_bug_in_the_program_ends_the_server_and_is_handed_on(told):
    told.broken = ZeroDivisionError("of ours")
    ports = take_ports(ApiSettings(port=0), MetricsSettings(port=0))
    with pytest.raises(ZeroDivisionError, match="of ours"):
        async with asyncio.timeout(5), answering(told, ports, 64) as server:
            await server.until_ended()
    assert ports.api.socket.fileno() == -1, "it gave its ports back"


async def test_a_page_that_calls_this_machine_by_another_name_is_turned_away(told):
    async with served(told) as client:
        for path in ROUTES:
            headers = {"Host": "evil.example"}
            async with client.session.get(client.url + path, headers=headers) as answer:
                assert answer.status == 400
        async with client.session.get(client.url + "/health", headers={"Host": "localhost:8080"}) as answer:
            assert answer.status == 200


async def test_metrics_are_the_same_on_both_ports_and_count_requests(told):
    async with served(told) as client:
        for _ in range(3):
            await client.get("/health")
        await client.get("/coverage?x=1", 400)
        async with client.session.get(client.url + "/metrics") as answer:
            assert names(await answer.text()) == names(await client.scrape())
        found = {
            (sample.labels.get("route"), sample.labels.get("status")): sample.value
            for family in text_string_to_metric_families(await client.scrape())
            for sample in family.samples
            if sample.name == "api_request_duration_seconds_count"
        }
        assert found == {("/health", "200"): 3, ("/coverage", "400"): 1, ("/metrics", "200"): 1}
        async with client.session.get(client.metrics_url + "/health") as answer:
            assert answer.status == 404, "the metrics' own port has nothing else"


def names(text):
    return {family.name for family in text_string_to_metric_families(text)}


async def test_a_request_beyond_the_connections_allowed_is_told_so(told):
    told.going.clear()
    async with served(told, connections_max=4) as client:
        waiting = [asyncio.create_task(client.get("/health")) for _ in range(3)]

        async def all_wait():
            return told.waiting >= 4  # the three, and who takes counts for the rates

        await until(all_wait)
        async with client.session.get(client.url + "/health") as answer:
            assert answer.status == 503
        told.going.set()
        await asyncio.gather(*waiting)
        await client.get("/health")


@pytest.mark.parametrize(
    "bytes_sent",
    [b"\x00" * 100, b"GET /health\r\n\r\n", b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000],
)
async def test_what_is_no_request_is_refused_and_costs_nobody_else_anything(told, bytes_sent):
    async with served(told) as client:
        host, port = client.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(bytes_sent)
        writer.write_eof()
        async with asyncio.timeout(5):
            assert (await reader.read())[:12] in {b"", b"HTTP/1.1 400"}
        writer.close()
        await client.get("/health")


async def test_an_answer_that_waits_does_not_hold_up_the_end(told):
    told.going.clear()
    async with asyncio.timeout(5):
        async with served(told) as client:
            waiting = asyncio.create_task(client.get("/health"))
            await asyncio.wait([waiting], timeout=0.1)
        assert isinstance((await asyncio.gather(waiting, return_exceptions=True))[0], Exception)
