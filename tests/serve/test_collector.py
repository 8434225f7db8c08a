"""Does the collector keep what it took, tell Redis and line protocol, and survive what its callbacks do."""

import asyncio
import json
import os

import pytest
from redis.asyncio import Redis
from tests.app.until import until
from tests.servers.databases import redis_server

from tidemill.core.clock import NS_PER_S
from tidemill.schema.faults import Refused
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.config import MonitoringSettings
from tidemill.serve.server import Additions
from tidemill.store.latest import LatestStore, RedisLink
from tidemill.store.latest_config import RedisSettings

from .program import FakeProgram, program, served, times

OFTEN = MonitoringSettings(collection_interval_s=0.05, health_check_interval_s=0.05)


async def test_it_takes_samples_until_it_is_stopped():
    async with MetricsCollector(FakeProgram(program()), OFTEN) as collector:
        await until(lambda: _holds(len(collector.get_metrics_history(hours=1_000_000)) > 2))
        assert collector.get_current_metrics()["status"] == "degraded"
        assert "metrics collector" in {task.get_name() for task in asyncio.all_tasks()}
    assert "metrics collector" not in {task.get_name() for task in asyncio.all_tasks()}


async def test_without_a_program_it_watches_this_process():
    collector = MetricsCollector()
    assert collector.get_current_metrics() == {}
    await collector.initialize()
    await collector.collect()
    told = collector.get_current_metrics()
    assert 10_000_000 < told["machine"]["process_memory_bytes"] < 10_000_000_000
    assert told["machine"]["cpu_percent"] is not None
    assert told["machine"]["disk_free_bytes"] <= os.statvfs(".").f_frsize * os.statvfs(".").f_bfree
    assert [told["status"], told["events_per_s"], told["components"].keys()] == ["healthy", 0, {"bus"}]


async def test_callbacks_are_called_with_alerts_whatever_one_of_them_does():
    told, awaited = [], asyncio.Event()

    def broken(alert):
        raise RuntimeError("a bug of the user's")

    async def later(alert):
        awaited.set()

    fake = FakeProgram(program())
    collector = MetricsCollector(fake, OFTEN)
    for callback in (broken, later, told.append):
        collector.register_alert_callback(callback)
    await collector.initialize()
    fake.told = program(now_ns=program().now_ns + 1, to_store=times(0.1, 0.3, 2.0))
    await collector.collect()
    assert [(one["name"], one["is_raised"], one["value"], one["limit"]) for one in told] == [
        ("latency", True, 2000, 350)
    ]
    assert awaited.is_set()
    assert collector.callback_errors == 1


async def test_the_api_tells_what_is_raised_and_what_it_was_like():
    fake = FakeProgram(program())
    collector = MetricsCollector(fake)
    await collector.initialize()
    began_ns = program().now_ns
    for second in range(1, 10):
        fake.told = program(now_ns=began_ns + second * NS_PER_S, to_store=times(0.1, *[2.0] * second))
        await collector.collect()
    async with served(fake, additions=Additions(parts=(collector,))) as client:
        (alert,) = await client.get("/alerts")
        assert (alert["name"], alert["is_raised"], alert["limit"]) == ("latency", True, 350)
        past = f"/metrics/history?start={began_ns}&end={began_ns + 9 * NS_PER_S}"
        told = await client.get(past)
        assert [one["time_ns"] for one in told] == [began_ns + second * NS_PER_S for second in range(9)]
        assert told[-1]["to_store"]["average"] == 2_000
        assert [one["time_ns"] for one in await client.get(past + "&points=3")] == [
            began_ns + second * NS_PER_S for second in (2, 5, 8)
        ]
        assert (await client.get("/metrics/history?start=never", 400))["fault"] == "Refused"
        fake.told = program(now_ns=began_ns + 10 * NS_PER_S)
        await collector.collect()
        assert await client.get("/alerts") == []
    async with served(fake) as client:
        assert (await client.get("/alerts", 503))["fault"] == "Unreachable"


def test_what_is_no_function_is_refused():
    with pytest.raises(Refused, match="alert callback: expected a function, found str"):
        MetricsCollector().register_alert_callback("print")  # pyright: ignore


async def test_redis_has_metrics_and_health():
    async with redis_server() as server, Redis(port=server.port) as asked:
        settings = RedisSettings(url=f"redis://127.0.0.1:{server.port}")
        async with RedisLink(settings) as link:
            latest = LatestStore(link, settings)
            async with MetricsCollector(FakeProgram(program()), OFTEN, latest=latest):
                await until(lambda: asked.exists("tidemill:health:status"))
                metrics = json.loads(await asked.get("tidemill:metrics:realtime"))
                assert metrics["events_total"] == 1_000
                health = json.loads(await asked.get("tidemill:health:status"))
                assert health["status"] == "degraded"
                assert health["components"]["bus"] == {"status": "healthy", "detail": ""}


async def test_a_redis_that_refuses_is_asked_once_and_one_that_is_away_again():
    async with redis_server("--requirepass", "secret-word") as server:
        settings = RedisSettings(url=f"redis://127.0.0.1:{server.port}", timeout_ms=500)
        async with RedisLink(settings) as link:
            collector = MetricsCollector(FakeProgram(program()), OFTEN, latest=LatestStore(link, settings))
            for _ in range(3):
                await collector.collect()
            assert "correct redis.url" in collector.store_faults["redis"]
        async with Redis(port=server.port, password="secret-word") as asked:
            assert (await asked.info("stats"))["total_connections_received"] <= 3
        opened = RedisSettings(url=f"redis://:secret-word@127.0.0.1:{server.port}", timeout_ms=500)
        async with RedisLink(opened) as link:
            collector = MetricsCollector(FakeProgram(program()), OFTEN, latest=LatestStore(link, opened))
            await server.server.stop()
            await collector.collect()
            assert collector.store_faults.keys() == {"redis"}
            await server.server.start()
            await collector.collect()
            assert collector.store_faults == {}


async def _holds(value):
    return value
