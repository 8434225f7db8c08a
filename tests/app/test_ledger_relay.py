"""Does every event of a ledger come to the main bus once, whoever writes it, and over restarts?"""

from pathlib import Path
from typing import Any

import pytest
from tests.execute.test_ledger import _first

from tidemill.app.execution.ledger_relay import LedgerRelay
from tidemill.bus import Bus, open_bus
from tidemill.execute.ledger import TOPIC, ledger_folder, open_ledger
from tidemill.schema import derive
from tidemill.schema.events import ExecutionMode
from tidemill.schema.faults import Unreachable

PAPER = ExecutionMode.PAPER


async def _keys(bus: Bus) -> list[Any]:
    entries = await bus.read(TOPIC, 0, batches_max=1_000)
    return [row["idempotency_key"] for entry in entries for row in derive.to_rows(TOPIC, entry.batch)]


async def test_each_event_comes_once_over_restarts_of_either_side(tmp_path: Path) -> None:
    main_url = f"lmdb://{tmp_path / 'bus'}"
    for turn in range(3):
        async with open_ledger(tmp_path, PAPER) as ledger, open_bus(main_url) as main:
            relay = LedgerRelay(tmp_path, main)
            await ledger.tell(_first(f"{turn}a"))
            await ledger.tell(_first(f"{turn}b"))
            assert await relay.bring(PAPER, ledger.bus, main.commit) == 2
            assert await relay.bring(PAPER, ledger.bus, main.commit) == 0
    async with open_bus(main_url) as main:
        assert await _keys(main) == ["0a", "0b", "1a", "1b", "2a", "2b"]


async def test_a_commit_that_fails_is_made_again(tmp_path: Path) -> None:
    async def full(*_: object) -> None:
        raise Unreachable("bus: expected room, found none")

    async with open_ledger(tmp_path, PAPER) as ledger, open_bus("memory://") as main:
        await ledger.tell(_first("a"))
        relay = LedgerRelay(tmp_path, main)
        with pytest.raises(Unreachable):
            await relay.bring(PAPER, ledger.bus, full)
        assert await _keys(main) == []
        await relay.bring(PAPER, ledger.bus, main.commit)
        assert await _keys(main) == ["a"]


async def test_the_ledger_of_another_process_is_read_as_it_grows(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, PAPER) as ledger:
        await ledger.tell(_first("a"))
    url = f"lmdb://{ledger_folder(tmp_path, PAPER)}"
    async with open_bus(url, is_reader=True) as read, open_bus("memory://") as main:
        relay = LedgerRelay(tmp_path, main)
        await relay.bring(PAPER, read, main.commit)
        assert await _keys(main) == ["a"]
