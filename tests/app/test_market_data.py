"""Does the service tell books and trades as its venues have them, call back, and say how it fares."""

import asyncio
import json
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from redis.asyncio import Redis
from tests.servers.databases import redis_server

from tidemill import MarketDataService
from tidemill.app.settings import Settings, TradingSettings
from tidemill.schema.faults import Refused
from tidemill.serve.config import MonitoringSettings
from tidemill.store.latest_config import RedisSettings

from .fair import Fair
from .until import until


@asynccontextmanager
async def service(settings=None, sources=("fair",)):
    """Run a service on venues of the tests; yield it and them."""
    fairs = {}

    def opening(source):
        def open_fair(bus, clock, committed):
            fairs[source] = Fair(bus, clock, committed, source=source)
            return fairs[source]

        return open_fair

    async with MarketDataService(
        settings or Settings(), markets={source: opening(source) for source in sources}
    ) as running:
        await until(lambda: _holds(all(fair.running for fair in fairs.values())))
        yield running, *fairs.values()


async def test_a_book_is_told_as_it_is_kept():
    async with service() as (asked, fair):
        assert await asked.get_latest_orderbook("SEI/USDC") is None
        await fair.tell_book("SEI/USDC", [("0.4", 5), ("0.5", 10)], [("0.6", 1), ("0.7", 2)])
        book = await asked.get_latest_orderbook("SEI/USDC")
        assert [book["symbol"], book["source"], book["state"]] == ["SEI/USDC", "fair", "live"]
        assert book["bids"] == [(Decimal("0.5"), 10), (Decimal("0.4"), 5)]
        assert book["asks"] == [(Decimal("0.6"), 1), (Decimal("0.7"), 2)]
        await fair.void_book("SEI/USDC")
        book = await asked.get_latest_orderbook("SEI/USDC")
        assert [book["state"], book["bids"], book["asks"]] == ["gap", None, None]


async def test_the_last_trades_are_told_newest_first():
    async with service() as (asked, fair):
        for number in range(600):
            await fair.tell_trade(number)
        found = await asked.get_recent_trades("SEI/USDC", limit=3)
        assert [(one["trade_id"], one["price"]) for one in found] == [
            ("t599", Decimal("599.54")),
            ("t598", Decimal("598.54")),
            ("t597", Decimal("597.54")),
        ]
        assert len(await asked.get_recent_trades("SEI/USDC", limit=1_000)) == 500
        assert len(await asked.get_recent_trades("SEI/USDC")) == 50
        assert await asked.get_recent_trades("nothing like it") == []


async def test_callbacks_get_every_trade_and_the_newest_of_every_book():
    trades, books, broken = [], [], []

    async def take_book(book):
        books.append((book["symbol"], book["bids"][0][0]))

    def fail(event):
        broken.append(event)
        raise RuntimeError("a bug of the user's")

    async with service() as (asked, fair):
        asked.subscribe_to_data("trades", fail)
        asked.subscribe_to_data("trades", lambda one: trades.append(one["trade_id"]))
        asked.subscribe_to_data("orderbook", take_book)
        for number in range(1, 101):
            await fair.tell_trade(number)
            await fair.tell_book("SEI/USDC", [(number, 1)], [])
        await fair.tell_book("wETH/USDC", [(7, 1)], [])
        await until(lambda: _holds({("SEI/USDC", 100), ("wETH/USDC", 7)} <= set(books)))
        await until(lambda: _holds(len(trades) == 100))
        assert trades == [f"t{number}" for number in range(1, 101)]
        told = (await asked.get_performance_metrics())["callbacks"]
        assert [one["errors"] for one in told] == [100, 0, 0]
        assert told[0]["last_error"] == "RuntimeError: a bug of the user's"
        (*_, newest) = [price for symbol, price in books if symbol == "SEI/USDC"]
        assert newest == 100


async def test_a_callback_that_unregisters_is_not_called_again():
    told = []
    async with service() as (asked, fair):
        handle = asked.subscribe_to_data("trade", told.append)
        await fair.tell_trade(1)
        await until(lambda: _holds(told))
        handle.unregister()
        other = asked.subscribe_to_data("trade", lambda _: None)
        await fair.tell_trade(2)
        await until(lambda: _holds(other.delivered_events))
        assert len(told) == 1


async def test_only_the_symbols_that_are_wanted_are_told():
    settings = Settings(trading=TradingSettings(symbols=("wETH/USDC", "fair:SEI/USDC")))
    async with service(settings, ("fair", "other")) as (asked, fair, other):
        for one in (fair, other):
            for instrument in ("SEI/USDC", "wETH/USDC", "ATOM/USDC"):
                await one.tell_trade(1, instrument=instrument)
        assert len(await asked.get_recent_trades("fair:SEI/USDC")) == 1
        assert len(await asked.get_recent_trades("SEI/USDC")) == 1  # of the other venue it is not wanted
        assert await asked.get_recent_trades("other:SEI/USDC") == []
        assert await asked.get_recent_trades("ATOM/USDC") == []
        with pytest.raises(
            Refused, match="expected one of fair:wETH/USDC, other:wETH/USDC, found 'wETH/USDC'"
        ):
            await asked.get_recent_trades("wETH/USDC")


async def test_health_names_each_part():
    async with service(sources=("fair", "other")) as (asked, fair, other):
        assert (await asked.get_health_status())["status"] == "healthy"
        other.state, other.fault = "stopped", "nobody answers at wss://me:secret@venue.example"
        found = await asked.get_health_status()
        assert found["status"] == "degraded"
        assert found["components"]["venue:fair"] == {"status": "healthy", "detail": ""}
        assert found["components"]["venue:other"] == {
            "status": "unhealthy",
            "detail": "down: nobody answers at wss://venue.example",
        }
        fair.state = "stopped"
        assert (await asked.get_health_status())["status"] == "unhealthy"


async def test_performance_tells_of_what_came():
    often = Settings(monitoring=MonitoringSettings(collection_interval_s=0.05))
    async with service(often) as (asked, fair):
        for number in range(10):
            await fair.tell_trade(number)

        async def is_counted():
            return (await asked.get_performance_metrics())["events_total"] == 10

        await until(is_counted)
        found = await asked.get_performance_metrics()
        assert found["machine"]["process_memory_bytes"] > 1_000_000


async def test_redis_beside_it_has_the_same_book():
    async with redis_server() as server:
        settings = Settings(redis=RedisSettings(url=f"redis://127.0.0.1:{server.port}"))
        async with service(settings) as (asked, fair), Redis(port=server.port) as redis:
            await fair.tell_book("SEI/USDC", [("0.5", 10)], [("0.6", 1), ("0.7", 2)])
            await until(lambda: redis.exists("tidemill:orderbook:fair:SEI/USDC"))
            told = json.loads(await redis.get("tidemill:orderbook:fair:SEI/USDC"))
            assert [told["bids"], told["asks"]] == [[["0.5", "10"]], [["0.6", "1"], ["0.7", "2"]]]
            await until(lambda: redis.exists("tidemill:health:status"))
            health = json.loads(await redis.get("tidemill:health:status"))
            assert health["components"]["redis"]["status"] == "healthy"
            assert (await asked.get_health_status())["components"].keys() == {"bus", "venue:fair", "redis"}


async def test_a_bug_in_a_reader_is_told_and_raised_at_the_end():
    fairs = []

    def open_fair(*given):
        fairs.append(Fair(*given))
        return fairs[0]

    asked = MarketDataService(Settings(), markets={"fair": open_fair})
    await asked.start()
    fairs[0].bug = RuntimeError("a bug of ours")
    fairs[0].ended.set()

    async def is_told():
        return (await asked.get_health_status())["detail"] == "RuntimeError: a bug of ours"

    await until(is_told)
    with pytest.raises(ExceptionGroup):
        await asked.stop()


async def test_it_may_be_started_again():
    async with service() as (asked, _):
        await asked.stop()
        assert not [task for task in asyncio.all_tasks() if task.get_name() == "market data"]
        await asked.start()
        assert (await asked.get_health_status())["status"] == "healthy"


async def test_nothing_to_read_is_refused():
    with pytest.raises(Refused, match="expected a venue or a chain in the settings, found none"):
        await MarketDataService(Settings()).initialize()


def test_kinds_and_callbacks_are_checked():
    asked = MarketDataService(Settings(), markets={})
    with pytest.raises(
        Refused, match=r"kind of data: expected one of orderbook, trades, bbo, block,.* 'books'"
    ):
        asked.subscribe_to_data("books", print)
    with pytest.raises(Refused, match="callback orderbook: expected a function, found str"):
        asked.subscribe_to_data("orderbook", "print")


async def _holds(value):
    return bool(value)
