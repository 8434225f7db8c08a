"""Does `up` keep Sei's order books, once across restarts, and say how they fare."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from tests.servers.sei import sei_server
from tests.system.program import kill_when, tidemill, up

from tidemill.app.control import ask_sql, ask_status
from tidemill.app.operating.status import _text
from tidemill.app.settings import read_settings
from tidemill.sandbox.emulators.sei.contract import CONTRACT

from .running import running_engine
from .until import until

MARKETS = ("SEI/USDC", "ATOM/USDC")


def settings_file(folder, *servers, **changes):
    first, *others = servers
    settings = {
        "chain_id": "atlantic-2",
        "ws_url": first.ws_url,
        "http_url": first.http_url,
        "start": 1,
        "confirm_ms": 100,
        "silence_ms": 2_000,
        "reconnect_first_ms": 50,
        "reconnect_max_ms": 500,
        **changes,
    }
    lines = ["[venues.sei]", *(f"{name} = {json.dumps(value)}" for name, value in settings.items())]
    for other in others:
        lines += ["[[venues.sei.fallbacks]]", f'ws_url = "{other.ws_url}"', f'http_url = "{other.http_url}"']
    for market in MARKETS:
        lines += [f'[venues.sei.instruments."{market}"]', f'contract = "{CONTRACT}"']
        lines += [f'market = "{market}"', "first_height = 1"]
    file = folder / "tidemill.toml"
    file.write_text("\n".join(lines) + "\n")
    return file


@asynccontextmanager
async def running(tmp_path, file):
    environment = read_settings(file, tmp_path / "data", {})
    async with running_engine(environment, environment.settings.chains) as engine:
        yield engine


async def proven(engine, server):
    """Wait until everything that the paused node has is proven and stored; return what is true."""
    await server.control(is_paused=True)
    truth = await server.truth()

    async def is_there():
        return engine.markets["sei"].reader.follower.height == truth["height"] and await engine.is_stored()

    await until(is_there)
    return truth


def kept_levels(engine, market):
    depth = engine.markets["sei"].books.depth(market, 10_000)
    sides = (("bid", depth.bids), ("ask", depth.asks))
    return {
        (side, int(level.price * 10**6)): int(level.size * 10**6)
        for side, levels in sides
        for level in levels
    }


async def test_books_and_trades_are_kept_once_across_restarts(tmp_path):
    async with sei_server() as server:
        file = settings_file(tmp_path, server)
        for _ in range(2):
            async with running(tmp_path, file) as engine:
                await proven(engine, server)
            await server.control(is_paused=False)
            await asyncio.sleep(0.5)  # blocks that nobody reads
        async with running(tmp_path, file) as engine:
            truth = await proven(engine, server)
            for market in MARKETS:
                assert kept_levels(engine, market) == truth["books"][market]
            rows = await engine.query("SELECT trade_id, count() AS times FROM trade GROUP BY trade_id")
            assert {row["trade_id"]: row["times"] for row in rows.to_pylist()} == {
                trade_id: 1 for trade_id in truth["trade_ids"]
            }
            tops = await engine.query(
                "SELECT argMax(bid_price, (recv_ns, sequence)) AS bid FROM book_top"
                " WHERE instrument = 'SEI/USDC' AND cause = 'kept'"
            )
            top = engine.markets["sei"].books.top("SEI/USDC")
            assert top is not None
            assert tops.to_pylist()[0]["bid"] == (top.bid.price if top.bid else None)
            blocks = await engine.query("SELECT sum(to_block - from_block + 1) AS blocks FROM coverage")
            assert blocks.to_pylist()[0]["blocks"] == truth["height"]
            status = await engine.status()
            assert status["venues"]["sei"]["state"] == "running"
            assert "2 of 2 books live" in _text(status)


async def test_a_node_of_another_network_is_told_and_the_right_one_read(tmp_path):
    async with sei_server(network="pacific-1") as wrong, sei_server() as right:
        async with running(tmp_path, settings_file(tmp_path, wrong, right)) as engine:
            await proven(engine, right)
            rows = await engine.query("SELECT detail FROM health WHERE state = 'refused'")
            (row,) = rows.to_pylist()
            assert "expected a node of network atlantic-2" in row["detail"]
            assert "found one of pacific-1" in row["detail"]


async def test_up_reads_sei_alone_and_is_whole_again_after_the_node_restarts(tmp_path):
    async with sei_server() as server:
        settings_file(tmp_path, server)
        async with up(tmp_path):

            async def trades_are_stored():
                status = await ask_status(tmp_path / "data")
                return bool(status) and status["venues"].get("sei", {}).get("live_books") == 2

            await until(trades_are_stored)
            await server.stop()
            await asyncio.sleep(1)
            await server.start()
            height = (await server.truth())["height"]
            async with asyncio.timeout(5):
                await until(lambda: _is_proven(tmp_path, height, stored=False))
            await server.control(is_paused=True)
            truth = await server.truth()
            await until(lambda: _is_proven(tmp_path, truth["height"], stored=True))
            rows = await ask_sql(tmp_path / "data", "SELECT count(), uniqExact(trade_id) FROM trade")
            assert rows is not None
            assert [column.to_pylist()[0] for column in rows.columns] == [len(truth["trade_ids"])] * 2
            code, said, _ = await tidemill(tmp_path, "status")
            assert code == 0
            assert "sei: running on atlantic-2" in said


async def test_after_kills_every_trade_is_stored_once(tmp_path):
    async with sei_server() as server:
        settings_file(tmp_path, server)
        for _ in range(3):
            height = (await server.truth())["height"]
            await kill_when(tmp_path, lambda height=height: _is_proven(tmp_path, height, stored=False))
        async with up(tmp_path):
            await server.control(is_paused=True)
            truth = await server.truth()
            await until(lambda: _is_proven(tmp_path, truth["height"], stored=True))
            rows = await ask_sql(tmp_path / "data", "SELECT trade_id FROM trade")
            assert rows is not None
            assert sorted(rows["trade_id"].to_pylist(), key=int) == truth["trade_ids"]
            rows = await ask_sql(
                tmp_path / "data", "SELECT sum(to_block - from_block + 1) AS n FROM coverage"
            )
            assert rows is not None
            assert rows["n"].to_pylist() == [truth["height"]]


async def test_the_doctor_says_which_node_is_of_another_network(tmp_path):
    async with sei_server() as right, sei_server(network="pacific-1") as wrong:
        settings_file(tmp_path, right)
        _, said, _ = await tidemill(tmp_path, "doctor")
        assert f"network atlantic-2 at {right.http_url}" in said
        settings_file(tmp_path, right, wrong)
        code, said, _ = await tidemill(tmp_path, "doctor")
        assert code != 0
        assert "expected a node of network atlantic-2, as chain_id says, found one of pacific-1" in said


async def _is_proven(tmp_path, height, *, stored):
    status = await ask_status(tmp_path / "data")
    if not status or (status["venues"].get("sei", {}).get("proven") or 0) < height:
        return False
    return status["store"]["is_stored"] or not stored


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"mapping": "limit_order"}, "expected one of flashmm, limit_orders, or a file .toml"),
        ({"http_url": "ftp://x"}, "http_url: expected http:// or https://"),
        ({"mapping": "flashmm"}, "contract: expected none, as the mapping checks none"),
    ],
)
async def test_settings_that_do_not_fit_are_refused_by_name(tmp_path, changes, said):
    async with sei_server() as server:
        settings_file(tmp_path, server, **changes)
    code, _, complaint = await tidemill(tmp_path, "up")
    assert code != 0
    assert said in complaint


def test_the_environment_of_the_source_names_the_node(tmp_path):
    environment = {
        "SEI_WS_URL": "wss://node.example/websocket",
        "SEI_RPC_URL": "https://node.example",
        "SEI_CHAIN_ID": "atlantic-2",
    }
    sei = read_settings(None, tmp_path, environment).settings.venues.sei
    assert (sei.ws_url, sei.http_url, sei.chain_id) == tuple(environment.values())
