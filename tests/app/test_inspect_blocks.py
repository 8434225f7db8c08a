"""Every block is inspected once: over restarts, and where it leaves the chain and comes back."""

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from msgspec import structs
from tests.app.until import until
from tests.servers.evm_blocks import blocks_node, circle_receipt

from tidemill.app.inspecting.inspect_run import InspectRun
from tidemill.app.inspecting.inspections import Inspections
from tidemill.bus import Bus, BusSettings, open_bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.markets import Markets
from tidemill.core.clock import SystemClock
from tidemill.schema import derive
from tidemill.schema.events import Block, Reorg, ReorgKind

LOST, KEPT = b"\x01" * 32, b"\x02" * 32
_BLOCK_COUNT = 60
_RESTARTS = 12


@asynccontextmanager
async def inspecting(bus: Bus, url: str) -> AsyncIterator[InspectRun]:
    config = EvmConfig(source="made", chain_id=1, http_url=url, inspection="receipts")
    run = InspectRun(config, Markets(), bus, SystemClock(), lambda batches, offsets: None)
    await run.start()
    task = asyncio.create_task(run.run())
    try:
        yield run
    finally:
        task.cancel()
        await asyncio.wait([task])


def block(number: int, block_hash: bytes) -> Block:
    return Block(
        event_ns=number,
        recv_ns=number,
        source="made",
        chain_id=1,
        block_number=number,
        block_hash=block_hash,
        parent_hash=bytes(32),
        gas_used=0,
        gas_limit=1,
        log_count=0,
    )


def reorg(block_hash: bytes, kind: ReorgKind, sequence: int) -> Reorg:
    where: dict[str, Any] = {"event_ns": 1, "recv_ns": 2, "source": "made", "chain_id": 1, "block_number": 7}
    return Reorg(**where, block_hash=block_hash, kind=kind, sequence=sequence)


async def told(bus: Bus) -> list[tuple[int, int]]:
    """Return block number and profit of every event on the bus."""
    entries = await bus.read("arbitrage", 0, batches_max=1_000)
    rows = [row for entry in entries for row in entry.batch.select(["block_number", "profit"]).to_pylist()]
    return [(row["block_number"], int.from_bytes(row["profit"], "little", signed=True)) for row in rows]


@pytest.mark.parametrize("seed", range(3))
async def test_a_run_that_is_ended_anywhere_leaves_nothing_out_and_repeats_nothing(seed: int) -> None:
    dice = random.Random(seed)
    async with blocks_node() as (node, url), open_bus("memory://", BusSettings()) as bus:
        async with inspecting(bus, url):
            pass
        for number in range(1, _BLOCK_COUNT + 1):
            node.blocks[number] = number.to_bytes(32, "big"), [circle_receipt(number, 10 + number)]
            await bus.commit([("block", derive.to_batch([block(number, number.to_bytes(32, "big"))]))])
        for _ in range(_RESTARTS):
            wanted = len(node.asked) + dice.randrange(1, 12)

            async def has_asked(wanted: int = wanted) -> bool:
                return len(node.asked) >= wanted or len(await told(bus)) == _BLOCK_COUNT

            async with inspecting(bus, url):
                await until(has_asked)

        async def is_done() -> bool:
            return len(await told(bus)) >= _BLOCK_COUNT

        async with inspecting(bus, url):
            await until(is_done)
        assert await told(bus) == [(number, 10 + number) for number in range(1, _BLOCK_COUNT + 1)]


async def test_a_block_that_left_is_skipped_and_inspected_when_it_is_restored() -> None:
    async with (
        blocks_node() as (node, url),
        open_bus("memory://", BusSettings()) as bus,
        inspecting(bus, url) as run,
    ):
        node.blocks[7] = KEPT, []
        await bus.commit([("block", derive.to_batch([block(7, LOST)]))])

        async def is_skipped() -> bool:
            return run.counts.skipped_blocks == 1

        await until(is_skipped)
        assert node.asked == ["eth_getBlockByHash", "eth_getBlockByNumber"]
        node.blocks[7] = LOST, [circle_receipt(7, 5)]
        changes = [reorg(LOST, ReorgKind.REVERTED, 1), reorg(LOST, ReorgKind.RESTORED, 2)]
        await bus.commit([("reorg", derive.to_batch(changes))])

        async def is_told() -> bool:
            return bool(await told(bus))

        await until(is_told)
        await bus.commit([("reorg", derive.to_batch([reorg(LOST, ReorgKind.RESTORED, 4)]))])
        node.blocks[8] = KEPT, []
        await bus.commit([("block", derive.to_batch([block(8, KEPT)]))])

        async def is_done() -> bool:
            return run.counts.blocks == 3

        await until(is_done)
        assert await told(bus) == [(7, 5)]
        assert node.asked.count("eth_getBlockReceipts") == 2


async def test_a_node_that_refuses_ends_the_inspection_and_says_why() -> None:
    async with (
        blocks_node() as (node, url),
        open_bus("memory://", BusSettings()) as bus,
        inspecting(bus, url) as run,
    ):
        node.refuses = True
        node.blocks[7] = KEPT, []
        await bus.commit([("block", derive.to_batch([block(7, KEPT)]))])

        async def has_fault() -> bool:
            return "eth_getBlockReceipts: the node answered -32601" in run.counts.last_fault

        await until(has_fault)
        assert run.counts.blocks == 0


async def test_a_chain_that_is_not_inspected_any_more_keeps_no_place() -> None:
    async with open_bus("memory://", BusSettings()) as bus:
        config = EvmConfig(source="made", chain_id=1, http_url="http://127.0.0.1:9/", inspection="receipts")
        told = SystemClock(), lambda batches, offsets: None
        await Inspections({"made": config}, {}, {}, bus, told).start()
        assert len(await bus.state(b"inspect/made/")) == 2
        await Inspections({"made": structs.replace(config, inspection="off")}, {}, {}, bus, told).start()
        assert await bus.state(b"inspect/") == []
