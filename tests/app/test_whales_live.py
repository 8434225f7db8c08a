"""Whales on a real node: told at once, exactly once, as the registry says, over restarts and reorgs."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.servers.polymarket import local_polymarket
from tests.services import need_node
from tests.store.samples import wallet_trade

from tidemill.app.observed import Observed
from tidemill.app.settings import read_settings
from tidemill.process.pools import Batches
from tidemill.schema import derive
from tidemill.schema.events import Side
from tidemill.store.registry import open_registry

from .order_fills import OTHER, WHALE, Venue, environment_in, reading, told, trading
from .running import running_engine
from .until import until

NS_PER_MS = 1_000_000


@pytest.fixture
async def venue() -> AsyncIterator[Venue]:
    need_node()
    async with trading() as opened:
        yield opened


async def test_a_whale_s_trade_is_on_the_bus_soon_after_its_block(venue: Venue, tmp_path: Path) -> None:
    heard = asyncio.Event()

    def hear(batches: Batches) -> None:
        if any(topic == "whale_trade" for topic, _ in batches):
            heard.set()

    waits_ms: list[float] = []
    async with reading(environment_in(tmp_path), venue, start_block="latest", on_batches=hear) as engine:
        await until(lambda: following(engine, venue))
        for _ in range(60):
            heard.clear()
            sent_ns = time.perf_counter_ns()
            await venue.trade(WHALE)
            async with asyncio.timeout(10):
                await heard.wait()
            waits_ms.append((time.perf_counter_ns() - sent_ns) / NS_PER_MS)
        rows = await told(engine, "whale_trade")
        state = await Observed(engine).state()
        assert state.whales.trades == {(WHALE, "BUY"): 60}
        assert (state.whales.watched, state.whales.latency.count) == (1, 60)
        print("frame to bus:", engine.whales.told.latency.summary_ms())
    waits_ms.sort()
    print(f"sent to bus: p50 {waits_ms[30]:.1f} ms, p99 {waits_ms[59]:.1f} ms")
    assert len(rows) == 60
    assert len({row["trade_id"] for row in rows}) == 60
    assert {(row["side"], row["size"], row["price"]) for row in rows} == {("buy", 100, Decimal("0.5"))}
    assert waits_ms[30] < 100, "the median; a loaded machine must not fail the tail"


async def following(engine, venue: Venue | None = None) -> bool:
    """Say whether blocks are read; where the chain begins at its newest one, `venue` makes a newer."""
    if venue is not None:
        await venue.mine()
    pipeline = engine.pipelines.get("polygon")
    return pipeline is not None and pipeline.tip is not None and pipeline.whales.watched != {}


async def test_trades_are_told_exactly_once_over_restarts_and_reorgs(venue: Venue, tmp_path: Path) -> None:
    environment = environment_in(tmp_path)
    for turn in range(3):
        async with reading(environment, venue) as engine:
            await venue.trade(WHALE, size=10 + turn)
            await until(lambda turn=turn: has_size(engine, 10 + turn))
        await venue.trade(WHALE, size=100 + turn)
        await venue.trade(OTHER, size=5)
    async with reading(environment, venue) as engine:
        await until(lambda: has_size(engine, 102))
        await venue.trade(WHALE, size=1_000)
        await until(lambda: has_size(engine, 1_000))
        await venue.reorg(1)
        await venue.trade(WHALE, size=2_000)
        await until(lambda: has_size(engine, 2_000))
        rows = await told(engine, "whale_trade")
        identities = {tuple(row[name] for name in derive.identity("whale_trade")) for row in rows}
        assert len(identities) == len(rows)
        assert [row["size"] for row in rows] == [10, 100, 11, 101, 12, 102, 1_000, 2_000]
        await until(engine.is_stored)
        stored = await engine.query("SELECT sum(size) AS size FROM whale_trade_canonical")
        assert stored["size"][0].as_py() == 336 + 2_000
        positions = await told(engine, "whale_position")
        assert [row["change"] for row in positions][-2:] == ["restated", "increased"]
        assert positions[-1]["size"] == 336 + 2_000


async def has_size(engine, size: int) -> bool:
    return any(row["size"] == size for row in await told(engine, "whale_trade"))


async def test_a_change_of_the_registry_reaches_the_running_service(venue: Venue, tmp_path: Path) -> None:
    environment = environment_in(tmp_path, is_enabled=False)
    async with reading(environment, venue) as engine:
        await until(lambda: is_told(engine, "wallet_trade", 0))
        await venue.trade(WHALE)
        await until(lambda: is_told(engine, "wallet_trade", 2))
        assert not await told(engine, "whale_trade")
        with open_registry(environment.registry_url) as registry:
            registry.switch([WHALE], "is_enabled", is_on=True)
        began_s = time.monotonic()
        await until(lambda: is_watching(engine))
        assert time.monotonic() - began_s < 2
        await venue.trade(WHALE)
        await until(lambda: is_told(engine, "whale_trade", 1))


async def is_told(engine, topic: str, rows: int) -> bool:
    return "polygon" in engine.pipelines and len(await told(engine, topic)) >= rows


async def is_watching(engine) -> bool:
    return bool(engine.pipelines["polygon"].whales.watched)


async def test_what_a_venue_tells_first_is_settled_by_the_chain(venue: Venue, tmp_path: Path) -> None:
    environment = environment_in(tmp_path)
    async with reading(environment, venue) as engine:
        await until(lambda: following(engine))
        tx_hash = bytes.fromhex((await venue.trade(WHALE, is_mined=False))[2:])
        matched = wallet_trade(
            0,
            source="polymarket",
            instrument="77",
            wallet=bytes.fromhex(WHALE[2:]),
            side=Side.BUY,
            size=Decimal(100),
            tx_hash=tx_hash,
            event_ns=time.time_ns(),
        )
        await engine.bus.commit([("wallet_trade", derive.to_batch([matched]))])
        await until(lambda: is_told(engine, "whale_trade", 1))
        await venue.mine()
        await until(lambda: is_told(engine, "whale_settlement", 1))
        [trade], [settled] = await told(engine, "whale_trade"), await told(engine, "whale_settlement")
        assert (trade["state"], settled["state"]) == ("matched", "settled")
        assert trade["trade_id"] == settled["trade_id"]


async def test_a_copied_whale_is_followed_on_paper_at_a_later_price(venue: Venue, tmp_path: Path) -> None:
    environment = environment_in(tmp_path, is_copying_enabled=True)
    whales = msgspec.structs.replace(environment.settings.whales, copy_delay_ms=3_000)
    settings = msgspec.structs.replace(environment.settings, whales=whales)
    environment = environment._replace(loaded=environment.loaded._replace(settings=settings))
    async with reading(environment, venue) as engine:
        await until(lambda: following(engine))
        await venue.trade(WHALE)
        await until(lambda: is_told(engine, "whale_trade", 1))
        now_ns = time.time_ns()
        price = {"instrument": "77", "price": Decimal("0.56"), "event_ns": now_ns + 10**10, "recv_ns": now_ns}
        await engine.bus.commit([("wallet_trade", derive.to_batch([wallet_trade(1, **price)]))])
        await until(lambda: is_told(engine, "whale_copy", 1))
        [copy] = await told(engine, "whale_copy")
        assert (copy["status"], copy["size"], copy["price"]) == ("filled", 1, Decimal("0.56"))


async def test_what_a_venue_tells_that_no_chain_settles_is_told_once_by_itself(
    venue: Venue, tmp_path: Path
) -> None:
    environment = environment_in(tmp_path)
    wallet = {"wallet": bytes.fromhex(WHALE[2:]), "source": "elsewhere"}
    trades = [wallet_trade(row, tx_hash=bytes(31) + bytes([row // 2]), **wallet) for row in range(4)]
    async with reading(environment, venue) as engine:
        await engine.bus.commit([("wallet_trade", derive.to_batch(trades))])
        await until(lambda: is_told(engine, "whale_position", 2))
        rows = await told(engine, "whale_trade")
        assert [(row["source"], row["row"], row["state"]) for row in rows] == [
            ("elsewhere", 0, "settled"),
            ("elsewhere", 2, "settled"),
        ]
        assert [row["size"] for row in await told(engine, "whale_position")] == [3, 6]


async def test_whales_of_a_venue_are_told_where_no_chain_is_read(tmp_path: Path) -> None:
    async with local_polymarket(markets=3, moves_per_s=0) as server:
        said = [f"{name} = {json.dumps(value)}" for name, value in server.settings.items()]
        said += ["read_trades = true", "trades_poll_ms = 50"]
        settings = tmp_path / "tidemill.toml"
        settings.write_text("\n".join(["[venues.polymarket]", *said]))
        environment = read_settings(settings, tmp_path / "data", {})
        environment.paths.data.mkdir()
        whales = (await server.control())["whales"]
        with open_registry(environment.registry_url) as registry:
            registry.put([{"address": whale} for whale in whales])
        async with running_engine(environment, {}, with_store=False) as engine:
            await until(lambda: watches(engine, len(whales)))
            await server.control(whale=1)
            await until(lambda: has_rows(engine, "whale_trade"))
            rows = await told(engine, "whale_trade")
            assert {(row["source"], row["state"]) for row in rows} == {("polymarket", "settled")}
            assert f"0x{rows[0]['trader_address'].hex()}" in whales
            state = await Observed(engine).state()
            assert state.whales.watched == len(whales)
            assert set(state.whales.last_trades_ns) <= set(whales)


async def watches(engine, count: int) -> bool:
    return engine.whales.watched == count


async def has_rows(engine, topic: str) -> bool:
    return bool(await told(engine, topic))
