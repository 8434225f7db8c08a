"""Does the reader have exactly the node's books and trades, whatever the node and the way to it do."""

import asyncio
import time
from contextlib import asynccontextmanager

import pytest
from msgspec.structs import replace
from tests.app.until import until
from tests.servers.sei import sei_server

from tidemill.core.clock import SystemClock
from tidemill.sandbox.emulators.sei.contract import CONTRACT
from tidemill.schema.events import (
    BookChange,
    BookSnapshot,
    Coverage,
    CoverageStatus,
    HealthState,
    Proof,
    Trade,
)
from tidemill.schema.faults import Gap, Refused, leaves
from tidemill.venues.sei.config import SeiConfig, SeiEndpointConfig, SeiInstrument
from tidemill.venues.sei.reader import SeiReader
from tidemill.venues.sei.telling import Void

MARKETS = ("SEI/USDC", "ATOM/USDC")


def config_of(*servers, **changes):
    endpoints = [
        SeiEndpointConfig(ws_url=one.ws_url, http_url=one.http_url, attributes=one.attributes)
        for one in servers
    ]
    instruments = {
        market: SeiInstrument(source=market, contract=CONTRACT, market=market, first_height=1)
        for market in MARKETS
    }
    config = SeiConfig(
        chain_id="atlantic-2",
        ws_url=endpoints[0].ws_url,
        http_url=endpoints[0].http_url,
        attributes=endpoints[0].attributes,
        fallbacks=tuple(endpoints[1:]),
        instruments=instruments,
        start=1,
        confirm_ms=100,
        silence_ms=5_000,
        reconnect_first_ms=50,
        reconnect_max_ms=500,
        answer_timeout_ms=2_000,
    )
    return replace(config, **changes)


class Heard:
    """What a reader told, and the books that come of it."""

    def __init__(self) -> None:
        self.events = []
        self.books = {}
        self.kept = {}

    async def take(self, told, kept):
        self.events += told
        self.kept |= kept
        for event in told:
            match event:
                case BookSnapshot():
                    self.books[event.instrument] = {}
                case BookChange() if event.instrument in self.books:
                    book, key = self.books[event.instrument], (event.side, event.price)
                    if event.size:
                        book[key] = event.size
                    else:
                        book.pop(key, None)
                case Void():
                    self.books.pop(event.instrument, None)
                case _:
                    pass

    def trade_ids(self):
        return [event.trade_id for event in self.events if isinstance(event, Trade)]

    def raw_books(self):
        return {
            market: {
                (side.value, int(price * 10**6)): int(size * 10**6) for (side, price), size in book.items()
            }
            for market, book in self.books.items()
        }


@asynccontextmanager
async def reading(config, heard):
    reader = SeiReader(config, SystemClock(), "run", heard.take)
    task = asyncio.create_task(reader.run(heard.kept))
    try:
        yield reader
    finally:
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.result()


async def agrees(server, reader, heard, *, in_order=True):
    """Wait until the reader has proven all that the paused node has, then compare."""
    await server.control(is_paused=True)
    truth = await server.truth()

    async def is_there():
        return reader.follower.height == truth["height"]

    await until(is_there, 30)
    assert heard.raw_books() == truth["books"]
    told = heard.trade_ids()
    assert (told if in_order else sorted(told, key=int)) == truth["trade_ids"]
    await server.control(is_paused=False)


async def begun(reader, blocks=20):
    async def is_there():
        return (reader.follower.height or 0) > (reader.follower.tip or 1 << 40) - blocks

    await until(is_there, 30)


async def settled(server, reader, heard, *, in_order=True):
    """Let some more blocks pass, then compare."""
    await begun(reader)
    height = reader.follower.height

    async def is_there():
        return reader.follower.height >= height + 15

    await until(is_there, 30)
    await agrees(server, reader, heard, in_order=in_order)


def covered(heard):
    """Return the blocks that were told to be complete, each as often as it was."""
    told = [event for event in heard.events if isinstance(event, Coverage)]
    return [
        height
        for event in told
        if event.status is CoverageStatus.COMPLETE
        for height in range(event.from_block, event.to_block + 1)
    ]


@pytest.mark.parametrize("attributes", ["base64", "plain"])
async def test_books_and_trades_are_the_nodes_own(attributes):
    async with (
        sei_server(attributes=attributes) as server,
        reading(config_of(server), heard := Heard()) as reader,
    ):
        await settled(server, reader, heard)
        assert reader.fault_count == 0, list(reader.faults)
        assert covered(heard) == list(range(1, reader.follower.height + 1)), "each block once"
        trades = [event for event in heard.events if isinstance(event, Trade)]
        assert all(trade.tx_hash is not None for trade in trades)
        assert {trade.instrument for trade in trades} == set(MARKETS)


@pytest.mark.parametrize(
    "faults",
    [{"garbage_percent": 20}, {"heads_left_out_percent": 30}, {"slow_ms": 30}],
)
async def test_what_the_socket_leaves_out_comes_with_its_block(faults):
    async with sei_server() as server, reading(config_of(server), heard := Heard()) as reader:
        await begun(reader)
        await server.control(**faults)
        await settled(server, reader, heard)
        assert covered(heard) == list(range(1, reader.follower.height + 1))


async def test_transactions_that_the_socket_drops_are_told_late_and_as_a_fault():
    async with sei_server() as server, reading(config_of(server, confirm_ms=500), heard := Heard()) as reader:
        await begun(reader)
        await server.control(drop_percent=20)

        async def is_told():
            return any("were not told" in str(fault) for fault in reader.faults)

        await until(is_told)
        await settled(server, reader, heard, in_order=False)


async def test_queries_beyond_five_go_over_further_sockets():
    async with sei_server() as server:
        config = config_of(server)
        others = {
            f"OTHER/{number}": SeiInstrument(
                source=f"OTHER/{number}", contract=f"sei1other{number}", market="x"
            )
            for number in range(6)
        }
        config = replace(config, instruments={**config.instruments, **others})
        async with reading(config, heard := Heard()) as reader:
            await settled(server, reader, heard)
            truth = await server.truth()
            assert truth["clients"] == 2
            assert truth["counts"]["asked subscribe"] == 8
            assert "refused" not in truth["counts"]


async def test_a_node_that_is_back_is_read_within_5_s_and_nothing_is_missing():
    async with sei_server() as server, reading(config_of(server), heard := Heard()) as reader:
        await begun(reader)
        await server.stop()

        async def is_down():
            return reader.leader is None

        await until(is_down)
        await asyncio.sleep(1)  # blocks that nobody tells
        await server.start()
        before = len(heard.events)
        async with asyncio.timeout(5):
            await until(lambda: _trades_after(heard, before))
        await settled(server, reader, heard)
        assert covered(heard) == list(range(1, reader.follower.height + 1))


async def _trades_after(heard, count):
    return any(isinstance(event, Trade) for event in heard.events[count:])


async def test_a_node_that_falls_silent_is_left_for_the_next():
    genesis_s = int(time.time()) - 30
    async with sei_server(genesis_s=genesis_s) as first, sei_server(genesis_s=genesis_s) as second:
        config = config_of(first, second, silence_ms=500)
        async with reading(config, Heard()) as reader:
            await begun(reader)
            await first.control(is_silent=True)

            async def is_second():
                return reader.leader == second.ws_url

            await until(is_second, 10)
            assert reader.states[first.ws_url].state is HealthState.DOWN
            assert "announced no block" in reader.states[first.ws_url].detail


async def test_a_node_of_another_network_is_refused_and_the_other_one_read():
    async with sei_server(network="pacific-1") as wrong, sei_server() as right:
        async with reading(config_of(wrong, right), heard := Heard()) as reader:
            await settled(right, reader, heard)
            health = reader.states[wrong.ws_url]
            assert health.state is HealthState.REFUSED
            assert (
                "expected a node of network atlantic-2, as chain_id says, found one of pacific-1"
                in health.detail
            )
            await right.control(is_dead=True)

            async def is_down():
                return reader.states[right.ws_url].state is HealthState.DOWN

            await until(is_down)
            await asyncio.sleep(1)  # long enough for it to try whatever is left
            assert reader.leader is None
            assert (await wrong.truth())["counts"].get("asked subscribe") is None


async def test_a_node_that_comes_back_as_one_of_another_network_is_refused_and_tells_nothing():
    genesis_s = int(time.time()) - 30
    async with sei_server(genesis_s=genesis_s) as changed, sei_server(genesis_s=genesis_s) as right:
        async with reading(config_of(changed, right), heard := Heard()) as reader:
            await begun(reader)
            await changed.stop()
            await changed.start(network="pacific-1")
            await right.stop()  # now the other one is tried again

            async def is_refused():
                return reader.states[changed.ws_url].state is HealthState.REFUSED

            await until(is_refused, 30)
            await right.start()
            await settled(right, reader, heard)
            assert (await changed.truth())["counts"].get("asked subscribe") is None


async def test_a_node_that_lacks_what_is_proven_is_left_for_the_next():
    young = {"genesis_s": int(time.time()), "block_ms": 1_000}
    async with sei_server() as old, sei_server(**young) as behind:
        heard = Heard()
        async with reading(config_of(old), heard) as reader:
            await begun(reader)
        async with reading(config_of(behind, old), heard) as reader:
            await settled(old, reader, heard)
            assert "which is proven, found it at" in reader.states[behind.ws_url].detail


async def test_with_only_nodes_of_other_networks_the_reader_ends():
    async with sei_server(network="pacific-1") as wrong:
        reader = SeiReader(config_of(wrong), SystemClock(), "run", Heard().take)
        with pytest.raises(ExceptionGroup) as ended:
            await asyncio.wait_for(reader.run({}), 10)
        (fault,) = leaves(ended.value)
        assert isinstance(fault, Refused)
        assert "no endpoint is left: " in str(fault)
        assert "found one of pacific-1" in str(fault)


async def test_attributes_that_are_not_as_stated_are_told_and_not_guessed():
    async with sei_server(attributes="plain") as server:
        server.attributes = "base64"
        async with reading(config_of(server), heard := Heard()) as reader:

            async def is_told():
                return any("expected base64 attributes, as stated" in str(fault) for fault in reader.faults)

            await until(is_told, 15)
            assert not heard.books
            assert not heard.trade_ids()


async def test_after_a_restart_every_trade_is_told_once_and_books_are_right():
    async with sei_server() as server:
        heard = Heard()
        for _ in range(4):
            heard.books.clear()  # a run begins with whole books
            async with reading(config_of(server), heard) as reader:
                await begun(reader)
                height = reader.follower.height
                await until(lambda reader=reader, height=height: _at(reader, height + 3), 30)
        heard.books.clear()
        async with reading(config_of(server), heard) as reader:
            await settled(server, reader, heard)
        assert covered(heard) == list(range(1, reader.follower.height + 1))


async def _at(reader, height):
    return reader.follower.height >= height


async def test_without_its_first_block_a_book_waits_for_a_whole_one():
    async with sei_server() as server:
        async with reading(config_of(server, start="latest"), heard := Heard()) as reader:

            async def are_whole():
                return len(heard.books) == 2

            await until(are_whole, 30)
            await server.control(is_paused=True)
            truth = await server.truth()
            await until(lambda: _at(reader, truth["height"]), 30)
            assert heard.raw_books() == truth["books"]
            told = heard.trade_ids()
            assert told == truth["trade_ids"][-len(told) :], "no trade is missing in between"
            assert not any(fault for fault in reader.faults if isinstance(fault, Gap))


async def test_too_long_an_absence_is_told_as_a_gap():
    async with sei_server(genesis_s=int(time.time()) - 300) as server:
        config = config_of(server, catch_up_blocks_max=50)
        async with reading(config, heard := Heard()) as reader:
            await until(lambda: _whole(heard), 30)
            gaps = next(event for event in heard.events if isinstance(event, Coverage))
            assert (gaps.status, gaps.from_block, gaps.proof) == (CoverageStatus.GAP, 1, Proof.NONE)
            assert reader.follower.height > 2_900


async def _whole(heard):
    return len(heard.books) == 2
