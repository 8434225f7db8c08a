"""The latest books and trades in a real Redis: what is there, also after it was away or said no."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from redis.asyncio import Redis
from tests.app.until import until
from tests.servers.databases import redis_server
from tests.store.market import START_NS, kept_books, status, top, trade

from tidemill.bus import open_bus
from tidemill.schema import derive
from tidemill.schema.events import BookState
from tidemill.schema.faults import Refused, Unreachable, leaves
from tidemill.store.latest import TOPICS, LatestStore, RedisLink
from tidemill.store.latest_config import RedisSettings
from tidemill.store.tail import Tail, WhenFull

BOOK, TRADES = "tidemill:orderbook:fair:SEI/USDC", "tidemill:trades:fair:SEI/USDC"


def batch(*events):
    return events[0].__struct_config__.tag, derive.to_batch(events)


@asynccontextmanager
async def store_at(port, kept=None, password="", **settings) -> AsyncIterator[LatestStore]:
    given = RedisSettings(url=f"redis://:{password}@127.0.0.1:{port}/0", **settings)
    async with RedisLink(given) as link:
        yield LatestStore(link, given, *([kept] if kept else []))


@asynccontextmanager
async def tailing(bus, store, settings=None, on_fault=lambda _: None):
    tail = Tail(bus, store, "redis", TOPICS, settings or RedisSettings(), on_fault=on_fault)
    await tail.start()
    running = asyncio.create_task(tail.run())
    try:
        yield tail
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_a_book_and_its_trades_are_there_as_told():
    bids = [("0.500000000000000001", "10"), ("0.4", "5"), ("0.3", "1")]
    kept = {"fair": kept_books("SEI/USDC", bids, [("0.6", "1000")])}
    async with redis_server() as server, store_at(server.port, kept.get, depth_levels=2) as store:
        await store.put([batch(top(1), top(2)), batch(status(1, BookState.LIVE)), batch(trade(1), trade(2))])
        async with Redis(port=server.port, decode_responses=True) as asked:
            book = json.loads(await asked.get(BOOK))
            assert book["bids"] == [["0.500000000000000001", "10"], ["0.4", "5"]]
            assert book["asks"] == [["0.6", "1000"]]
            assert [book["state"], book["sequence"], book["recv_ns"]] == ["live", 2, START_NS + 7]
            trades = [json.loads(one) for one in await asked.zrange(TRADES, 0, 10, desc=True)]
            assert [(one["trade_id"], one["price"], one["size"]) for one in trades] == [
                ("t2", "2.54", "100"),
                ("t1", "1.54", "100"),
            ]
            assert 0 < await asked.ttl(BOOK) <= 3600
            assert 0 < await asked.ttl(TRADES) <= 3600


async def test_a_book_with_a_gap_has_no_levels_until_it_is_live_again():
    async with redis_server() as server, store_at(server.port) as store, Redis(port=server.port) as asked:
        await store.put([batch(top(1)), batch(status(1, BookState.LIVE))])
        assert json.loads(await asked.get(BOOK))["bids"] == [["1.5", "10"]]
        await store.put([batch(status(2, BookState.GAP))])
        told = json.loads(await asked.get(BOOK))
        assert [told["state"], told["bids"], told["asks"]] == ["gap", None, None]
        await store.put([batch(top(3, bid_price=None, bid_size=None)), batch(status(3, BookState.LIVE))])
        told = json.loads(await asked.get(BOOK))
        assert [told["state"], told["bids"], told["asks"]] == ["live", [], [["3.6", "20"]]]


async def test_only_the_newest_trades_are_kept_and_none_twice():
    async with redis_server() as server, store_at(server.port, trades_kept=3) as store:
        for number in range(10):
            for _ in range(2):  # as after an answer that was lost
                await store.put([batch(trade(number))])
        async with Redis(port=server.port) as asked:
            kept = [json.loads(one)["trade_id"] for one in await asked.zrange(TRADES, 0, -1)]
            assert kept == ["t7", "t8", "t9"]


async def test_what_is_written_is_published_on_the_channel_of_the_same_name():
    async with redis_server() as server, store_at(server.port) as store, Redis(port=server.port) as asked:
        async with asked.pubsub() as heard, asyncio.timeout(20):
            await heard.psubscribe("tidemill:*")
            await store.put([batch(top(1)), batch(trade(1))])
            told = []
            async for message in heard.listen():
                if message["type"] == "pmessage":
                    told.append((message["channel"].decode(), json.loads(message["data"])["sequence"]))
                if len(told) == 2:
                    break
            assert sorted(told) == [(BOOK, 1), (TRADES, 1)]  # sent over two connections


async def test_metrics_and_health_go_by_themselves():
    async with redis_server() as server, store_at(server.port, prefix="mine") as store:
        await store.put_metrics({"events_per_s": 1.5})
        await store.put_health({"status": "healthy"})
        async with Redis(port=server.port) as asked:
            assert json.loads(await asked.get("mine:metrics:realtime")) == {"events_per_s": 1.5}
            assert json.loads(await asked.get("mine:health:status")) == {"status": "healthy"}
            assert 50 < await asked.ttl("mine:metrics:realtime") <= 60
            assert 110 < await asked.ttl("mine:health:status") <= 120


async def test_what_comes_while_redis_is_away_is_there_when_it_is_back():
    faults = []
    async with redis_server() as server, open_bus("memory://") as bus, store_at(server.port) as store:
        async with tailing(bus, store, on_fault=faults.append) as tail:
            await bus.commit([batch(trade(1))])
            async with Redis(port=server.port) as asked:
                await until(lambda: asked.exists(TRADES))
            await server.server.stop()
            for number in range(2, 6):
                await bus.commit([batch(trade(number))])
            await until(lambda: _true(faults))
            assert isinstance(faults[0], Unreachable)
            assert not tail.counts.is_up
            await server.server.start()  # an empty one, for it keeps nothing on disk
            async with Redis(port=server.port) as asked:
                await until(lambda: _same(asked.zcard(TRADES), 4))
            await until(lambda: _true(tail.counts.rows == 5))
            assert [tail.counts.is_up, tail.counts.dropped_batches] == [True, 0]


async def test_beyond_the_bound_the_oldest_go_and_are_counted():
    settings = RedisSettings(behind_batches_max=10, backoff_max_ms=200)
    async with redis_server() as server, open_bus("memory://") as bus, store_at(server.port) as store:
        await server.server.stop()
        async with tailing(bus, store, settings) as tail:
            await bus.commit([batch(trade(0))])
            await until(lambda: _true(tail.counts.retries))
            held = [trade(number, sequence=number) for number in range(1, 21_000)]
            await bus.commit([batch(*held)])  # fills what is held in memory
            for number in range(30_000, 30_500):
                await bus.commit([batch(trade(number))])
            await server.server.start()
            async with Redis(port=server.port) as asked:
                await until(lambda: _newest(asked, "t30499"))
            # Redis has a row before the tail has heard that it has.
            await until(lambda: _true(tail.counts.rows + tail.counts.dropped_batches == 21_000 + 500))
            assert tail.counts.dropped_batches >= 200


async def test_a_place_is_kept_over_a_restart_and_blocks_the_bus_only_where_asked():
    for when_full in WhenFull:
        async with redis_server() as server, open_bus("memory://") as bus, store_at(server.port) as store:
            settings = RedisSettings(when_full=when_full)
            async with tailing(bus, store, settings) as tail:
                await bus.commit([batch(trade(1))])
                await until(lambda tail=tail: _true(tail.counts.rows))
            await bus.commit([batch(trade(2))])
            assert bool(await bus.state(b"consumer/redis/trade")) == (when_full is WhenFull.BLOCK)
            async with tailing(bus, store, settings) as again:
                await until(lambda again=again: _true(again.counts.rows))
                assert again.counts.rows == 1  # not what was there before


async def test_what_waits_on_the_disk_is_brought_by_the_next_process(tmp_path):
    async with redis_server() as server:
        await server.server.stop()
        async with open_bus(f"lmdb://{tmp_path / 'bus'}") as bus, store_at(server.port) as store:
            async with tailing(bus, store) as tail:
                for number in range(50):
                    await bus.commit([batch(trade(number))])
                await until(lambda: _true(tail.counts.retries))
        await server.server.start()
        async with open_bus(f"lmdb://{tmp_path / 'bus'}") as bus, store_at(server.port) as store:
            async with tailing(bus, store), Redis(port=server.port) as asked:
                await until(lambda: _same(asked.zcard(TRADES), 50))


async def test_a_wrong_password_is_refused_once_and_holds_nothing():
    faults = []
    async with redis_server("--requirepass", "right-password") as server, open_bus("memory://") as bus:
        async with store_at(server.port, password="wrong-password") as store:
            tail = Tail(bus, store, "redis", TOPICS, RedisSettings(when_full="block"), on_fault=faults.append)
            await tail.start()
            await bus.commit([batch(trade(1))])
            with pytest.raises(ExceptionGroup) as raised:
                async with asyncio.timeout(20):
                    await tail.run()
        (fault,) = leaves(raised.value)
        assert isinstance(fault, Refused)
        assert faults == [fault]
        assert "correct redis.url (REDIS_URL)" in str(fault)
        assert "wrong-password" not in str(fault)
        assert await bus.state(b"consumer/") == []
        async with Redis(port=server.port, password="right-password") as asked:
            refused = await asked.info("stats")
            assert refused["total_connections_received"] < 5


async def test_a_password_that_is_missing_is_refused_too():
    async with redis_server("--requirepass", "right-password") as server, store_at(server.port) as store:
        with pytest.raises(Refused, match="REDIS_URL"):
            await store.put_health({})


async def test_a_redis_without_memory_is_tried_again():
    async with redis_server("--maxmemory", "1mb") as server, store_at(server.port) as store:
        with pytest.raises(Unreachable, match="takes nothing now"):
            await store.put([batch(trade(number, trade_id="x" * 10_000)) for number in range(1_000)])


async def test_books_too_are_tried_again_by_a_redis_without_memory():
    async with redis_server("--maxmemory", "1") as server, store_at(server.port) as store:
        with pytest.raises(Unreachable, match="takes nothing now"):
            await store.put([batch(top(1))])


async def test_a_redis_whose_copies_lag_is_tried_again():
    async with redis_server("--min-replicas-to-write", "1") as server, store_at(server.port) as store:
        with pytest.raises(Unreachable, match="takes nothing now"):
            await store.put([batch(top(1))])


async def test_a_user_who_may_run_no_scripts_is_refused_and_told_so():
    user = ["--user", "plain", "on", ">secret", "~*", "&*", "+@all", "-@scripting"]
    async with redis_server(*user) as server:
        settings = RedisSettings(url=f"redis://plain:secret@127.0.0.1:{server.port}/0")
        async with RedisLink(settings) as link:
            with pytest.raises(Refused, match="REDIS_URL"):
                await LatestStore(link, settings).put([batch(top(1))])


@pytest.mark.parametrize(
    "url",
    ["http://127.0.0.1", "redis://:pa]ss@h", "redis://[::1", "redis://:p℀ss@h", "redis://:ss@h/0?nothing=1"],
)
def test_a_url_that_cannot_be_read_is_refused(url):
    with pytest.raises(Refused, match=r"redis\.url: expected redis://") as told:
        RedisLink(RedisSettings(url=url))
    assert "ss@h" not in str(told.value)


async def _true(value):
    return bool(value)


async def _same(asked, expected):
    return await asked == expected


async def _newest(asked, trade_id):
    found = await asked.zrange(TRADES, -1, -1)
    return bool(found) and json.loads(found[0])["trade_id"] == trade_id


async def test_who_is_cancelled_at_any_moment_of_a_write_ends():
    async def write_on(link):
        while True:
            await link.send([("SET", "key", "value")])

    async with redis_server() as server:
        given = RedisSettings(url=f"redis://127.0.0.1:{server.port}/0")
        async with RedisLink(given) as link:
            for turns in range(60):
                writing = asyncio.create_task(write_on(link))
                for _ in range(turns):
                    await asyncio.sleep(0)
                writing.cancel()
                done, _ = await asyncio.wait([writing], timeout=1)
                if not done:
                    writing.cancel()  # once more, or the test itself would not end
                    await asyncio.wait([writing])
                assert done, f"it went on when it was cancelled after {turns} turns of the loop"
