"""Points in a real InfluxDB and a real VictoriaMetrics, read back; and servers that are busy or say no."""

import asyncio
import json
import random
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import pytest
from aiohttp import web
from tests.app.until import until
from tests.servers.databases import influxdb, victoria_metrics
from tests.servers.loopback import loopback
from tests.store.market import START_NS, top, trade

from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Refused, Unreachable
from tidemill.store.line_protocol import LineStore
from tidemill.store.line_protocol_config import InfluxSettings
from tidemill.store.tail import Tail

TOKEN = "token-that-opens"


def batch(*events):
    return events[0].__struct_config__.tag, derive.to_batch(events)


@asynccontextmanager
async def gate(target, script=()):
    """Ask for the token and follow a script of (status, headers), then pass on to `target`."""
    seen, left = [], list(script)

    async def handle(request):
        body = await request.read()
        seen.append((request, body))
        if request.headers.get("Authorization") != f"Token {TOKEN}":
            return web.json_response({"code": "unauthorized", "message": "unauthorized access"}, status=401)
        if left:
            status, headers = left.pop(0)
            return web.Response(status=status, headers=headers, text="later")
        if target is None:
            return web.Response(status=204)
        async with aiohttp.ClientSession() as session:
            url = f"{target}{request.path}"
            async with session.post(url, params=request.query, data=body) as answer:
                return web.Response(status=answer.status, body=await answer.read())

    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/{tail:.*}", handle)
    async with loopback(app, shutdown_timeout=0.1, auto_decompress=True) as place:
        yield f"http://{place}", seen


async def ask(url, method="GET", **params):
    async with aiohttp.ClientSession() as session, session.request(method, url, params=params) as answer:
        assert answer.status < 300, await answer.text()
        return await answer.text()


@asynccontextmanager
async def influx_v1():
    async with influxdb() as server:
        url = f"http://127.0.0.1:{server.port}"
        await ask(f"{url}/query", "POST", q="CREATE DATABASE fair")
        yield server, InfluxSettings(url=url, bucket="fair", api="v1")


async def rows(settings, query):
    told = json.loads(await ask(f"{settings.url}/query", db="fair", q=query, epoch="ns"))
    (result,) = told["results"]
    return [
        dict(zip(one["columns"], row, strict=True))
        for one in result.get("series", [])
        for row in one["values"]
    ]


async def test_influxdb_has_every_trade_once_with_its_values():
    async with influx_v1() as (_, settings), LineStore(settings) as store:
        trades = [trade(number // 3, sequence=number, trade_id=f'"{number}\\') for number in range(5_000)]
        for _ in range(2):  # as after an answer that was lost
            await store.put([batch(*trades), batch(top(1, bid_price=None, bid_size=None))])
        found = sorted(await rows(settings, "SELECT * FROM trade"), key=lambda one: one["sequence"])
        assert len(found) == 5_000
        assert [one["trade_id"] for one in found] == [one.trade_id for one in trades]
        assert [Decimal(str(one["price"])) for one in found] == [one.price for one in trades]
        assert [one["event_ns"] for one in found] == [one.event_ns for one in trades]
        (best,) = await rows(settings, "SELECT * FROM book_top")
        assert [best["ask_price"], best["ask_size"], best["cause"]] == [1.6, 20, "kept"]
        assert "bid_price" not in best
        assert [store.counts.written, store.counts.requests, store.counts.left_out] == [10_002, 6, 0]


async def test_influxdb_reads_every_odd_name_as_it_was_meant():
    dice = random.Random(5)
    alphabet = "ab\\\\,= \"'#\té€🐋"
    names = sorted({"".join(dice.choices(alphabet, k=dice.randint(1, 6))) for _ in range(400)})
    async with influx_v1() as (_, settings), LineStore(settings) as store:
        odd = [trade(n, instrument=name, trade_id=name) for n, name in enumerate(names)]
        await store.put([batch(*odd)])
        found = await rows(settings, "SELECT instrument, trade_id FROM trade")
        writable = [name for name in names if not name.endswith("\\")]
        assert [(one["instrument"], one["trade_id"]) for one in found] == [(name, name) for name in writable]
        assert store.counts.left_out == len(names) - len(writable) > 0


async def test_a_point_that_the_server_finds_wrong_is_told_and_not_sent_again():
    faults = []
    async with influx_v1() as (_, settings), LineStore(settings, on_fault=faults.append) as store:
        await store.put_metrics({}, {"events_per_s": 1.5}, START_NS)
        await store.put_metrics({}, {"events_per_s": "fast"}, START_NS + 1)  # a field has one type for ever
        assert [store.counts.written, store.counts.left_out, store.counts.requests] == [1, 1, 2]
        (fault,) = faults
        assert isinstance(fault, Malformed)
        assert "field type conflict" in str(fault)


async def test_a_database_that_is_not_there_is_refused():
    async with influx_v1() as (_, settings):
        other = InfluxSettings(url=settings.url, bucket="nowhere", api="v1")
        async with LineStore(other) as store:
            with pytest.raises(Refused, match=r"found 404: .*influxdb\.bucket"):
                await store.put_metrics({}, {"f": 1}, 1)


async def test_victoria_metrics_has_what_was_written_by_token():
    async with victoria_metrics() as server, gate(f"http://127.0.0.1:{server.port}") as (url, seen):
        settings = InfluxSettings(url=url, token=TOKEN, org="us", bucket="metrics")
        async with LineStore(settings) as store:
            await store.put([batch(*[trade(number, instrument="wETH/USDC, 2") for number in range(100)])])
        base = f"http://127.0.0.1:{server.port}"
        await ask(f"{base}/internal/force_flush")
        told = await ask(f"{base}/api/v1/export", **{"match[]": "trade_price"})
        (series,) = [json.loads(line) for line in told.splitlines()]
        assert series["metric"] == {
            **{"__name__": "trade_price", "source": "fair"},
            **{"instrument": "wETH/USDC, 2", "taker_side": "buy"},
            **{name: value for name, value in series["metric"].items() if name == "db"},
        }
        assert series["values"] == [float(trade(number).price) for number in range(100)]
        (request, _) = seen[0]
        assert request.path == "/api/v2/write"
        assert dict(request.query) == {"org": "us", "bucket": "metrics", "precision": "ns"}
        assert request.headers["Content-Encoding"] == "gzip"


async def test_a_wrong_token_is_refused_at_once_and_not_shown():
    async with gate(None) as (url, seen), open_bus("memory://") as bus:
        settings = InfluxSettings(url=url, token="some-other-token")
        async with LineStore(settings) as store:
            tail = Tail(bus, store, "influxdb", settings.topics, settings)
            await tail.start()
            await bus.commit([batch(trade(1))])
            with pytest.raises(ExceptionGroup) as raised:
                async with asyncio.timeout(20):
                    await tail.run()
        (fault,) = raised.value.exceptions
        assert isinstance(fault, Refused)
        assert "correct influxdb.token (INFLUXDB_TOKEN)" in str(fault)
        assert "some-other-token" not in str(fault)
        assert len(seen) == 1


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_server_is_asked_again_no_sooner_than_it_says(status):
    async with gate(None, [(status, {"Retry-After": "1"})]) as (url, seen):
        settings = InfluxSettings(url=url, token=TOKEN)
        async with LineStore(settings) as store:
            loop = asyncio.get_running_loop()
            with pytest.raises(Unreachable, match=f"HTTP {status}: later"):
                await store.put([batch(trade(1))])
            began_s = loop.time()
            await store.put([batch(trade(1))])
            assert loop.time() - began_s > 0.9
        assert len(seen) == 2


async def test_a_request_that_is_too_large_is_sent_in_halves():
    async with gate(None, [(413, {}), (413, {})]) as (url, seen):
        async with LineStore(InfluxSettings(url=url, token=TOKEN)) as store:
            await store.put([batch(*[trade(number) for number in range(8)])])
            assert [store.counts.written, store.counts.requests] == [8, 5]
        sizes = [len(body.splitlines()) for _, body in seen]
        assert sizes == [8, 4, 2, 2, 4]


async def test_points_wait_for_each_other_and_for_a_server_that_is_away():
    async with influx_v1() as (server, settings), open_bus("memory://") as bus:
        await server.server.stop()
        async with LineStore(settings) as store:
            tail = Tail(bus, store, "influxdb", settings.topics, settings, rows_max=2_000, linger_ms=50)
            await tail.start()
            running = asyncio.create_task(tail.run())
            try:
                for number in range(500):
                    await bus.commit([batch(trade(number))])
                await until(lambda: _is_past(tail.counts.retries, 1))
                await server.server.start()
                await until(lambda: _is_past(tail.counts.rows, 499))
            finally:
                running.cancel()
                await asyncio.wait([running])
            assert len(await rows(settings, "SELECT price FROM trade")) == 500
            assert store.counts.requests < 20


@pytest.mark.parametrize("url", [None, "", "127.0.0.1:8086", "redis://127.0.0.1"])
def test_an_address_that_is_none_is_refused(url):
    with pytest.raises(Refused, match=r"influxdb\.url: expected http"):
        LineStore(InfluxSettings(url=url))


async def _is_past(value, least):
    return value > least
