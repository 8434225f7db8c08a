"""Callbacks on a real node: each event once, none of another exchange, and a status that tells the truth."""

import asyncio
import os
import subprocess
import sys
from collections import Counter
from contextlib import asynccontextmanager

import msgspec
import pytest
from tests.chains.proxy import proxied

from tidemill import WebSocketManager
from tidemill.app.chains.chain import with_transport
from tidemill.app.chains.dex_feed import known_dexes, narrowed
from tidemill.app.operating.config_json import settings_of
from tidemill.app.sandbox.world import world_config
from tidemill.app.settings import IngestSettings, Settings, read_settings
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.clock import SystemClock
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.schema.faults import Refused

from .conftest import ROOT
from .crowd import TradingCrowd
from .until import until

CHAIN = "sandbox"
UNI, SUSHI = "uniswap:sandbox", "sushiswap:sandbox"
SWAPS = [
    abi.topic("Swap(address,uint256,uint256,uint256,uint256,address)"),
    abi.topic("Swap(address,address,int256,int256,uint160,uint128,int24)"),
]
POLYGON = {"networks": {"polygon": {"chain_id": 137, "rpc_url": "http://127.0.0.1:9"}}}


def settings_for(world, *, ingest=None, **changes):
    config = msgspec.structs.replace(world_config(world), reconnect_first_ms=50, retry_first_ms=50, **changes)
    return Settings(chains={CHAIN: config}, ingest=ingest or IngestSettings())


async def swaps_of(world, dex, from_block=0):
    """Return place and pool of every swap of `dex`, as the node has them."""
    pools = [pool.address for pool in world.pools if pool.dex == dex]
    wanted = {"fromBlock": hex(from_block), "toBlock": "latest", "address": pools, "topics": [SWAPS]}
    async with Rpc(world.http_url) as rpc:
        logs = await rpc.call("eth_getLogs", wanted)
    return Counter((log["blockHash"], int(log["logIndex"], 16), log["address"].lower()) for log in logs)


class Seen:
    """A callback that keeps what it is told."""

    def __init__(self):
        self.events = []

    def __call__(self, event):
        self.events.append(event)

    @property
    def swaps(self):
        """The places of the swaps whose blocks are canonical."""
        reorgs = sorted(self.of("reorg"), key=lambda event: event["sequence"])
        gone = {event["block_hash"]: event["kind"] == "reverted" for event in reorgs}
        return Counter(
            (event["block_hash"], event["log_index"], event["pool"])
            for event in self.of("swap")
            if not gone.get(event["block_hash"], False)
        )

    def of(self, tag):
        return [event for event in self.events if event["event"] == tag]


async def caught_up(manager, world, *keys):
    await world.mine()
    head = await world.head()

    async def is_there():
        status = manager.get_connection_status()
        return all(status[key]["tip"] == head and not status[key]["queued_events"] for key in keys)

    await until(is_there)


async def state_is(manager, key, *states):
    async def is_there():
        return manager.get_connection_status()[key]["state"] in states

    await until(is_there)


@asynccontextmanager
async def none_left_behind():
    """Fail where tasks are left that were not there before."""
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before
    if left:  # those that end by themselves, as the library's do when a connection has closed
        _, left = await asyncio.wait(left, timeout=5)
    assert left == set()


# --- events


@pytest.mark.parametrize("use_websockets", [True, False])
async def test_a_callback_gets_every_swap_of_its_exchange_once_and_none_of_another(
    fresh_world, use_websockets
):
    seen, others = Seen(), Seen()
    ingest = IngestSettings(use_websockets=use_websockets, polling_interval_s=0.05)
    settings = settings_for(fresh_world, ingest=ingest)
    async with none_left_behind(), WebSocketManager(settings) as manager:
        manager.register_callback(UNI, seen)
        manager.register_callback(SUSHI, others)
        await manager.connect("uniswap", CHAIN)
        async with TradingCrowd(
            fresh_world, swaps_per_s=100, further_percent=0, block_ms=100, liquidity_percent=20
        ):
            await until(lambda: _more(seen.of("swap"), 100))
        await caught_up(manager, fresh_world, UNI)
        expected_state = "live" if use_websockets else "polling"
        status = manager.get_connection_status()[UNI]
        assert status["state"] == expected_state
        assert status["endpoint"].startswith("ws" if use_websockets else "http")
        assert status["last_message_age_s"] < 30
        assert (status["dropped_events"], status["callback_errors"]) == (0, 0)
    assert seen.swaps == await swaps_of(fresh_world, "uniswap")
    assert others.events == []
    assert {event["event"] for event in seen.events} >= {"pool", "swap", "liquidity_change", "pool_state"}


async def _more(found, count):
    return len(found) > count


async def test_an_event_is_a_plain_dict_with_exact_integers_and_0x_text(fresh_world):
    seen = Seen()
    async with WebSocketManager(settings_for(fresh_world)) as manager:
        await manager.connect("uniswap", CHAIN)
        manager.register_callback(UNI, seen)
        async with TradingCrowd(fresh_world, swaps_per_s=100, further_percent=0, block_ms=100):
            await until(lambda: _more(seen.of("swap"), 5))
    swap = seen.of("swap")[0]
    assert type(swap) is dict
    assert swap["pool"] in {pool.address for pool in fresh_world.pools if pool.dex == "uniswap"}
    assert len(swap["block_hash"]) == 66
    assert all(type(swap[name]) is int for name in ("amount0_in", "amount1_out", "event_ns", "log_index"))
    assert swap["dex"] == "uniswap"


async def test_a_further_exchange_widens_the_reader_and_loses_nothing_of_the_first(fresh_world):
    seen, others = Seen(), Seen()
    async with none_left_behind(), WebSocketManager(settings_for(fresh_world)) as manager:
        manager.register_callback(UNI, seen)
        manager.register_callback(SUSHI, others)
        await manager.connect("uniswap", CHAIN)
        async with TradingCrowd(fresh_world, swaps_per_s=100, further_percent=0, block_ms=50) as crowd:
            await until(lambda: _more(seen.of("swap"), 50))
            await manager.connect("sushiswap", CHAIN)
            assert set(manager.get_connection_status()) == {UNI, SUSHI}
            await until(lambda: _more(others.of("swap"), 20))
            await crowd.reorg(2)
            await until(lambda: _more(others.of("swap"), 60))
        await caught_up(manager, fresh_world, UNI, SUSHI)
        feed = manager._feeds[CHAIN]
        assert feed.reader_of("uniswap") is feed.reader_of("sushiswap")
    assert seen.swaps == await swaps_of(fresh_world, "uniswap")
    assert others.swaps == await swaps_of(fresh_world, "sushiswap")


async def test_exchanges_that_are_connected_at_once_share_a_reader_from_the_start(fresh_world):
    seen, others = Seen(), Seen()
    async with WebSocketManager(settings_for(fresh_world)) as manager:
        await manager.connect("uniswap", CHAIN)
        await manager.connect("sushiswap", CHAIN)
        await manager.connect("sushiswap", CHAIN)
        manager.register_callback(UNI, seen)
        manager.register_callback(SUSHI, others)
        async with TradingCrowd(fresh_world, swaps_per_s=100, further_percent=0, block_ms=50):
            await until(lambda: _more(others.of("swap"), 20))
        await caught_up(manager, fresh_world, UNI, SUSHI)
        assert manager._feeds[CHAIN]._wider is None
    assert seen.swaps == await swaps_of(fresh_world, "uniswap")
    assert others.swaps == await swaps_of(fresh_world, "sushiswap")


async def test_polls_that_pass_each_other_by_still_hand_over_whole(fresh_world):
    seen, others = Seen(), Seen()
    ingest = IngestSettings(use_websockets=False, polling_interval_s=0.3)
    async with WebSocketManager(settings_for(fresh_world, ingest=ingest)) as manager:
        manager.register_callback(UNI, seen)
        manager.register_callback(SUSHI, others)
        await manager.connect("uniswap", CHAIN)
        async with TradingCrowd(fresh_world, swaps_per_s=100, further_percent=0, block_ms=50):
            await until(lambda: _more(seen.of("swap"), 50))
            await manager.connect("sushiswap", CHAIN)
            await until(lambda: _more(others.of("swap"), 60))
        await caught_up(manager, fresh_world, UNI, SUSHI)
    assert seen.swaps == await swaps_of(fresh_world, "uniswap")
    assert others.swaps == await swaps_of(fresh_world, "sushiswap")


# --- callbacks


async def test_a_raising_and_a_slow_callback_hurt_nobody_else_and_are_told(fresh_world):
    seen, hung = Seen(), asyncio.Event()

    def raising(event):
        raise ValueError(f"no {event['event']} wanted")

    async def slow(event):
        await hung.wait()

    async with (
        none_left_behind(),
        WebSocketManager(settings_for(fresh_world), queue_events_max=300) as manager,
    ):
        manager.register_callback(UNI, raising)
        stuck = manager.register_callback(UNI, slow)
        await manager.connect("uniswap", CHAIN)
        await caught_up_but(manager, fresh_world)
        manager.register_callback(UNI, seen)
        first = await fresh_world.head() + 1
        async with TradingCrowd(fresh_world, swaps_per_s=100, further_percent=0, block_ms=50):
            await until(lambda: _more(seen.of("swap"), 200))
        await caught_up_but(manager, fresh_world)
        await until(lambda: _is_equal(seen, fresh_world, first))
        status = manager.get_connection_status()[UNI]
        raised, waiting, good = status["callbacks"]
        assert raised["errors"] == raised["delivered_events"] == status["callback_errors"] > 50
        assert raised["last_error"].startswith("ValueError: no ")
        assert waiting["dropped_events"] > 100
        assert status["dropped_events"] == waiting["dropped_events"] + raised["dropped_events"]
        assert 300 <= waiting["queued_events"] <= 300 + 32
        assert waiting["delivered_events"] == 1
        assert (good["errors"], good["dropped_events"]) == (0, 0)
        stuck.unregister()
        stuck.unregister()
        assert len(manager.get_connection_status()[UNI]["callbacks"]) == 2


async def caught_up_but(manager, world):
    """Wait for the tip, whatever waits in queues."""
    await world.mine()
    head = await world.head()

    async def is_there():
        return manager.get_connection_status()[UNI]["tip"] == head

    await until(is_there)


async def _is_equal(seen, world, first_block):
    return seen.swaps == await swaps_of(world, "uniswap", first_block)


async def test_an_unregistered_callback_hears_nothing_more(fresh_world):
    once, seen = [], Seen()

    async def first_only(event):
        once.append(event)
        handle.unregister()

    async with WebSocketManager(settings_for(fresh_world)) as manager:
        handle = manager.register_callback(UNI, first_only)
        manager.register_callback(UNI, seen)
        await manager.connect("uniswap", CHAIN)
        await caught_up(manager, fresh_world, UNI)
    assert len(once) == 1
    assert len(seen.events) > 1


# --- connections


async def test_the_status_tells_when_the_node_goes_and_when_it_is_back(fresh_world):
    seen = Seen()
    async with proxied(fresh_world.ws_url) as ws, proxied(fresh_world.http_url) as http:
        settings = settings_for(fresh_world, ws_url=ws.url, http_url=http.url, reconnect_max_ms=200)
        async with none_left_behind(), WebSocketManager(settings) as manager:
            manager.register_callback(UNI, seen)
            await manager.connect("uniswap", CHAIN)
            assert manager.get_connection_status()[UNI]["state"] == "connecting"
            await state_is(manager, UNI, "live")
            before = manager.get_connection_status()[UNI]
            assert before["reconnects"] == 0
            ws.is_shut = http.is_shut = True
            ws.cut_all()
            http.cut_all()
            async with TradingCrowd(fresh_world, swaps_per_s=100, further_percent=0, block_ms=100):
                await state_is(manager, UNI, "down")
                down = manager.get_connection_status()[UNI]
                assert down["since_ns"] > before["since_ns"]
                assert down["detail"]
                ws.is_shut = http.is_shut = False
                await state_is(manager, UNI, "live")
                await until(lambda: _more(seen.of("swap"), 30))
            await caught_up(manager, fresh_world, UNI)
            after = manager.get_connection_status()[UNI]
            assert after["reconnects"] >= 1
            assert after["since_ns"] > down["since_ns"]
    assert seen.swaps == await swaps_of(fresh_world, "uniswap")


async def test_a_polled_node_that_went_is_told_as_down_and_then_as_polled_again(fresh_world):
    async with proxied(fresh_world.http_url) as http:
        ingest = IngestSettings(use_websockets=False, polling_interval_s=0.05)
        settings = settings_for(fresh_world, ingest=ingest, http_url=http.url)
        async with WebSocketManager(settings) as manager:
            await manager.connect("uniswap", CHAIN)
            await state_is(manager, UNI, "polling")
            http.is_shut = True
            http.cut_all()
            await state_is(manager, UNI, "down")
            http.is_shut = False
            await caught_up(manager, fresh_world, UNI)
            await state_is(manager, UNI, "polling")


async def test_without_its_websocket_a_chain_is_polled_until_it_is_back(fresh_world):
    async with proxied(fresh_world.ws_url) as ws:
        settings = settings_for(fresh_world, ws_url=ws.url, poll_ms=50, reconnect_max_ms=200)
        async with WebSocketManager(settings) as manager:
            await manager.connect("uniswap", CHAIN)
            await state_is(manager, UNI, "live")
            ws.is_shut = True
            ws.cut_all()
            await state_is(manager, UNI, "polling")
            await caught_up(manager, fresh_world, UNI)
            ws.is_shut = False
            await state_is(manager, UNI, "live")


async def test_a_wrong_chain_is_refused_and_told_while_the_manager_goes_on(fresh_world):
    right = settings_for(fresh_world)
    wrong = msgspec.structs.replace(right.chains[CHAIN], source="wrong", chain_id=31_338)
    settings = msgspec.structs.replace(right, chains={**right.chains, "wrong": wrong})
    async with none_left_behind(), WebSocketManager(settings) as manager:
        await manager.connect("uniswap", "wrong")
        await manager.connect("uniswap", CHAIN)
        await state_is(manager, "uniswap:wrong", "refused")
        assert "expected chain id 31338" in manager.get_connection_status()["uniswap:wrong"]["last_fault"]
        await caught_up(manager, fresh_world, UNI)
        await manager.connect("uniswap", "wrong")
        assert manager.get_connection_status()["uniswap:wrong"]["state"] == "connecting"


async def test_stop_leaves_nothing_behind_and_may_be_repeated_and_followed_by_a_start(fresh_world):
    seen = Seen()
    manager = WebSocketManager(settings_for(fresh_world))
    await manager.stop()
    manager.register_callback(UNI, seen)
    for _ in range(2):
        async with none_left_behind():
            await manager.start()
            await manager.start()
            await manager.connect("uniswap", CHAIN)
            await caught_up(manager, fresh_world, UNI)
            await manager.stop()
            await manager.stop()
        assert seen.of("pool")
        seen.events.clear()
        assert manager.get_connection_status() == {}


async def test_a_callback_may_stop_the_manager(fresh_world):
    manager = WebSocketManager(settings_for(fresh_world))
    stopped = asyncio.Event()

    async def stop(event):
        stopped.set()
        await manager.stop()

    async with none_left_behind():
        await manager.start()
        manager.register_callback(UNI, stop)
        await manager.connect("uniswap", CHAIN)
        await stopped.wait()
        await until(lambda: _is_empty(manager))
        await manager.stop()


async def _is_empty(manager):
    return manager.get_connection_status() == {}


class BrokenClock(SystemClock):
    """A clock that stands for a bug of ours, once it is told to break."""

    is_broken = False

    def now_ns(self):
        if self.is_broken:
            raise ZeroDivisionError("of ours")
        return super().now_ns()


async def test_a_bug_of_ours_is_told_by_the_status_and_raised_by_stop(fresh_world):
    clock = BrokenClock()
    manager = WebSocketManager(settings_for(fresh_world), clock=clock)
    async with none_left_behind():
        await manager.start()
        await manager.connect("uniswap", CHAIN)
        await state_is(manager, UNI, "live")
        clock.is_broken = True
        await asyncio.wait([manager._running])
        clock.is_broken = False
        status = manager.get_connection_status()[UNI]
        assert (status["state"], status["last_fault"]) == ("down", "ZeroDivisionError: of ours")
        with pytest.raises(ExceptionGroup):
            await manager.stop()
        await manager.stop()


# --- settings


def test_listed_pools_are_kept_and_only_the_wanted_exchanges_are_tracked():
    factories = [
        {"address": "0x" + "11" * 20, "protocol": "uniswap_v2", "dex": name} for name in ("mine", "yours")
    ]
    plain = {"source": "x", "chain_id": 137, "http_url": "http://a", "factories": factories}
    config = msgspec.convert(plain, EvmConfig)
    assert set(known_dexes(config)) >= {"mine", "yours", "uniswap_v3", "quickswap_v2"}
    wanted = narrowed(config, frozenset({"mine", "uniswap_v3"}))
    assert (wanted.dexes, [factory.dex for factory in wanted.factories]) == (("uniswap_v3",), ["mine"])
    pools = msgspec.structs.replace(config, factories=(), pools=("0x" + "22" * 20,))
    assert narrowed(pools, frozenset({"uniswap_v3"})) == pools


async def test_what_is_not_known_is_refused_with_what_is():
    manager = WebSocketManager(POLYGON)
    await manager.start()
    with pytest.raises(Refused, match=r"dex: expected one of balancer, .*quick.* on poly.*found 'curve'"):
        await manager.connect("curve", "polygon")
    with pytest.raises(Refused, match="chain: expected one of polygon, found 'sepolia'"):
        await manager.connect("uniswap_v3", "sepolia")
    with pytest.raises(Refused, match="expected a key \"dex:chain\", found 'polygon'"):
        manager.register_callback("polygon", print)
    with pytest.raises(Refused, match="expected a function, found int"):
        manager.register_callback("uniswap_v3:polygon", 1)
    await manager.stop()
    with pytest.raises(Refused, match="expected a started manager"):
        await manager.connect("uniswap_v3", "polygon")


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({}, "config: expected `networks` or `chains`, found nothing"),
        ({"networks": []}, r"config: networks: expected a section, found \[\]"),
        ({"networks": {"x": "http://me:pw@h"}}, "networks.x: expected a section .*found 'http://h'"),
        ({"networks": {"x": {"chain_id": "1"}}}, "networks.x.chain_id = '1': expected `int`, got `str`"),
        ({"networks": {"x": {"rpcs": "u"}}}, "networks.x.rpcs = 'u': expected one of .*rpc_url"),
        ({"networks": {"x": {"rpc": "u", "http": "u"}}}, "networks.x.http: expected http_url once"),
        ({**POLYGON, "advanced_features": 1}, "config: advanced_features: expected a section, found 1"),
        (
            {**POLYGON, "advanced_features": {"real_data_pipeline": {"enabled": False}}},
            "real_data_pipeline.enabled: expected true, found false",
        ),
        (
            {**POLYGON, "advanced_features": {"real_data_pipeline": {"polling_interval_seconds": 0}}},
            "real_data_pipeline.polling_interval_seconds = 0: expected `float` >= 0.001",
        ),
    ],
)
def test_a_mapping_of_another_shape_is_refused_by_key_value_and_expectation(config, message):
    with pytest.raises(Refused, match=message):
        settings_of(config, {})


def test_a_mapping_and_the_environment_say_how_chains_are_read():
    pipeline = {"enabled": True, "use_websockets": True, "polling_interval_seconds": 5, "description": ""}
    network = {"chainId": 137, "rpc_url": "http://h", "wss_url": "ws://h", "start_block": 7}
    config = {"networks": {"polygon": network}, "advanced_features": {"real_data_pipeline": pipeline}}
    settings = settings_of(config, {})
    assert settings.ingest == IngestSettings(use_websockets=True, polling_interval_s=5)
    polygon = settings.chains["polygon"]
    assert (polygon.chain_id, polygon.ws_url, polygon.http_url, polygon.start_block) == (
        137,
        "ws://h",
        "http://h",
        7,
    )
    environ = {"USE_WEBSOCKETS": "false", "REAL_DATA_POLLING_INTERVAL": "0.5", "TIDEMILL_CHAINS_X_ODD": "1"}
    assert settings_of(config, environ).ingest == IngestSettings(use_websockets=False, polling_interval_s=0.5)


def test_a_mapping_s_manager_reads_the_env_file_too(tmp_path, monkeypatch):
    (tmp_path / ".env").write_text("USE_WEBSOCKETS=false\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("USE_WEBSOCKETS", raising=False)
    websocket_only = {"networks": {"polygon": {"chain_id": 137, "wss": "ws://h"}}}
    with pytest.raises(Refused, match="chain polygon: http_url: expected one, as use_websockets is false"):
        WebSocketManager(websocket_only)


def test_the_environment_s_names_set_the_ingest_settings(tmp_path):
    file = tmp_path / "tidemill.toml"
    file.write_text("[ingest]\npolling_interval_s = 2\n")
    assert read_settings(file, None, {}).settings.ingest == IngestSettings(polling_interval_s=2)
    changed = read_settings(file, None, {"USE_WEBSOCKETS": "0", "REAL_DATA_POLLING_INTERVAL": "10"})
    assert changed.settings.ingest == IngestSettings(use_websockets=False, polling_interval_s=10)
    with pytest.raises(Refused, match=r"REAL_DATA_POLLING_INTERVAL: ingest.polling_interval_s = 'nan'"):
        read_settings(file, None, {"REAL_DATA_POLLING_INTERVAL": "nan"})


def test_the_transport_of_a_chain_follows_the_settings():
    fallbacks = ({"ws_url": "ws://b"}, {"ws_url": "ws://c", "http_url": "http://c"})
    plain = {"source": "x", "chain_id": 1, "ws_url": "ws://a", "http_url": "http://a", "fallbacks": fallbacks}
    config = msgspec.convert(plain, EvmConfig)
    assert with_transport(config, True, None) == config
    assert with_transport(config, True, 0.25).poll_ms == 250
    polled = with_transport(config, False, None)
    assert [(one.ws_url, one.http_url) for one in polled.endpoints] == [
        (None, "http://a"),
        (None, "http://c"),
    ]
    assert polled.poll_ms == config.poll_ms
    with pytest.raises(Refused, match="chain x: http_url: expected one, as use_websockets is false"):
        with_transport(EvmConfig(source="x", chain_id=1, ws_url="ws://a"), False, None)


@pytest.mark.parametrize(
    ("package", "heavy"),
    [
        ("tidemill", "pyarrow chdb msgspec"),
        ("tidemill.app.cli", "pyarrow chdb numpy sqlalchemy starlette strawberry"),
        ("tidemill.app.settings", "chdb eth_account py_ecc sqlalchemy starlette strawberry"),
    ],
)
def test_an_import_brings_nothing_heavy_with_it(package, heavy):
    code = f"import sys, {package}; print(sorted(set({heavy!r}.split()) & set(sys.modules)))"
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
