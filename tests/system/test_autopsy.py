"""What becomes of planted gaps: each is taken by a known account, closed by a trade, or left, and told so."""

import random
from typing import Any

import pytest
from eth_abi.abi import encode
from msgspec import Struct, structs

from tidemill.app.sandbox.demo import world_search
from tidemill.process.autopsy_case import path_of
from tidemill.sandbox import abi
from tidemill.sandbox.moves import swap_over
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World

from .contracts import Swap, mine
from .following import following
from .test_opportunities import Told, balances, gap, pool_of, settled, swap_of
from .trial import Trial, depth

_GAPS = 30
_FOLLOWED = 6
_WAYS = ("taken", "taken", "noise", "trade", "left")


class Fates(Told):
    """The autopsies told so far, beside the opportunities."""

    def __init__(self) -> None:
        super().__init__()
        self.rows["opportunity_autopsy"] = []

    def of(self, hops: list[dict[str, Any]], after: int) -> dict[str, Any]:
        """Return the one autopsy of a path that was told since a block."""
        path = path_of(tuple((hop["pool"], hop["token_in"], hop["token_out"]) for hop in hops))
        rows = self.rows["opportunity_autopsy"]
        [found] = [row for row in rows if row["path"] == path and row["block_number"] > after]
        return found


class Sent(Struct, frozen=True):
    """What a winner sent: transactions, and what they left it with."""

    hashes: list[bytes]
    number: int
    gained: dict[bytes, int]


async def taking(trial: Trial, hops: list[dict[str, Any]], winner: str) -> list[dict[str, str]]:
    """Return the transactions that take a path: one where one router swaps all hops, else one for each."""
    world = trial.world
    pools = [pool_of(world, hop["pool"]) for hop in hops]
    if len({pool.factory for pool in pools}) > 1:
        return [await trial.transaction(swap_of(world, hop), winner) for hop in hops]
    tokens = ["0x" + hop["token_in"].hex() for hop in hops]
    tokens.append("0x" + hops[-1]["token_out"].hex())
    size = hops[0]["amount_in"]
    if pools[0].protocol == "uniswap_v2":
        data = swap_over(tokens, size, winner)
    else:
        path = bytes.fromhex(tokens[0][2:])
        for pool, token in zip(pools, tokens[1:], strict=True):
            path += pool.fee_ppm.to_bytes(3, "big") + bytes.fromhex(token[2:])
        signature = "exactInput((bytes,address,uint256,uint256,uint256))"
        arguments = (path, winner, 2**64, size, 0)
        data = (
            "0x"
            + (
                abi.selector(signature) + encode(["(bytes,address,uint256,uint256,uint256)"], [arguments])
            ).hex()
        )
    router = next(one.router for one in world.factories if one.address == pools[0].factory)
    return [await trial.from_account(winner, router, data)]


async def sent(rpc: Rpc, trial: Trial, transactions: list[dict[str, str]], winner: str) -> Sent:
    before = await balances(rpc, trial.world, winner)
    mined = await mine(rpc, transactions)
    assert all(mined.went_through)
    after = await balances(rpc, trial.world, winner)
    block = await rpc.call("eth_getBlockByNumber", hex(mined.number), True)
    hashes = [
        bytes.fromhex(one["hash"][2:]) for one in block["transactions"] if one["from"] == winner.lower()
    ]
    gained = {token: after[token] - held for token, held in before.items() if after[token] != held}
    return Sent(hashes, mined.number, gained)


def noise(dice: random.Random, trial: Trial, hops: list[dict[str, Any]]) -> Swap:
    """Draw a small swap in a pool that the path does not use."""
    used = {hop["pool"] for hop in hops}
    others = [pool for pool in trial.world.pools if bytes.fromhex(pool.address[2:]) not in used]
    pool, zero_for_one = dice.choice(others), dice.random() < 0.5
    return Swap(pool, zero_for_one, True, depth(trial.seen.pool(pool), zero_for_one)[0] // 10_000)


@pytest.mark.timeout(240)
async def test_every_planted_gap_is_attributed_to_who_took_it_and_for_how_much(fresh_world: World) -> None:
    world, dice, told = fresh_world, random.Random(11), Fates()
    planter, stranger = world.accounts.traders[:2]
    winners = world.accounts.traders[2:5]
    search = structs.replace(world_search(world), autopsy_blocks=_FOLLOWED)
    attributed = {way: 0 for way in _WAYS}
    singles = 0
    async with (
        following(world, search=search, on_batches=told.take, further=()) as seen,
        Rpc(world.http_url) as rpc,
    ):
        await seen.reach(world.ready_block)
        trial = Trial(world, rpc, seen, dice)
        for turn in range(_GAPS):
            way, winner = _WAYS[turn % len(_WAYS)], dice.choice(winners)
            for _ in range(_FOLLOWED):  # what earlier turns left is followed no longer
                await rpc.call("evm_mine")
            await settled(rpc, trial)
            planted = gap(dice, trial, world.weth)
            opened = await mine(rpc, [await trial.transaction(planted, planter)])
            await settled(rpc, trial)
            found = told.best_since(opened.number)
            assert found is not None, planted
            best, hops = found
            # `settled` mined one block; up to two more pass before anything happens
            for _ in range(dice.randrange(3) if way != "left" else _FOLLOWED):
                await rpc.call("evm_mine")
            if way in {"taken", "noise", "left"}:
                transactions = await taking(trial, hops, winner)
                if way == "noise":
                    strange = [noise(dice, trial, hops) for _ in range(3)]
                    transactions = [
                        *[await trial.transaction(one, stranger) for one in strange[:2]],
                        *transactions,
                        await trial.transaction(strange[2], stranger),
                    ]
            else:
                # far more than the first swap of the path: whatever its pools' depths, nothing is left
                far = structs.replace(swap_of(world, hops[0]), size=10 * hops[0]["amount_in"])
                transactions = [await trial.transaction(far, winner)]
            done = await sent(rpc, trial, transactions, winner)
            for _ in range(3):
                await settled(rpc, trial)
            row = told.of(hops, opened.number)
            assert row["token"] == best["token"]
            assert row["sent_net_0"] == row["best_net_0"]
            if way == "left":
                assert (row["cause"], row["died_block_number"], row["taker_tx_hash"]) == (
                    "outlived",
                    None,
                    None,
                )
                assert row["followed_blocks"] == _FOLLOWED
            else:
                assert row["died_block_number"] == done.number
                assert row["taker_tx_hash"] in done.hashes
                assert row["taker_recipient"] == bytes.fromhex(winner[2:])
            if way == "trade":
                assert (row["cause"], row["taken"]) == ("closed_by_trade", None)
            elif way != "left":
                singles += len(done.hashes) == 1
                assert row["cause"] == "taken"
                assert row["taker_tx_count"] == len(done.hashes)
                assert (
                    {row["taken_token"]: row["taken"]} == done.gained == {best["token"]: best["gross_profit"]}
                )
            attributed[way] += 1
    assert sum(attributed.values()) == _GAPS
    assert 0 < singles < sum(attributed[way] for way in ("taken", "noise"))
