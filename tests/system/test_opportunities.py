"""What the search finds on a real chain: every planted gap, and each pays to the unit what it promised."""

import random
from typing import Any

import pytest

from tidemill.app.sandbox.world import world_search
from tidemill.process.pools import Batches
from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.world import Pool, World
from tidemill.schema import derive

from .contracts import Swap, mine
from .following import following
from .trial import Trial, affordable, depth

_GAPS = 25
_SHARE = (0.02, 0.2)
"""How much of a pool's depth opens a gap: the price moves by more than the fees of any two pools here."""


class Told:
    """The rows of the opportunities told so far."""

    def __init__(self) -> None:
        self.rows: dict[str, list[dict[str, Any]]] = {"opportunity": [], "opportunity_hop": []}

    def take(self, batches: Batches) -> None:
        for topic, batch in batches:
            if topic in self.rows:
                self.rows[topic] += derive.to_rows(topic, batch)

    def best_since(self, block_number: int) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        """Return the best of the block, or of the next where both came at once, with its hops."""
        found = [row for row in self.rows["opportunity"] if row["block_number"] >= block_number]
        assert [row["rank"] for row in found] == list(range(1, len(found) + 1))
        if not found:
            return None
        hops = [hop for hop in self.rows["opportunity_hop"] if hop["opportunity"] == found[0]["opportunity"]]
        return found[0], sorted(hops, key=lambda hop: hop["hop"])


def pool_of(world: World, address: bytes) -> Pool:
    return next(pool for pool in world.pools if bytes.fromhex(pool.address[2:]) == address)


def swap_of(world: World, hop: dict[str, Any]) -> Swap:
    pool = pool_of(world, hop["pool"])
    zero_for_one = bytes.fromhex(pool.token0[2:]) == hop["token_in"]
    return Swap(pool, zero_for_one, True, hop["amount_in"])


async def balances(rpc: Rpc, world: World, owner: str) -> dict[bytes, int]:
    asked = [
        Call(
            "eth_call", [{"to": token.address, "data": abi.flat_call("balanceOf(address)", owner)}, "latest"]
        )
        for token in world.tokens
    ]
    answers = await rpc.all(asked)
    return {
        bytes.fromhex(token.address[2:]): int(answer, 16)
        for token, answer in zip(world.tokens, answers, strict=True)
    }


def gap(dice: random.Random, trial: Trial, weth: str) -> Swap:
    """Draw a swap that moves the price of a pool with WETH, which has a twin with the same tokens."""
    world = trial.world
    pairs = [frozenset((pool.token0, pool.token1)) for pool in world.pools]
    twins = [
        pool for pool, pair in zip(world.pools, pairs, strict=True) if weth in pair and pairs.count(pair) > 1
    ]
    pool, zero_for_one = dice.choice(twins), dice.random() < 0.5
    size = int(depth(trial.seen.pool(pool), zero_for_one)[0] * dice.uniform(*_SHARE))
    return Swap(pool, zero_for_one, True, max(1, min(size, affordable(world, pool, zero_for_one))))


@pytest.mark.timeout(240)
async def test_every_planted_gap_is_found_and_pays_to_the_unit_what_it_promised(fresh_world: World) -> None:
    world, dice, told = fresh_world, random.Random(5), Told()
    trader = world.accounts.traders[0]
    async with (
        following(world, search=world_search(world), on_batches=told.take, further=()) as seen,
        Rpc(world.http_url) as rpc,
    ):
        await seen.reach(world.ready_block)
        trial = Trial(world, rpc, seen, dice)
        for _ in range(_GAPS):
            planted = gap(dice, trial, world.weth)
            opened = await mine(rpc, [await trial.transaction(planted, trader)])
            assert opened.went_through == [True]
            await settled(rpc, trial)
            found = told.best_since(opened.number)
            assert found is not None, planted
            best, hops = found
            assert bytes.fromhex(planted.pool.address[2:]) in {hop["pool"] for hop in hops}
            before = await balances(rpc, world, trader)
            taken = await mine(rpc, [await trial.transaction(swap_of(world, hop), trader) for hop in hops])
            assert all(taken.went_through)
            await settled(rpc, trial)
            after = await balances(rpc, world, trader)
            changed = {token: after[token] - held for token, held in before.items() if after[token] != held}
            assert changed == {best["token"]: best["gross_profit"]}
            left = told.best_since(taken.number)
            paths = {tuple(hop["pool"] for hop in hops)}
            assert left is None or tuple(hop["pool"] for hop in left[1]) not in paths
    assert not [row for row in told.rows["opportunity"] if row["net_profit"] is None]


async def settled(rpc: Rpc, trial: Trial) -> None:
    """Wait until the newest block was searched: the search of a block ends before the next is taken."""
    await rpc.call("evm_mine")
    await trial.seen.reach(int(await rpc.call("eth_blockNumber"), 16))
