"""Is a venue of one file read by its settings alone, and its books kept right through what goes wrong."""

import json
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from tests.servers.programs import free_port

from tidemill.app.operating.status import _text
from tidemill.app.settings import read_settings
from tidemill.app.venues.markets import markets_of
from tidemill.schema.faults import Refused

from .running import running_engine
from .until import until

CAPTURES = Path(__file__).resolve().parents[1] / "captures/kraken"
INSTRUMENT = "XMR/USD"
CHECKSUM = "1697192530"
REFUSAL = '{"errorMessage":"Exceeded msg rate","event":"subscriptionStatus","status":"error"}'


class LocalKraken:
    """Speaks as Kraken does, of one instrument: a book, one change of it, one trade."""

    def __init__(self):
        self.port = free_port()
        self.said = []
        self.refusals = 0
        self.books = [(CAPTURES / f"book.{number}.json").read_text() for number in (1, 2)]
        self.books[1] = self.books[1].replace("2583817756", CHECKSUM)  # the capture was cut short
        self._sockets = []
        self._runner = None

    async def start(self):
        application = web.Application()
        application.router.add_get("/", self._socket)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()

    async def stop(self):
        for socket in self._sockets:
            await socket.close()
        await self._runner.cleanup()

    async def tell(self, text):
        await self._sockets[-1].send_str(text)

    async def _socket(self, request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self._sockets.append(socket)
        await socket.send_str('{"event":"systemStatus","status":"online"}')
        async for message in socket:
            said = json.loads(message.data)
            self.said.append((said["event"], said["subscription"]["name"], said["pair"]))
            if said["event"] == "subscribe" and self.refusals:
                self.refusals -= 1
                await socket.send_str(REFUSAL)
            elif said["event"] == "subscribe" and said["subscription"]["name"] == "book":
                for text in self.books:
                    await socket.send_str(text)
        return socket


@asynccontextmanager
async def reading(tmp_path):
    server = LocalKraken()
    await server.start()
    settings = tmp_path / "tidemill.toml"
    settings.write_text(
        f'[feeds.kraken]\ninstruments = ["{INSTRUMENT}"]\nws_url = "ws://127.0.0.1:{server.port}/"\n'
        'reconnect_max_ms = 500\n[bus]\nurl = "memory://"\n'
    )
    environment = read_settings(settings, tmp_path / "data", {})
    try:
        async with running_engine(environment, {}, with_store=False) as engine:
            yield engine, server
    finally:
        await server.stop()


async def live(engine, is_live=True):
    async def holds():
        return engine.markets["kraken"].books.is_live(INSTRUMENT) is is_live

    await until(holds)


async def told(engine, topic):
    return [entry.batch for entry in await engine.bus.read(topic, 0, batches_max=100)]


async def test_settings_alone_have_it_read(tmp_path):
    async with reading(tmp_path) as (engine, server):
        await live(engine)
        assert server.said == [("subscribe", "book", [INSTRUMENT]), ("subscribe", "trade", [INSTRUMENT])]
        await server.tell((CAPTURES / "trade.1.json").read_text())
        await until(lambda: _some(told(engine, "trade")))
        (trades,) = await told(engine, "trade")
        assert trades.num_rows == 2
        assert set(trades["source"].to_pylist()) == {"kraken"}
        status = engine.markets["kraken"].status()
        assert [status["state"], status["books_live"], status["faults"]] == ["running", 1, {}]
        assert "kraken: running, 1 of 1 books live, 0 gaps" in _text(await engine.status())
        depth = engine.depth("kraken", INSTRUMENT, 1)
        assert depth is not None
        assert depth.bids[0] == (3541 * 10**17, 2 * 10**18)


async def test_a_wrong_checksum_has_the_book_told_anew(tmp_path):
    async with reading(tmp_path) as (engine, server):
        await live(engine)
        await server.tell(server.books[1].replace(CHECKSUM, "1"))
        await until(lambda: _has(server.said, ("unsubscribe", "book", [INSTRUMENT])))
        await live(engine)
        assert engine.markets["kraken"].books.counts.gaps == 1
        states = [one for batch in await told(engine, "book_status") for one in batch["state"].to_pylist()]
        assert states == ["live", "gap", "live"]


async def test_a_book_that_the_venue_refuses_to_tell_anew_is_asked_for_again(tmp_path):
    async with reading(tmp_path) as (engine, server):
        await live(engine)
        server.refusals = 1
        await server.tell(server.books[1].replace(CHECKSUM, "1"))
        await until(lambda: _has(server.said, ("unsubscribe", "book", [INSTRUMENT])))
        await live(engine)
        assert server.said.count(("subscribe", "book", [INSTRUMENT])) == 3
        assert engine.markets["kraken"].status()["sockets"]["kraken"]["connections"] == 1


async def test_a_change_that_cannot_be_read_has_the_book_told_anew(tmp_path):
    async with reading(tmp_path) as (engine, server):
        await live(engine)
        await server.tell(server.books[1].replace("5.00000000", "five"))
        await until(lambda: _has(server.said, ("unsubscribe", "book", [INSTRUMENT])))
        await live(engine)
        assert engine.markets["kraken"].fault_counts == {"Malformed": 1}


async def test_books_are_void_while_the_venue_is_away_and_right_5_s_after_it_is_back(tmp_path):
    async with reading(tmp_path) as (engine, server):
        await live(engine)
        await server.stop()
        await live(engine, is_live=False)
        assert engine.depth("kraken", INSTRUMENT, 1) is None
        await server.start()

        async def is_live():
            return engine.markets["kraken"].books.is_live(INSTRUMENT)

        await until(is_live, timeout_s=5)
        assert engine.markets["kraken"].status()["sockets"]["kraken"]["connections"] == 2


async def test_a_book_that_is_told_wrong_again_and_again_makes_no_storm(tmp_path):
    async with reading(tmp_path) as (engine, server):
        await live(engine)
        server.books[1] = server.books[1].replace(CHECKSUM, "1")
        await server.tell(server.books[1])
        await until(lambda: _true(server.said.count(("subscribe", "book", [INSTRUMENT])) == 3))
        gaps = engine.markets["kraken"].books.counts.gaps
        assert gaps <= 3


def test_a_feed_that_nobody_wrote_is_refused_by_name(tmp_path):
    settings = tmp_path / "tidemill.toml"
    settings.write_text('[feeds.krakken]\ninstruments = ["XBT/USD"]\n')
    with pytest.raises(Refused, match=r"feeds\.krakken: expected one of kraken, found 'krakken'"):
        markets_of(read_settings(settings, tmp_path, {}).settings)


def test_a_feed_without_instruments_is_refused(tmp_path):
    settings = tmp_path / "tidemill.toml"
    settings.write_text("[feeds.kraken]\ninstruments = []\n")
    with pytest.raises(Refused, match=r"feeds\.kraken\.instruments"):
        read_settings(settings, tmp_path, {})


async def _some(reading):
    return bool(await reading)


async def _true(value):
    return value


async def _has(all_of, one):
    return one in all_of
