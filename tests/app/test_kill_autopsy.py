"""Opportunities followed across `kill -9` and reorgs end as they do for a reader that nothing befell."""

import random
import signal
from pathlib import Path
from typing import Any

import pytest

from tidemill.app.chains.in_memory import followed
from tidemill.app.control import ask_sql
from tidemill.app.sandbox.world import FOLLOWED, world_config, world_search
from tidemill.process.pools import Batches
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World
from tidemill.schema import derive

from .conftest import chain_toml
from .crowd import TradingCrowd
from .test_kill import caught_up, lived, running_up, stored_something

_TICKED = tuple(kind for kind in FOLLOWED if not kind.startswith(("curve", "balancer")))
"""Kinds whose logs tell their state. A path through another is known only at blocks that a run read.

Its end is unknown to one that was killed meanwhile.
"""
_KILLS = 6
_LIVES_S = (0.3, 1.2)


def search_toml(world: World) -> str:
    return f'[search.sandbox]\nstart_tokens = ["{world.weth}"]\ngas_token = "{world.weth}"\n'


@pytest.mark.timeout(240)
async def test_across_kills_and_reorgs_opportunities_end_once_and_as_they_did(
    fresh_world: World, tmp_path: Path
):
    world, dice, told = fresh_world, random.Random(3), list[dict[str, Any]]()
    (tmp_path / "tidemill.toml").write_text(chain_toml(world, further=_TICKED) + search_toml(world))
    data = tmp_path / "data"

    def take(batches: Batches) -> None:
        for topic, batch in batches:
            if topic == "opportunity_autopsy":
                told.extend(derive.to_rows(topic, batch))

    async with (
        followed(world_config(world, further=_TICKED), search=world_search(world), on_batches=take) as whole,
        Rpc(world.http_url) as rpc,
    ):
        async with TradingCrowd(world, swaps_per_s=30, block_ms=150) as crowd:
            for kill in range(_KILLS):
                async with running_up(tmp_path) as process:
                    await stored_something(data, process)
                    await lived(process, dice.uniform(*_LIVES_S))
                    process.send_signal(signal.SIGKILL)
                if kill % 2:
                    await crowd.reorg(dice.randint(1, 4))
        await world.mine()
        head = int(await rpc.call("eth_blockNumber"), 16)
        await whole.reached(head)
        async with running_up(tmp_path) as process:
            await caught_up(data, head)
            blocks = await rows_of(data, "SELECT block_hash FROM block_canonical")
            found = await rows_of(
                data, "SELECT * FROM opportunity_autopsy_canonical WHERE cause != 'reorged'"
            )
            twice = await rows_of(
                data,
                "SELECT 1 FROM opportunity_autopsy"
                " GROUP BY opportunity, block_hash, sequence HAVING count() > 1",
            )
            lost = await rows_of(
                data,
                "SELECT 1 FROM opportunity_autopsy"
                " WHERE opportunity NOT IN (SELECT opportunity FROM opportunity)",
            )
            process.send_signal(signal.SIGTERM)
            await process.communicate()
    canonical = {block["block_hash"] for block in blocks}
    alone = {
        row["opportunity"]: row
        for row in told
        if row["block_hash"] in canonical and row["cause"] != "reorged"
    }
    ended = {row["opportunity"]: row for row in found}
    assert len(ended) == len(found), "one ended more than once"
    assert (twice, lost) == ([], [])
    both = ended.keys() & alone.keys()
    assert len(both) > 30
    fates = (
        "cause",
        "born_block_number",
        "followed_blocks",
        "died_block_number",
        "taker_tx_hash",
        "block_hash",
    )
    for opportunity in both:
        assert [ended[opportunity][name] for name in fates] == [alone[opportunity][name] for name in fates]


async def rows_of(data: Path, query: str) -> list[dict[str, Any]]:
    answer = await ask_sql(data, query)
    assert answer is not None
    return answer.to_pylist()
