"""Does an exchange's every swap reach its callback once, from the subgraph or from the chain beneath it."""

import msgspec
import pytest
from tests.servers.running import subgraph_server

from tidemill import WebSocketManager
from tidemill.app.chains.dex_feed import members_by_name
from tidemill.app.operating.config_json import settings_of
from tidemill.app.sandbox.world import world_config
from tidemill.app.settings import Settings
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.faults import Refused
from tidemill.venues.subgraph_config import SubgraphConfig

from .crowd import TradingCrowd
from .test_websocket_manager import Seen, none_left_behind, swaps_of
from .until import until

CHAIN, DEX = "sandbox", "uniswap_v3"
KEY = f"{DEX}:{CHAIN}"


@pytest.fixture
async def server():
    async with subgraph_server() as running:
        yield running


def chain_config(world):
    """Return the chain's settings, where each protocol of an exchange has a name of its own."""
    config = world_config(world, further=())
    factories = tuple(
        msgspec.structs.replace(one, dex=f"{one.dex}{one.protocol.removeprefix('uniswap')}")
        for one in config.factories
    )
    return msgspec.structs.replace(
        config, factories=factories, reconnect_first_ms=50, retry_first_ms=50, poll_ms=50
    )


def subgraph_config(server, **changes):
    config = SubgraphConfig(
        source="indexed",
        chain=CHAIN,
        dex=DEX,
        dialect="uniswap_v3",
        http_url=server.http_url(),
        ws_url=server.ws_url(),
        poll_ms=50,
        announced_poll_ms=50,
        dead_after_ms=1_500,
        answer_timeout_ms=1_500,
        lag_blocks_max=30,  # what a busy machine is behind is less
    )
    return msgspec.structs.replace(config, **changes)


def settings_for(world, server, **changes):
    return Settings(
        chains={CHAIN: chain_config(world)}, subgraphs={"indexed": subgraph_config(server, **changes)}
    )


async def mirror(server, world):
    """Have the test server index the world's V3 pools."""
    tokens = {token.address: token for token in world.tokens}
    pools = [
        {
            "id": pool.address,
            "tokens": [
                {
                    "id": address,
                    "symbol": tokens[address].symbol,
                    "decimals": tokens[address].decimals,
                }
                for address in (pool.token0, pool.token1)
            ],
        }
        for pool in world.pools
        if pool.dex == "uniswap" and pool.protocol == "uniswap_v3"
    ]
    await server.control(mirror={"rpc_url": world.http_url, "pools": pools})
    await until(lambda: _indexed(server, world))


async def _indexed(server, world):
    async with Rpc(world.http_url) as rpc:
        return (await server.told())["head"] == int(await rpc.call("eth_blockNumber"), 16)


def swaps_seen(seen):
    """Return transaction and log index of every swap, from whichever side; each must be there once."""
    told = [(one["tx_hash"], one["log_index"]) for one in seen.events if one["event"] == "swap"]
    told += [
        (one["tx_hash"], one["log_index"])
        for one in seen.events
        if one["event"] == "subgraph_swap" and one["kind"] == "told"
    ]
    assert len(set(told)) == len(told), "a swap was told twice"
    return set(told)


async def reads(manager, what):
    async def is_there():
        return manager.get_connection_status()[KEY].get("reads") == what

    await until(is_there)


async def test_every_swap_is_told_once_while_the_subgraph_is_late_and_dead_and_back(fresh_world, server):
    await mirror(server, fresh_world)
    seen = Seen()
    async with none_left_behind(), WebSocketManager(settings_for(fresh_world, server)) as manager:
        manager.register_callback(KEY, seen)
        await manager.connect(DEX, CHAIN)
        await until(lambda: _is(manager.get_connection_status()[KEY]["tip"] is not None))
        first = manager.get_connection_status()[KEY]["tip"]
        async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100):
            await until(lambda: _more(seen.of("subgraph_swap"), 20))
            await server.set(late=True)
            await reads(manager, "chain")
            await until(lambda: _more(seen.of("swap"), 20))
            assert manager.get_connection_status()[KEY]["endpoint"].startswith("ws")
            await server.set(late=False)
            await reads(manager, "subgraph")
            before = len(seen.of("subgraph_swap"))
            await until(lambda: _more(seen.of("subgraph_swap"), before + 20))
            await server.set(dead=True)
            await server.control(drop=True)
            await reads(manager, "chain")
            before = len(seen.of("swap"))
            await until(lambda: _more(seen.of("swap"), before + 20))
            await server.set(dead=False)
            await reads(manager, "subgraph")
            before = len(seen.of("subgraph_swap"))
            await until(lambda: _more(seen.of("subgraph_swap"), before + 10))
        await until(lambda: _indexed(server, fresh_world))
        head = (await server.told())["head"]
        await until(lambda: _is(manager.get_connection_status()[KEY]["tip"] == head))
        await until(lambda: _is(manager.get_connection_status()[KEY]["queued_events"] == 0))
        await until(lambda: _is(manager.get_connection_status()[KEY]["subgraph"]["lag_blocks"] == 0))
        # Its socket comes back on its own, after a pause that has nothing to do with what is queried.
        await until(lambda: _is(manager.get_connection_status()[KEY]["state"] == "live"))
    expected = {
        (swap["tx"], swap["log_index"])
        for swap in (await server.told())["swaps"]
        if first < swap["block"] <= head
    }
    assert swaps_seen(seen) == expected
    changes = [one for one in seen.of("health") if one["endpoint"].endswith("/uniswap_v3/")]
    assert [one["state"] for one in changes] == ["live", "stale", "live", "down", "live"]
    assert "blocks behind" in changes[1]["detail"]
    assert "chain sandbox is read in its place from block" in changes[1]["detail"]
    assert "it is read again, from the block after" in changes[2]["detail"]


@pytest.mark.parametrize("changes", [{"use_chain": False}, {"dex": "curve"}])
async def test_where_nothing_can_stand_in_it_says_so(fresh_world, server, changes):
    await mirror(server, fresh_world)
    seen, settings = Seen(), settings_for(fresh_world, server, **changes)
    dex = settings.subgraphs["indexed"].dex
    async with none_left_behind(), WebSocketManager(settings) as manager:
        manager.register_callback(f"{dex}:{CHAIN}", seen)
        await manager.connect(dex, CHAIN)
        await until(lambda: _more(seen.of("health"), 0))
        await server.set(dead=True)
        await until(lambda: _is(manager.get_connection_status()[f"{dex}:{CHAIN}"]["state"] == "down"))
        status = manager.get_connection_status()[f"{dex}:{CHAIN}"]
        assert status["reads"] == "nothing"
        await until(lambda: _is(any("nothing stands in" in one["detail"] for one in seen.of("health"))))


async def test_an_exchange_beside_a_subgraph_is_read_from_the_chain(fresh_world, server):
    await mirror(server, fresh_world)
    seen, other = Seen(), Seen()
    async with none_left_behind(), WebSocketManager(settings_for(fresh_world, server)) as manager:
        manager.register_callback(KEY, seen)
        manager.register_callback(f"uniswap_v2:{CHAIN}", other)
        await manager.connect(DEX, CHAIN)
        await manager.connect("uniswap_v2", CHAIN)
        async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100):
            await until(lambda: _more(seen.of("subgraph_swap"), 5))
            await until(lambda: _more(other.of("swap"), 5))
        assert seen.of("swap") == []
        assert {one["dex"] for one in other.of("swap")} == {"uniswap_v2"}


async def test_a_family_is_all_of_its_protocols(fresh_world):
    settings = Settings(chains={CHAIN: chain_config(fresh_world)})
    family, member = Seen(), Seen()
    async with none_left_behind(), WebSocketManager(settings) as manager:
        manager.register_callback(f"uniswap:{CHAIN}", family)
        manager.register_callback(KEY, member)
        await manager.connect(DEX, CHAIN)
        async with TradingCrowd(fresh_world, swaps_per_s=100, block_ms=100) as crowd:
            await until(lambda: _more(member.of("swap"), 10))
            await manager.connect("uniswap", CHAIN)
            await until(lambda: _more(family.of("swap"), 30))
            await crowd.reorg(3)
            await until(lambda: _more(family.of("swap"), 60))
        await fresh_world.mine()
        async with Rpc(fresh_world.http_url) as rpc:
            head = int(await rpc.call("eth_blockNumber"), 16)
        for key in (f"uniswap:{CHAIN}", KEY):
            await until(lambda key=key: _at(manager, key, head))
    assert family.swaps == await swaps_of(fresh_world, "uniswap")
    assert {one["dex"] for one in family.of("swap")} == {"uniswap_v2", "uniswap_v3"}
    assert {one["dex"] for one in member.of("swap")} == {"uniswap_v3"}


async def _at(manager, key, head):
    status = manager.get_connection_status()[key]
    return status["tip"] == head and not status["queued_events"]


@pytest.mark.parametrize(
    ("chain_id", "name", "members"),
    [
        (137, "sushiswap", {"sushiswap_v2", "sushiswap_v3"}),
        (137, "uniswap_v3", {"uniswap_v3"}),
        (1329, "dragonswap", {"dragonswap_v1", "dragonswap_v2"}),
        (56, "quickswap", None),
    ],
)
def test_a_family_means_what_is_known_of_it_on_the_chain(chain_id, name, members):
    found = members_by_name(EvmConfig(source="x", chain_id=chain_id, http_url="http://x"))
    assert found.get(name) == members


def test_an_exchange_that_has_the_name_of_a_family_is_itself():
    named = FactoryConfig(address="0x" + "1" * 40, protocol="uniswap_v2", dex="sushiswap")
    config = EvmConfig(source="x", chain_id=137, http_url="http://x", factories=(named,))
    assert members_by_name(config)["sushiswap"] == {"sushiswap"}


MAPPING = {
    "networks": {"polygon": {"chain_id": 137, "rpc_url": "http://127.0.0.1:9"}},
    "subgraphs": {
        "curve": {"chain": "polygon", "dex": "curve", "dialect": "messari", "http_url": "http://127.0.0.1:9"}
    },
}


def test_a_config_json_may_name_subgraphs():
    assert settings_of(MAPPING, {}).subgraphs["curve"].dialect == "messari"
    broken = MAPPING | {"subgraphs": {"curve": MAPPING["subgraphs"]["curve"] | {"chain": "base"}}}
    with pytest.raises(Refused, match=r"subgraphs.curve.chain: expected one of polygon, found 'base'"):
        WebSocketManager(broken)
    unknown = MAPPING | {"subgraphs": {"curve": {"url": "x"}}}
    with pytest.raises(Refused, match=r"subgraphs.curve.url = 'x': expected one of"):
        settings_of(unknown, {})


async def _is(holds):
    return holds


async def _more(found, count):
    return len(found) > count
