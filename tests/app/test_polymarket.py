"""Are a local Polymarket's books kept right through everything that the venue does wrong, and told once."""

import asyncio
import json
import time
from collections import Counter
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from tests.servers.polymarket import local_polymarket

from tidemill.app.engine import Engine
from tidemill.app.operating.status import _text
from tidemill.app.settings import read_settings
from tidemill.app.venues.polymarket import PolymarketRun
from tidemill.bus import open_bus
from tidemill.core.clock import SystemClock
from tidemill.schema import derive
from tidemill.venues.polymarket_config import PolymarketConfig

from .until import until

QUICK = {
    "ping_interval_ms": 200,
    "live_ping_interval_ms": 200,
    "pong_timeout_ms": 2_000,
    "silence_ms": 500,
    "sync_timeout_ms": 300,
    "reconnect_first_ms": 50,
    "reconnect_max_ms": 500,
    "resync_pause_ms": 20,
    "audit_ms": 200,
    "answer_timeout_ms": 2_000,
    "trades_poll_ms": 100,
}


class Reading:
    """A reader of a local Polymarket, and all that it told."""

    def __init__(self, run, server, bus):
        self.run, self.server, self.bus = run, server, bus
        self.rows = {}

    @property
    def books(self):
        return self.run.books

    async def synced(self, count, timeout_s=20):
        async def is_synced():
            return self.books.live_count == count

        await until(is_synced, timeout_s)

    async def same_as_server(self):
        """Wait until every kept book is the server's; the server must have nothing happen meanwhile."""

        async def is_same():
            for token in self.run.reader.books.followed:
                kept = self.books.depth(token, 1_000)
                told = await self.server.book(token)
                if kept is None or [kept.bids, kept.asks] != [
                    sorted(sides(told["bids"]), reverse=True),
                    sorted(sides(told["asks"])),
                ]:
                    return False
            return True

        await until(is_same, 20)


def sides(levels):
    return [(Decimal(level["price"]), Decimal(level["size"])) for level in levels]


@asynccontextmanager
async def reading(server, **changes):
    config = PolymarketConfig(**{**server.settings, **QUICK, **changes})
    async with open_bus("memory://") as bus:
        heard = {}

        def committed(batches, offsets):
            for topic, batch in batches:
                heard.setdefault(topic, []).extend(derive.to_rows(topic, batch))

        run = PolymarketRun(config, bus, SystemClock(), on_batches=committed)
        reader = Reading(run, server, bus)
        reader.rows = heard
        task = asyncio.create_task(run.run())
        try:
            yield reader
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()


@pytest.fixture
async def still():
    """A server at which nothing happens but what it is told to do."""
    async with local_polymarket(markets=6, moves_per_s=0) as server:
        yield server


async def test_books_are_those_of_the_server_after_everything_that_happened(still):
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(moves=2_000)
        await reader.same_as_server()
        assert reader.books.counts.gaps == 0
        told = Counter({topic: len(rows) for topic, rows in reader.rows.items()})
        assert told["market"] == 12
        assert told["trade"] > 100
        identities = [
            tuple(row[name] for name in derive.identity("book_change")) for row in reader.rows["book_change"]
        ]
        assert len(set(identities)) == len(identities)


async def test_up_and_down_books_mirror_each_other(still):
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(moves=500)
        await reader.same_as_server()
        markets = {}
        for row in reader.rows["market"]:
            markets.setdefault(row["market"], []).append(row["instrument"])
        for up, down in markets.values():
            up_book, down_book = reader.books.depth(up, 100), reader.books.depth(down, 100)
            assert [(1 - level.price, level.size) for level in up_book.asks] == down_book.bids
            assert [(1 - level.price, level.size) for level in up_book.bids] == down_book.asks


async def test_every_book_that_rest_answers_is_compared_with_its_hash(still):
    def checks(reader):
        told = [row["hash_check"] for row in reader.rows.get("book_snapshot", [])]
        return Counter(check for check in told if check)

    async with reading(still) as reader:
        await reader.synced(12)
        await until(lambda: _holds(lambda: checks(reader)["matched"] >= 24))
        assert set(checks(reader)) == {"matched"}
        await still.control(set={"is_hash_wrong": True})
        await until(lambda: _holds(lambda: checks(reader)["different"] >= 12))
        assert "with its own hash" in str(reader.run.reader.faults[-1])
        assert reader.books.live_count == 12


async def _holds(holds):
    return holds()


async def test_no_connection_carries_more_tokens_than_the_venue_tells_changes_of(still):
    async with reading(still, tokens_per_connection=5, tokens_per_frame=2) as reader:
        await reader.synced(12)
        counts = await still.control()
        assert counts["most_tokens"] <= 5
        assert len(reader.run.reader.books.links) == 3
        await still.control(moves=300)
        await reader.same_as_server()


async def test_after_a_lost_connection_books_are_void_and_then_right_again(still):
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(end=True)
        await still.control(moves=200)
        await reader.same_as_server()
        states = [row["state"] for row in reader.rows["book_status"]]
        assert Counter(states) == {"live": 24, "gap": 12}
        assert "closed" in next(row["detail"] for row in reader.rows["book_status"] if row["state"] == "gap")


async def test_after_a_restart_of_the_server_data_flows_again_within_5_s():
    async with local_polymarket(markets=20, moves_per_s=200) as server, reading(server) as reader:
        await reader.synced(40)
        await server.stop()

        async def is_void():
            return reader.books.live_count == 0

        await until(is_void)
        await server.start()
        began_s = time.monotonic()
        await reader.synced(40)
        before = len(reader.rows["book_change"])

        async def is_flowing():
            return len(reader.rows["book_change"]) > before

        await until(is_flowing)
        assert time.monotonic() - began_s < 5


async def test_after_a_restart_of_the_server_every_book_is_its_own_again(still):
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(moves=300)
        await still.stop()
        await until(lambda: _holds(lambda: reader.books.live_count == 0))
        await still.start()  # with the books of its beginning
        await reader.synced(12)
        await still.control(moves=50)
        await reader.same_as_server()


async def test_a_change_of_yesterday_moves_no_book_that_is_newer(still):
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(moves=100)
        await reader.same_as_server()
        token = min(reader.run.reader.books.followed)
        before, skipped = reader.books.depth(token, 100), reader.books.counts.skipped
        await still.control(stale=token)
        await until(lambda: _holds(lambda: reader.books.counts.skipped > skipped))
        assert reader.books.depth(token, 100) == before
        assert reader.books.live_count == 12


async def test_a_socket_that_is_silent_while_it_answers_ping_is_replaced(still):
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(set={"is_frozen": True})
        await still.control(moves=200)
        link = reader.run.reader.books.links[0]
        before = link.connection_count

        async def is_replaced():
            return link.connection_count > before

        await until(is_replaced)
        await reader.same_as_server()  # the frozen server's books are asked for
        assert any("though there was news" in str(fault) for fault in reader.run.reader.faults)


async def test_a_socket_of_a_quiet_market_is_left_alone(still):
    async with reading(still, silence_ms=100) as reader:
        await reader.synced(12)
        asked = reader.run.reader.books.resync_count

        async def is_asked():
            return reader.run.reader.books.resync_count > asked + 60

        await until(is_asked)
        assert reader.run.reader.books.links[0].connection_count == 1


async def test_books_that_do_not_come_are_asked_for(still):
    await still.control(set={"no_books": True})
    async with reading(still) as reader:
        await reader.synced(12)
        assert reader.run.reader.books.resync_count >= 12
        await reader.same_as_server()


async def test_lost_frames_leave_no_book_wrong(still):
    await still.control(set={"drop_ppm": 200_000})
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(moves=2_000)
        await still.control(set={})
        await reader.same_as_server()
        counts = reader.books.counts
        assert counts.gaps + counts.snapshots_differing > 0


async def test_garbage_is_named_and_leaves_no_book_wrong(still):
    await still.control(set={"garbage_ppm": 200_000})
    async with reading(still) as reader:
        await reader.synced(12)
        await still.control(moves=500)
        await reader.same_as_server()
        faults = "\n".join(str(fault) for fault in reader.run.reader.faults)
        for expected in (
            "side BUY or SELL",
            "a price from 0 to 1",
            "expected a message",
            "a timestamp in ms",
        ):
            assert expected in faults
        assert "expected a token that is followed, found 99999" in faults
        assert {"Malformed", "Unknown"} <= set(reader.run.reader.fault_counts)


async def test_a_token_of_which_the_venue_has_no_book_is_named_and_left(still):
    async with reading(still, tokens=("123",)) as reader:
        await reader.synced(12)

        async def is_left():
            return len(reader.books) == 12

        await until(is_left)
        assert any("token 123, the venue has none" in str(fault) for fault in reader.run.reader.faults)


async def test_a_whale_s_trade_is_told_once_whoever_tells_it_how_often(still):
    await still.control(set={"repeat_ppm": 1_000_000})
    live = {"live_topics": ("activity.orders_matched",), "read_trades": True}
    async with reading(still, **live) as reader:
        await reader.synced(12)
        await still.control(whale=3)
        fills = (await still.control())["fills"]

        async def is_told():
            return (
                len(reader.rows.get("wallet_trade", ())) >= fills and reader.run.reader.repeated_count > fills
            )

        await until(is_told)
        trades = reader.rows["wallet_trade"]
        assert len(trades) == fills > 0
        whales = (await still.control())["whales"]
        assert all(f"0x{trade['wallet'].hex()}" in whales for trade in trades)


async def test_a_server_that_is_not_there_is_waited_for(still):
    await still.stop()
    async with reading(still, answer_timeout_ms=200) as reader:

        async def is_noted():
            return reader.run.reader.fault_counts["Unreachable"] > 1

        await until(is_noted)
        await still.start()
        await reader.synced(12)


async def test_up_stores_what_the_venue_tells_and_says_how_it_fares(tmp_path, still):
    settings = {**still.settings, **QUICK}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    file = tmp_path / "tidemill.toml"
    file.write_text("\n".join(["[venues.polymarket]", *lines]) + "\n")
    environment = read_settings(file, tmp_path / "data", {})
    async with Engine(environment, {}) as engine:
        task = asyncio.create_task(engine.run())

        async def is_synced():
            return engine.markets["polymarket"].books.live_count == 12

        await until(is_synced)
        await still.control(moves=300)
        wanted = (await still.control())["fills"]

        async def is_there():
            rows = await engine.query("SELECT count() AS n FROM trade")
            return rows.to_pylist()[0]["n"] == wanted and await engine.is_stored()

        await until(is_there)
        status = await engine.status()
        assert status["venues"]["polymarket"]["books_live"] == 12
        assert "polymarket: running, 12 of 12 books live" in _text(status)
        task.cancel()
        await asyncio.wait([task])


ACCOUNT = {"api_key": "local", "secret": "a secret of the account", "passphrase": "a phrase"}


async def test_an_own_fill_is_followed_until_it_is_settled_or_a_ghost(still):
    await still.control(set={"repeat_ppm": 1_000_000})
    async with reading(still, **ACCOUNT, ghost_after_ms=500) as reader:
        await reader.synced(12)

        async def is_admitted():
            await still.control(own="PLACED")
            return "own_order" in reader.rows

        await until(is_admitted)
        for status in ("MATCHED", "CONFIRMED", "MATCHED"):
            await still.control(own=status)

        def told():
            return [row["status"] for row in reader.rows.get("own_fill", ())]

        async def is_told():
            return told() == ["matched", "confirmed"]

        await until(is_told)  # what is told again, or twice, is told once


async def test_an_own_fill_that_is_never_settled_is_a_ghost(still):
    async with reading(still, **ACCOUNT, ghost_after_ms=300) as reader:
        await reader.synced(12)

        async def is_a_ghost():
            await still.control(own="MATCHED")
            return [row["status"] for row in reader.rows.get("own_fill", ())] == ["matched", "ghost"]

        await until(is_a_ghost)


async def test_wrong_credentials_end_the_account_s_socket_alone_and_are_not_tried_again(still):
    async with reading(still, **{**ACCOUNT, "api_key": "another"}) as reader:
        await reader.synced(12)

        async def is_refused():
            return reader.run.reader.fault_counts["Refused"] == 1

        await until(is_refused)
        link = reader.run.reader.links["user"]
        before = link.connection_count
        await still.control(moves=300)
        await reader.same_as_server()
        assert (link.connection_count, link.state) == (before, "refused")
