"""Does `ingest` bring what venues say to Redis and line protocol, exactly, in little memory, to no table."""

import json
from decimal import Decimal
from pathlib import Path

import aiohttp
import psutil
import pytest
from redis.asyncio import Redis
from tests.servers.databases import redis_server, victoria_metrics
from tests.servers.sei import sei_server
from tests.system.program import running, tidemill

from tidemill.app.control import ask_sql, ask_status
from tidemill.app.settings import Settings, VenuesSettings
from tidemill.app.venues.ingest import narrowed
from tidemill.chains.evm.config import EvmConfig
from tidemill.schema.faults import Refused
from tidemill.venues.sei.config import SeiConfig, SeiInstrument
from tidemill.venues.subgraph_config import SubgraphConfig

from .test_sei import MARKETS, settings_file
from .until import until

RESIDENT_BYTES_MAX = 300_000_000


def levels(truth, market, side):
    """Return a side of the true book as Redis spells it, best first."""
    found = sorted(
        ((price, size) for (kind, price), size in truth["books"][market].items() if kind == side),
        reverse=side == "bid",
    )
    return [[_text(price), _text(size)] for price, size in found][:20]


def _text(e6):
    return f"{Decimal(e6).scaleb(-6).normalize():f}"


async def true_book_in_redis(asked, server, market):
    await server.control(is_paused=True)
    truth = await server.truth()

    async def is_there():
        told = await asked.get(f"tidemill:orderbook:sei:{market}")
        book = json.loads(told) if told else {}
        return all(book.get(f"{side}s") == levels(truth, market, side) for side in ("bid", "ask"))

    await until(is_there)
    return truth


async def test_what_a_venue_says_is_in_redis_and_in_line_protocol_and_nowhere_else(tmp_path):
    async with sei_server() as server, redis_server() as redis, victoria_metrics() as lines:
        settings_file(tmp_path, server)
        urls = {
            "REDIS_URL": f"redis://127.0.0.1:{redis.port}",
            "INFLUXDB_URL": f"http://127.0.0.1:{lines.port}",
        }
        often = {
            "TIDEMILL_MONITORING_COLLECTION_INTERVAL_S": "0.2",
            "TIDEMILL_MONITORING_HEALTH_CHECK_INTERVAL_S": "0.2",
        }
        async with Redis(port=redis.port) as asked:
            async with running(tmp_path, "ingest", "sei", **urls, **often) as process:
                await until(lambda: asked.exists("tidemill:health:status"))
                await true_book_in_redis(asked, server, MARKETS[0])
                await redis.server.stop()
                await server.control(is_paused=False)
                await until(lambda: _is_down(tmp_path, "redis"))
                await redis.server.start()
                for market in MARKETS:
                    truth = await true_book_in_redis(asked, server, market)
                await until(lambda: asked.exists("tidemill:health:status"))
                health = json.loads(await asked.get("tidemill:health:status"))
                assert health["components"].keys() == {"bus", "venue:sei", "redis", "influxdb"}
                resident_bytes = psutil.Process(process.pid).memory_info().rss
                print(f"resident: {resident_bytes / 1e6:.0f} MB")
                assert resident_bytes < RESIDENT_BYTES_MAX
                status = await ask_status(tmp_path / "data")
                assert status["sinks"]["redis"]["dropped_batches"] == 0
                assert status["metrics"]["events_total"] > 0
                with pytest.raises(Refused, match="found one that only reads them"):
                    await ask_sql(tmp_path / "data", "SELECT 1")
                assert len(truth["trade_ids"]) > 0
                await until(lambda: _same_count(lines.port, len(truth["trade_ids"])))
            assert not (tmp_path / "data" / "store").exists()
            assert await _exported(lines.port, "pipeline_events_total")


async def test_a_redis_that_refuses_ends_alone(tmp_path):
    async with sei_server() as server, redis_server("--requirepass", "the-right-one") as redis:
        settings_file(tmp_path, server)
        url = f"redis://:the-wrong-one@127.0.0.1:{redis.port}"
        async with running(tmp_path, "ingest", "--no-api", REDIS_URL=url):
            await until(lambda: _is_down(tmp_path, "redis"))
            told = (await ask_status(tmp_path / "data"))["sinks"]["redis"]["last_fault"]
            assert "correct redis.url (REDIS_URL)" in told
            assert "the-wrong-one" not in told
            events = (await ask_status(tmp_path / "data"))["events"]
            await until(lambda: _has_more(tmp_path, events))
        async with Redis(port=redis.port, password="the-right-one") as asked:
            assert (await asked.info("stats"))["total_connections_received"] < 10
        log = (tmp_path / "data" / "logs" / "tidemill.log").read_text()
        assert "redis gets nothing more, all else goes on" in log
        assert "the-wrong-one" not in log


async def test_a_change_of_the_settings_begins_anew(tmp_path):
    async with sei_server() as server:
        file = settings_file(tmp_path, server)
        async with running(tmp_path, "ingest", "--reload", "--no-api"):
            await until(lambda: _has_run_for(tmp_path, 1.0))
            file.write_text(file.read_text() + '[log]\nlevel = "DEBUG"\n')
            await until(lambda: _began_anew(tmp_path, 1.0))


async def test_nothing_to_read_and_unknown_names_are_refused(tmp_path):
    code, _, complaint = await tidemill(tmp_path, "ingest")
    assert code == 1
    assert "expected at least one section" in complaint
    code, _, complaint = await tidemill(tmp_path, "ingest", "binance")
    assert code == 1
    assert "ingest: expected one of none, as nothing is configured, found 'binance'" in complaint


def test_names_leave_the_others_out():
    chain = EvmConfig(source="a", chain_id=1, ws_url="ws://127.0.0.1:9", dexes=("uniswap_v3",))
    subgraph = SubgraphConfig(
        source="indexed", chain="a", dex="uniswap_v3", dialect="uniswap_v3", http_url="http://127.0.0.1:9"
    )
    book = SeiInstrument(source="SEI/USDC", contract="sei1", market="SEI/USDC")
    sei = SeiConfig(ws_url="ws://127.0.0.1:9", http_url="http://127.0.0.1:9", instruments={"a": book})
    settings = Settings(
        chains={"a": chain, "b": chain}, subgraphs={"indexed": subgraph}, venues=VenuesSettings(sei=sei)
    )
    alone = narrowed(settings, ["sei"])
    assert (alone.chains, alone.subgraphs, alone.venues.sei) == ({}, {}, sei)
    needed = narrowed(settings, ["indexed"])  # a subgraph is read beside its chain
    assert (set(needed.chains), set(needed.subgraphs), needed.venues) == (
        {"a"},
        {"indexed"},
        VenuesSettings(),
    )
    with pytest.raises(Refused, match="expected one of a, b, indexed, sei, found 'c'"):
        narrowed(settings, ["a", "c"])


async def _exported(port, name):
    async with aiohttp.ClientSession() as session:
        base = f"http://127.0.0.1:{port}"
        async with session.get(f"{base}/internal/force_flush"):
            pass
        async with session.get(f"{base}/api/v1/export", params={"match[]": name}) as answer:
            return [json.loads(line) for line in (await answer.text()).splitlines()]


async def _same_count(port: int, count: int) -> bool:
    return sum(len(one["values"]) for one in await _exported(port, "trade_price")) == count


async def _has_more(folder: Path, events: int) -> bool:
    status = await ask_status(folder / "data")
    return status is not None and status["events"] > events


async def _is_down(folder: Path, name: str) -> bool:
    status = await ask_status(folder / "data")
    return status is not None and status["sinks"][name]["state"] == "down"


async def _has_run_for(folder: Path, seconds: float) -> bool:
    status = await ask_status(folder / "data")
    return status is not None and status["uptime_s"] > seconds


async def _began_anew(folder: Path, seconds: float) -> bool:
    status = await ask_status(folder / "data")
    return status is not None and status["uptime_s"] < seconds
