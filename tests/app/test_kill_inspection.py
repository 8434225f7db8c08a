"""`kill -9` of `tidemill up` while it inspects: afterwards each planted arbitrage is stored once."""

import random
from contextlib import suppress
from pathlib import Path

import pytest
from tests.app.conftest import chain_toml
from tests.app.test_inspect_run import plant
from tests.app.test_kill import lived, running_up, stored_something
from tests.app.until import until

from tidemill.app.control import ask_sql
from tidemill.sandbox.world import World
from tidemill.schema.faults import Unreachable

_KILLS = 2
_LIVES_S = 0.4
"""How long at most a process lives on that has arbitrages to find."""


@pytest.mark.timeout(240)
async def test_each_arbitrage_is_stored_once_whatever_was_killed(fresh_world: World, tmp_path: Path) -> None:
    settings = chain_toml(fresh_world).replace("chain_id =", 'inspection = "receipts"\nchain_id =', 1)
    (tmp_path / "tidemill.toml").write_text(settings)
    seed = random.SystemRandom().getrandbits(32)
    dice = random.Random(seed)
    data = tmp_path / "data"
    planted: dict[str, int] = {}
    for _ in range(_KILLS):
        async with running_up(tmp_path) as process:
            await stored_something(data, process)
            planted |= await plant(fresh_world)
            await lived(process, dice.uniform(0, _LIVES_S))
            process.kill()
    assert len(planted) > _KILLS

    async def stored() -> dict[str, list[int]]:
        rows = None
        with suppress(Unreachable):  # it has just begun, on a machine that has much to do
            rows = await ask_sql(data, "SELECT tx_hash, toString(profit) AS profit FROM arbitrage")
        found: dict[str, list[int]] = {}
        for row in () if rows is None else rows.to_pylist():
            found.setdefault(row["tx_hash"], []).append(int(row["profit"]))
        return found

    async with running_up(tmp_path) as process:
        await stored_something(data, process)
        planted |= await plant(fresh_world)  # what comes last is found last: nothing is still to come

        async def is_there() -> bool:
            return set(await stored()) >= set(planted)

        await until(is_there, 60)
        assert await stored() == {tx: [profit] for tx, profit in planted.items()}, f"seed {seed}"
