"""Does `up` keep what subgraphs tell, once across restarts, and say how far behind they are."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from tests.servers.running import subgraph_server

from tidemill.app.operating.show_config import main as show_config
from tidemill.app.operating.status import _text
from tidemill.app.settings import read_settings
from tidemill.app.venues.subgraphs import subgraphs_of
from tidemill.schema.faults import Refused
from tidemill.venues.subgraph_config import SubgraphConfig

from .conftest import chain_toml
from .crowd import TradingCrowd
from .running import running_engine
from .test_subgraph_feed import mirror
from .until import until


@pytest.fixture
async def server():
    async with subgraph_server() as running:
        yield running


def settings_file(tmp_path, world, server, **changes):
    subgraph = {
        "chain": "sandbox",
        "dex": "uniswap",
        "dialect": "uniswap_v3",
        "http_url": server.http_url(),
        "ws_url": server.ws_url(),
        "poll_ms": 50,
        "announced_poll_ms": 50,
        "dead_after_ms": 1_500,
        "answer_timeout_ms": 1_500,
        "lag_blocks_max": 30,  # what a busy machine is behind is less
        **changes,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in subgraph.items()]
    file = tmp_path / "tidemill.toml"
    file.write_text(chain_toml(world) + "\n".join(["[subgraphs.indexed]", *lines]) + "\n")
    return file


@asynccontextmanager
async def running(tmp_path, file):
    environment = read_settings(file, tmp_path / "data", {})
    async with running_engine(environment, environment.settings.chains) as engine:
        yield engine


async def told(engine):
    """Return the swaps that stand in the store, by id, with the count of each."""
    rows = await engine.query(
        "SELECT swap_id, sum(if(kind = 'told', 1, -1)) AS times FROM subgraph_swap GROUP BY swap_id"
    )
    return {row["swap_id"]: row["times"] for row in rows.to_pylist() if row["times"]}


async def stored(engine, server, since):
    async def is_there():
        if not engine.subgraphs or not await engine.bus.head("subgraph_swap"):
            return False
        world = await server.told()
        wanted = {swap["id"]: 1 for swap in world["swaps"] if swap["block"] > since}
        return await engine.is_stored() and await told(engine) == wanted

    await until(is_there)


async def reads(engine, what):
    async def is_there():
        return bool(engine.subgraphs) and (await engine.status())["subgraphs"]["indexed"]["reads"] == what

    await until(is_there)


async def test_what_a_subgraph_tells_is_stored_once_across_restarts_and_outages(
    fresh_world, tmp_path, server
):
    await mirror(server, fresh_world)
    file = settings_file(tmp_path, fresh_world, server)
    async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100) as crowd:
        async with running(tmp_path, file) as engine:
            await until(lambda: _begun(engine))
            since = engine.subgraphs["indexed"].reader.cursor.block_number
            await until(lambda: _count(engine, "subgraph_swap", 10))
            await crowd.reorg(2)
            await server.set(dead=True)
            await reads(engine, "chain")
            text = _text(await engine.status())
            assert "subgraph indexed: dead" in text
            assert "uniswap is read from the chain" in text
            await server.set(dead=False)
            await reads(engine, "subgraph")
        await asyncio.sleep(0.3)  # swaps that nobody reads
        async with running(tmp_path, file) as engine:
            await until(lambda: _begun(engine))
    async with running(tmp_path, file) as engine:
        await stored(engine, server, since)
        await until(lambda: _fresh(engine))
        status = (await engine.status())["subgraphs"]["indexed"]
        assert (status["state"], status["reads"], status["lag_blocks"]) == ("fresh", "subgraph", 0)
        assert "subgraph indexed: fresh, block" in _text(await engine.status())
        changes = await engine.query(
            "SELECT state, detail FROM health WHERE source = 'indexed' AND endpoint LIKE 'http%'"
            " ORDER BY event_ns"
        )
        states = [row["state"] for row in changes.to_pylist()]
        assert states[:3] == ["live", "down", "live"], "one event for each change"
        assert set(states[3:]) == {"live"}, "each run tells what it finds at first"
        detail = next(row["detail"] for row in changes.to_pylist() if row["state"] == "down")
        assert "uniswap as chain sandbox tells it stands in for it" in detail
        heads = await engine.query(
            "SELECT max(block_number) AS block, max(lag_blocks) AS lag FROM subgraph_head"
        )
        assert heads.to_pylist()[0]["block"] == (await server.told())["head"]
        rows = await engine.rows()
        assert min(rows["subgraph_pool"], rows["subgraph_balance"]) > 0
        covered = await engine.query(
            "SELECT status, from_block, to_block FROM coverage WHERE source = 'indexed'"
        )
        assert {row["status"] for row in covered.to_pylist()} == {"complete"}


async def _fresh(engine):
    return (await engine.status())["subgraphs"]["indexed"]["state"] == "fresh"


async def _begun(engine):
    return bool(engine.subgraphs) and engine.subgraphs["indexed"].reader.cursor.block_number is not None


async def _count(engine, table, count):
    return (await engine.rows())[table] >= count


async def test_an_exchange_that_the_chain_does_not_read_has_nobody_to_stand_in(fresh_world, tmp_path, server):
    await mirror(server, fresh_world)
    file = settings_file(tmp_path, fresh_world, server, dex="curve")
    await server.set(dead=True)
    async with running(tmp_path, file) as engine:
        await reads(engine, "nothing")
        detail = (await engine.status())["subgraphs"]["indexed"]["detail"]
        assert "answered HTTP 503" in detail


def test_a_token_is_never_shown(tmp_path, capsys):
    file = tmp_path / "tidemill.toml"
    file.write_text(
        '[chains.polygon]\nchain_id = 137\nhttp_url = "http://x"\n[subgraphs.one]\nchain = "polygon"\n'
        'dex = "curve"\ndialect = "messari"\nhttp_url = "http://x"\ntoken = "${SUBGRAPH_KEY}"\n'
    )
    environment = read_settings(file, None, {"SUBGRAPH_KEY": "sesame-open"})
    assert environment.settings.subgraphs["one"].token == "sesame-open"
    show_config(environment, is_json=False)
    by_variable = read_settings(
        file, None, {"SUBGRAPH_KEY": "x", "TIDEMILL_SUBGRAPHS_ONE_TOKEN": "sesame-too"}
    )
    assert by_variable.settings.subgraphs["one"].token == "sesame-too"
    show_config(by_variable, is_json=True)
    assert "sesame" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "chain", "said"),
    [
        ("one", "base", "subgraphs.one.chain: expected one of polygon, found 'base'"),
        ("polygon", "polygon", "expected another name than a chain has"),
    ],
)
def test_subgraphs_that_do_not_fit_to_the_chains_are_refused(name, chain, said):
    config = SubgraphConfig(source=name, chain=chain, dex="d", dialect="messari", http_url="http://x")
    with pytest.raises(Refused, match=said):
        subgraphs_of({name: config}, {"polygon": None})
