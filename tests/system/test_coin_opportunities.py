"""What the live search finds at Curve's and Balancer's pools pays what it promised; who took it is told."""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from fractions import Fraction
from typing import Any, TypeVar

import pytest
from msgspec import structs

from tidemill.app.chains.in_memory import Followed, followed
from tidemill.app.sandbox.world import pool_name, world_config, world_search
from tidemill.process.pools import Batches
from tidemill.sandbox import venues
from tidemill.sandbox.fill import units
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import FurtherPool, Protocol, World
from tidemill.schema import derive

from .contracts import mine
from .test_opportunities import balances, pool_of

T = TypeVar("T")


def call_of(world: World, hop: dict[str, Any], trader: str) -> dict[str, str]:
    """Return the transaction that makes a hop real."""
    address = hop["pool"]
    further = next((one for one in world.further_pools if pool_name(one) == address), None)
    if further is not None:
        tokens = [bytes.fromhex(token[2:]) for token in further.tokens]
        leg = venues.Leg(tokens.index(hop["token_in"]), tokens.index(hop["token_out"]), hop["amount_in"])
        to, data = further.router, venues.VENUES[further.protocol].swap(further, leg, trader)
    else:
        pool = pool_of(world, address)
        to = next(one.router for one in world.factories if one.address == pool.factory)
        zero_for_one = bytes.fromhex(pool.token0[2:]) == hop["token_in"]
        data = swap_exact_in(pool, zero_for_one=zero_for_one, size_in=hop["amount_in"], recipient=trader)
    return {"from": trader, "to": to, "data": data, "gas": hex(5_000_000)}


def planted(world: World, pool: FurtherPool, share: Fraction, trader: str) -> dict[str, str]:
    """Return a swap of a share of a pool's depth, which opens a gap."""
    tokens = {token.address: token for token in world.tokens}
    size = units(tokens[pool.tokens[0]], pool.depth_usd * share)
    data = venues.VENUES[pool.protocol].swap(pool, venues.Leg(0, 1, size), trader)
    return {"from": trader, "to": pool.router, "data": data, "gas": hex(5_000_000)}


class Paths:
    """The opportunities told so far, each with its hops in order."""

    def __init__(self) -> None:
        self.told = asyncio.Event()
        self._rows: dict[bytes, dict[str, Any]] = {}
        self._hops = defaultdict[bytes, list[dict[str, Any]]](list)
        self.ends: dict[bytes, dict[str, Any]] = {}
        """What became of each opportunity."""

    def take(self, batches: Batches) -> None:
        for topic, batch in batches:
            if topic == "opportunity":
                self._rows |= {row["opportunity"]: row for row in derive.to_rows(topic, batch)}
            elif topic == "opportunity_hop":
                for hop in derive.to_rows(topic, batch):
                    self._hops[hop["opportunity"]].append(hop)
            elif topic == "opportunity_autopsy":
                self.ends |= {row["opportunity"]: row for row in derive.to_rows(topic, batch)}
        self.told.set()

    async def until(self, found: Callable[[], T | None]) -> T:
        """Wait until what is looked for is told."""
        async with asyncio.timeout(30):
            while (told := found()) is None:
                self.told.clear()
                await self.told.wait()
        return told

    def best_through(self, pool: bytes, number: int) -> tuple[dict[str, Any], list[dict[str, Any]]] | None:
        found = [
            (row, sorted(self._hops[name], key=lambda hop: hop["hop"]))
            for name, row in self._rows.items()
            if row["block_number"] == number and any(hop["pool"] == pool for hop in self._hops[name])
        ]
        return min(found, key=lambda one: one[0]["rank"], default=None)


async def known(chain: Followed, pool: bytes, number: int) -> None:
    """Wait until the state of a pool is known after a block."""
    await chain.reached(number)
    async with asyncio.timeout(30):
        while True:
            kept = chain.book.pools.get(pool)
            if kept is not None and kept.is_complete:
                return
            await asyncio.sleep(0.01)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("protocol", "share"),
    [
        ("balancer_v2_weighted", Fraction(1, 20)),
        ("balancer_v2_stable", Fraction(3, 10)),
        ("balancer_v3_weighted", Fraction(1, 20)),
        # a stable pool of three coins gives at its peg until nearly a third of all it holds was sold
        ("curve_stable", Fraction(3, 10)),
        ("curve_stable_ng", Fraction(3, 10)),
    ],
)
async def test_a_gap_at_a_pool_of_coins_is_found_and_pays_what_it_promised(
    fresh_world: World, protocol: Protocol, share: Fraction
) -> None:
    world, paths = fresh_world, Paths()
    trader = world.accounts.traders[0]
    config = structs.replace(world_config(world), start_block=world.ready_block + 1)
    async with (
        followed(config, search=world_search(world), on_batches=paths.take) as chain,
        Rpc(world.http_url) as rpc,
    ):
        pool = [one for one in world.further_pools if one.protocol == protocol][-1]
        moved = pool_name(pool)
        await rpc.call("evm_mine")  # the block to begin with
        await known(chain, moved, world.ready_block + 1)
        opened = await mine(rpc, [planted(world, pool, share, trader)])
        assert opened.went_through == [True]
        best, hops = await paths.until(lambda: paths.best_through(moved, opened.number))
        before = await balances(rpc, world, trader)
        taken = await mine(rpc, [call_of(world, hop, trader) for hop in hops])
        assert all(taken.went_through)
        after = await balances(rpc, world, trader)
        changed = {token: after[token] - held for token, held in before.items() if after[token] != held}
        assert changed == {best["token"]: best["gross_profit"]}
        for number in range(taken.number, taken.number + 4):  # what it would pay later is told too
            await known(chain, moved, number)
            await rpc.call("evm_mine")
        end = await paths.until(lambda: paths.ends.get(best["opportunity"]))
        block = await rpc.call("eth_getBlockByNumber", hex(taken.number), False)
        assert (end["died_block_number"], end["sent_gross_0"]) == (taken.number, best["gross_profit"])
        assert "0x" + end["taker_tx_hash"].hex() in block["transactions"]
        if protocol.startswith("curve"):  # Balancer's swaps name no one: what belongs together is not known
            assert (end["cause"], end["taker_tx_count"]) == ("taken", len(hops))
            assert (end["taken_token"], end["taken"]) == (best["token"], best["gross_profit"])
