"""A Solana cluster is inspected live: each block once, those too that were missed, over restarts as well."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from tests.app.made_solana import WSOL, circle
from tests.app.running import running_engine
from tests.app.until import until
from tests.servers.solana import solana_node

from tidemill.app.engine import Engine
from tidemill.app.inspecting import inspecting
from tidemill.app.operating.sql import readable
from tidemill.app.settings import Environment, read_settings
from tidemill.chains.solana.config import SolanaConfig
from tidemill.sandbox.emulators.solana.ledger import LedgerOptions, make_ledger

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "solana"
_COUNT = 24


def planted() -> dict[int, dict[str, Any]]:
    """Return a ledger of circles, each with a profit of its own."""
    return make_ledger((circle(1_000, 2_000 + at, f"tx{at}") for at in range(_COUNT)), LedgerOptions())


def environment(folder: Path, config: SolanaConfig) -> Environment:
    made = read_settings(None, folder, {})
    settings = structs.replace(made.settings, solana={"solana": config})
    return made._replace(loaded=made.loaded._replace(settings=settings))


@asynccontextmanager
async def reading(folder: Path, config: SolanaConfig) -> AsyncIterator[Engine]:
    async with running_engine(environment(folder, config), {}) as engine:
        yield engine


def after_an_outage() -> dict[int, dict[str, Any]]:
    """Return a ledger of the same circles, with thousands of slots in its middle that have no block."""
    circles = [circle(1_000, 2_000 + at, f"tx{at}") for at in range(_COUNT)]
    before = make_ledger(circles[: _COUNT // 2], LedgerOptions())
    after = make_ledger(circles[_COUNT // 2 :], LedgerOptions(first_slot=9_001))
    after[min(after)]["parentSlot"] = max(before)
    return before | after


async def until_read(engine: Engine, slot: int) -> None:
    async def is_read() -> bool:
        return engine.inspections.clusters["solana"].counts.last_slot == slot and await engine.is_stored()

    await until(is_read)


async def profits(engine: Engine) -> dict[str, int]:
    rows = readable(await engine.query("SELECT tx_hash, profit, confidence FROM arbitrage"))
    assert len({row["tx_hash"] for row in rows}) == len(rows)
    assert {row["confidence"] for row in rows} <= {1.0}
    return {row["tx_hash"]: row["profit"] for row in rows}


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"untold_slots": frozenset({1_002, 1_003, 1_006})},
        {"empty_slots": frozenset({1_005}), "garbage_slots": frozenset({1_007})},
        {"is_subscription_refused": True},
    ],
)
async def test_every_planted_arbitrage_is_found_once(faults: dict[str, Any], tmp_path: Path) -> None:
    ledger = planted()
    first, last = min(ledger), max(ledger)
    async with solana_node(ledger, **faults) as (node, config), reading(tmp_path, config) as engine:
        if faults.get("is_subscription_refused"):
            await node.advance(first)
            await until_read(engine, first)
        else:
            await node.subscribed()
        await node.advance(last)
        await until_read(engine, last)
        assert await profits(engine) == {f"tx{at}": 1_000 + at for at in range(_COUNT)}
        assert engine.inspections.clusters["solana"].counts.arbitrages == _COUNT


@pytest.mark.parametrize("faults", [{"untold_slots": frozenset({9_001})}, {"is_subscription_refused": True}])
async def test_slots_without_a_block_are_passed_over_however_many(
    faults: dict[str, Any], tmp_path: Path
) -> None:
    ledger = after_an_outage()
    first, last = min(ledger), max(ledger)
    async with solana_node(ledger, **faults) as (node, config), reading(tmp_path, config) as engine:
        await node.advance(first)
        if not faults.get("is_subscription_refused"):
            await node.subscribed()
            await node.advance(1_002)
        await until_read(engine, max(slot for slot in ledger if slot <= node.newest))
        await node.advance(last)
        await until_read(engine, last)
        told = await profits(engine)
        assert told.keys() >= {f"tx{at}" for at in range(_COUNT // 2, _COUNT)}
        assert engine.inspections.clusters["solana"].counts.left_out_slots == 0


async def test_a_node_that_tells_no_block_any_more_is_asked(tmp_path: Path) -> None:
    ledger = planted()
    first, last = min(ledger), max(ledger)
    silent = frozenset(slot for slot in ledger if slot > first)
    async with solana_node(ledger, untold_slots=silent) as (node, config):
        async with reading(tmp_path, structs.replace(config, silent_ms=50)) as engine:
            await node.subscribed()
            await node.advance(last)
            await until_read(engine, last)
            assert len(await profits(engine)) == _COUNT
            assert node.counts["blockSubscribe"] == 1


async def test_what_came_while_nobody_read_is_filled_in_and_nothing_is_told_twice(tmp_path: Path) -> None:
    ledger = planted()
    slots = sorted(ledger)
    async with solana_node(ledger) as (node, config):
        async with reading(tmp_path, config) as engine:
            await node.subscribed()
            await node.advance(slots[2])
            await until_read(engine, slots[2])
        await node.advance(slots[6])
        async with reading(tmp_path, config) as engine:
            await node.subscribed()
            await node.advance(slots[7])
            await until_read(engine, slots[7])
            await node.hang_up()
            await node.advance(slots[8])
            await node.subscribed()
            await node.advance(slots[-1])
            await until_read(engine, slots[-1])
            assert await profits(engine) == {f"tx{at}": 1_000 + at for at in range(_COUNT)}


async def test_a_node_that_has_the_old_blocks_no_longer_is_read_from_where_it_has_them(
    tmp_path: Path,
) -> None:
    ledger = planted()
    slots = sorted(ledger)
    async with solana_node(ledger) as (node, config):
        async with reading(tmp_path, config) as engine:
            await node.subscribed()
            await node.advance(slots[0])
            await until_read(engine, slots[0])
        node.faults = structs.replace(node.faults, cleaned_up_before=slots[5])
        await node.advance(slots[-2])
        async with reading(tmp_path, config) as engine:
            await node.subscribed()
            await node.advance(slots[-1])
            await until_read(engine, slots[-1])
            assert engine.inspections.clusters["solana"].counts.left_out_slots == slots[5] - 1 - slots[0]
            assert len(await profits(engine)) == _COUNT - 2 * 4


async def test_recorded_transactions_go_through_the_wire_and_broken_ones_are_faults(tmp_path: Path) -> None:
    if not _DATA.exists():
        pytest.skip("needs ../shared/data/solana, which is not there")
    recorded = [json.loads(file.read_text()) for file in sorted((_DATA / "tx").glob("*.json"))]
    recorded = [tx[0] if isinstance(tx, list) else tx for tx in recorded if not isinstance(tx, str)]
    options = LedgerOptions(txs_per_block=1)
    ledger = make_ledger(recorded, options)
    async with solana_node(ledger) as (node, config), reading(tmp_path, config) as engine:
        await node.subscribed()
        await node.advance(max(ledger))
        await until_read(engine, max(ledger))
        counts = engine.inspections.clusters["solana"].counts
        assert counts.blocks == len(ledger)
        assert counts.unread_blocks == 1
        assert "expected" in counts.last_fault


async def test_a_transaction_and_a_slot_are_inspected_over_rpc(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = planted()
    async with solana_node(ledger) as (node, config):
        await node.advance(max(ledger))
        known = environment(tmp_path, config)
        signature = "5" * 88
        first = ledger[min(ledger)]["transactions"][0]
        first["transaction"]["signatures"] = [signature]
        await asyncio.to_thread(inspecting.explain_tx, known, signature, "solana", None, is_json=True)
        (tx,) = json.loads(capsys.readouterr().out)["transactions"]
        assert (tx["signature"], tx["arbitrage"]["mint"]) == (signature, WSOL)
        await asyncio.to_thread(inspecting.main, known, [str(min(ledger))], "solana", 1, is_json=True)
        assert len(json.loads(capsys.readouterr().out)["transactions"]) == 2
