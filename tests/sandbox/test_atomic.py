"""Arbitrages in one transaction: what the contract says that it gained is what it has, and it never loses."""

from tests.app.test_inspect_run import disturb, send

from tidemill.sandbox import abi
from tidemill.sandbox.atomic import EXECUTED, atomic_arbitrages, circle
from tidemill.sandbox.market import MarketReader, by_pair
from tidemill.sandbox.moves import Move
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.world import World


async def balance(rpc: Rpc, token: str, holder: str) -> int:
    data = abi.flat_call("balanceOf(address)", holder)
    return int(await rpc.call("eth_call", {"to": token, "data": data}, "latest"), 16)


async def test_each_circle_gains_what_its_log_says_and_no_pool_is_in_two(fresh_world: World) -> None:
    hand = fresh_world.arbitrage_hand
    async with Rpc(fresh_world.http_url) as rpc:
        reader = MarketReader(fresh_world)
        await send(rpc, disturb(fresh_world, await reader.read(rpc)))
        tokens = [token.address for token in fresh_world.tokens]
        before = {token: await balance(rpc, token, hand) for token in tokens}
        moves, pools = atomic_arbitrages(fresh_world, await reader.read(rpc), 100)
        assert len(moves) > 2
        assert len(pools) == 2 * len(moves)
        gained = dict.fromkeys(tokens, 0)
        for receipt in await send(rpc, moves):
            for log in receipt["logs"]:
                if log["topics"][0] == EXECUTED:
                    (_, profit) = abi.decode(["uint256", "uint256"], log["data"])
                    gained["0x" + log["topics"][1][-40:]] += profit
        assert sum(gained.values()) > 0
        assert {token: await balance(rpc, token, hand) - before[token] for token in tokens} == gained


async def test_a_circle_that_would_lose_is_reverted(
    fresh_world: World,
) -> None:
    async with Rpc(fresh_world.http_url) as rpc:
        reader = MarketReader(fresh_world)
        quotes = await reader.read(rpc)
        pair = next(group for group in by_pair(quotes).values() if len(group) > 1)
        data = circle(fresh_world, (pair[0], pair[1]), int(pair[0].reserve1 / 50))
        sender = fresh_world.accounts.arbitrageurs[0]
        (receipt,) = await send(rpc, [Move("arbitrage", sender, fresh_world.arbitrage_hand, data)])
        assert (receipt["status"], receipt["logs"]) == ("0x0", [])
