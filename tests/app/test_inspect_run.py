"""Arbitrages are found beside the reading of a chain: each planted one, to the unit, once."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs
from tests.app.running import running_engine
from tests.app.until import until

from tidemill.app.engine import Engine
from tidemill.app.operating.sql import readable
from tidemill.app.sandbox.world import SOURCE, world_config, world_search
from tidemill.app.settings import read_settings
from tidemill.sandbox import abi
from tidemill.sandbox.atomic import EXECUTED, atomic_arbitrages, circle
from tidemill.sandbox.market import MarketReader, Quote, by_pair
from tidemill.sandbox.moves import Move, swap_exact_in
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import World
from tidemill.schema.events import ArbitrageKind

_WAIT_S = 60
_GAS = hex(3_000_000)
_SHARE = 50
"""Of a pool's depth, one part in so many: opens a gap of 4 %."""


async def send(rpc: Rpc, moves: list[Move]) -> list[dict[str, Any]]:
    """Mine the moves into one block, and return their receipts."""
    for move in moves:
        call = {"from": move.sender, "to": move.to, "data": move.data, "gas": _GAS, **FEES}
        await rpc.call("eth_sendTransaction", call)
    await rpc.call("evm_mine")
    return await rpc.call("eth_getBlockReceipts", "latest")


def disturb(world: World, quotes: list[Quote]) -> list[Move]:
    """Return a large swap in one pool of each pair that has several."""
    trader = world.accounts.traders[0]
    routers = {(one.dex, one.protocol): one.router for one in world.factories}
    groups = [group for group in by_pair(quotes).values() if len(group) > 1]
    first = [next((one for one in group if one.tick is None), group[0]) for group in groups]
    return [
        Move(
            "noise",
            trader,
            routers[one.pool.dex, one.pool.protocol],
            swap_exact_in(one.pool, zero_for_one=True, size_in=int(one.reserve0 / _SHARE), recipient=trader),
        )
        for one in first
    ]


async def plant(world: World) -> dict[str, int]:
    """Open gaps and close them; return each profit by its transaction, as the contract itself told it."""
    async with Rpc(world.http_url) as rpc:
        reader = MarketReader(world)
        await send(rpc, disturb(world, await reader.read(rpc)))
        moves, _ = atomic_arbitrages(world, await reader.read(rpc), 100)
        planted: dict[str, int] = {}
        for receipt in await send(rpc, moves):
            for log in receipt["logs"]:
                if log["topics"][0] == EXECUTED:
                    (_, profit) = abi.decode(["uint256", "uint256"], log["data"])
                    planted[receipt["transactionHash"]] = profit
        return planted


async def found(engine: Engine, count: int, table: str = "arbitrage") -> list[Mapping[str, Any]]:
    """Return the rows, once there are so many."""
    rows: list[Mapping[str, Any]] = []

    async def are_there() -> bool:
        rows[:] = readable(await engine.query(f"SELECT * FROM {table} ORDER BY block_number, tx_index"))
        return len(rows) == count

    await until(are_there, _WAIT_S)
    return rows


def settings(
    world: World, folder: Path, inspection: str = "traces"
) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    config = structs.replace(
        world_config(world, further=()), inspection=inspection, start_block=world.ready_block
    )
    return read_settings(None, folder, {}), {SOURCE: config}, {SOURCE: world_search(world)}


async def test_each_planted_arbitrage_is_found_once_with_its_exact_profit(
    fresh_world: World, tmp_path: Path
) -> None:
    environment, chains, search = settings(fresh_world, tmp_path)
    async with running_engine(environment, chains, search=search) as engine:
        first = await plant(fresh_world)
        assert len(first) > 2
        rows = await found(engine, len(first))
        assert {row["tx_hash"]: row["profit"] for row in rows} == first
        assert {row["kind"] for row in rows} == {"arbitrage"}
        for row in rows:
            assert row["contract"] == row["account"] == fresh_world.arbitrage_hand
            assert (row["hop_count"], row["circle_count"], row["confidence"]) == (2, 1, 1.0)
            assert row["amount_out"] - row["amount_in"] == row["profit"]
        assert any(row["net_profit_native_wei"] is not None for row in rows)
    async with running_engine(environment, chains, search=search) as engine:
        second = await plant(fresh_world)
        rows = await found(engine, len(first) + len(second))
        assert {row["tx_hash"]: row["profit"] for row in rows} == first | second


async def test_an_arbitrage_leaves_with_its_block(fresh_world: World, tmp_path: Path) -> None:
    environment, chains, search = settings(fresh_world, tmp_path, "receipts")
    async with running_engine(environment, chains, search=search) as engine:
        planted = await plant(fresh_world)
        await found(engine, len(planted))
        await fresh_world.reorg(1)
        await fresh_world.mine()
        await found(engine, 0, "arbitrage_canonical")
        await found(engine, len(planted))


async def test_an_attempt_that_was_undone_is_told_where_the_node_traces(
    fresh_world: World, tmp_path: Path
) -> None:
    environment, chains, search = settings(fresh_world, tmp_path)
    async with running_engine(environment, chains, search=search) as engine:
        async with Rpc(fresh_world.http_url) as rpc:
            quotes = await MarketReader(fresh_world).read(rpc)
            pair = next(group for group in by_pair(quotes).values() if len(group) > 1)
            data = circle(fresh_world, (pair[0], pair[1]), int(pair[0].reserve1 / _SHARE))
            sender = fresh_world.accounts.arbitrageurs[0]
            (receipt,) = await send(rpc, [Move("arbitrage", sender, fresh_world.arbitrage_hand, data)])
            assert receipt["status"] == "0x0"
        (row,) = await found(engine, 1)
        assert (row["tx_hash"], row["kind"]) == (receipt["transactionHash"], ArbitrageKind.FAILED_ARBITRAGE)
