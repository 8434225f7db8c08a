"""Our pools against the contracts: the same quotes, the same refusals, the same state, to the last unit."""

import random
from typing import Any, NamedTuple

import pytest

from tidemill._rust import PoolError
from tidemill.app.demo import world_config
from tidemill.app.in_memory import Followed, followed
from tidemill.sandbox import abi, moves
from tidemill.sandbox.deploy import FEES
from tidemill.sandbox.rpc import Call, Rpc, RpcError
from tidemill.sandbox.world import Pool, World

SWAPS = 2_000
ROUNDS = 10
EXECUTED_A_ROUND = 60
LIMIT = 1 << 256


class Ask(NamedTuple):
    """One swap to be quoted."""

    pool: Pool
    zero_for_one: bool
    is_exact_in: bool
    amount: int


class Quoted(NamedTuple):
    """What a swap would do: the other amount, and for V3 the price after it."""

    amount: int
    sqrt_price_x96: int | None = None


def held(following: Followed, pool: Pool) -> Any:
    found = following.book.pools.get(bytes.fromhex(pool.address[2:]))
    assert found is not None, pool
    return found


def call_of(world: World, ask: Ask) -> Call:
    pool = ask.pool
    tokens = (pool.token0, pool.token1) if ask.zero_for_one else (pool.token1, pool.token0)
    if pool.protocol == "uniswap_v2":
        name = "getAmountsOut" if ask.is_exact_in else "getAmountsIn"
        to = next(factory.router for factory in world.factories if factory.address == pool.factory)
        data = abi.call(f"{name}(uint256,address[])", ask.amount, tokens)
    else:
        name = "quoteExactInputSingle" if ask.is_exact_in else "quoteExactOutputSingle"
        to = world.quoter
        signature = f"{name}((address,address,uint256,uint24,uint160))"
        data = abi.flat_call(signature, *tokens, ask.amount, pool.fee_ppm, 0)
    return Call("eth_call", [{"to": to, "data": data, "gas": hex(2_000_000_000)}, "latest"])


def contract_said(ask: Ask, answer: Any) -> Quoted | None:
    """Return the contract's quote; None where it reverts."""
    if isinstance(answer, RpcError):
        assert "revert" in answer.message.lower() or "evm error" in answer.message.lower(), answer
        return None
    if ask.pool.protocol == "uniswap_v2":
        (amounts,) = abi.decode(["uint256[]"], answer)
        return Quoted(amounts[-1] if ask.is_exact_in else amounts[0])
    # The ticks that it counts as crossed are between the ticks before and after, not those that were crossed.
    amount, price, *_ = abi.decode(["uint256", "uint160", "uint32", "uint256"], answer)
    return Quoted(amount, price)


def we_say(pool: Any, ask: Ask) -> Quoted | None:
    """Return our quote; None where we refuse."""
    given = {"amount_in" if ask.is_exact_in else "amount_out": ask.amount}
    try:
        paid, bought, _ = pool.quote(ask.zero_for_one, **given)
        amount = bought if ask.is_exact_in else paid
        one = pool.amount_out if ask.is_exact_in else pool.amount_in
        assert one(ask.zero_for_one, ask.amount) == amount
        if ask.pool.protocol == "uniswap_v2":
            return Quoted(amount)
        after, *_ = pool.swap(ask.zero_for_one, **given)
        return Quoted(amount, after.sqrt_price_x96)
    except PoolError:
        return None


def ticks_crossed(pool: Any, ask: Ask) -> int:
    return pool.quote(ask.zero_for_one, **{"amount_in" if ask.is_exact_in else "amount_out": ask.amount})[2]


def random_asks(world: World, following: Followed, rng: random.Random, count: int) -> list[Ask]:
    """Return swaps from a few units to half of what a pool holds, exact in and exact out, both ways."""
    asks: list[Ask] = []
    for _ in range(count):
        pool = rng.choice(world.pools)
        zero_for_one, is_exact_in = rng.random() < 0.5, rng.random() < 0.5
        size = depth(held(following, pool), zero_for_one == is_exact_in)
        asks.append(Ask(pool, zero_for_one, is_exact_in, max(1, int(size * 10 ** rng.uniform(-9, -0.3)))))
    return asks


def depth(pool: Any, is_token0: bool) -> int:
    """Return about how much of a token is near the price."""
    if hasattr(pool, "reserve0"):
        return pool.reserve0 if is_token0 else pool.reserve1
    price = pool.sqrt_price_x96
    return (pool.liquidity << 96) // price if is_token0 else (pool.liquidity * price) >> 96


def edge_asks(world: World, following: Followed) -> list[Ask]:
    """Return the amounts at which contracts overflow, run dry or refuse."""
    asks: list[Ask] = []
    for pool in world.pools[::5]:
        state = held(following, pool)
        for zero_for_one in (True, False):
            reserve = depth(state, not zero_for_one)
            for amount in (0, 1, 2**112 - 1, 2**128, 2**255 - 1, 2**255, LIMIT - 1):
                asks += [Ask(pool, zero_for_one, True, amount), Ask(pool, zero_for_one, False, amount)]
            asks += [
                Ask(pool, zero_for_one, False, amount) for amount in (reserve - 1, reserve, 10 * reserve)
            ]
            asks.append(Ask(pool, zero_for_one, True, 10**6 * depth(state, zero_for_one)))
    return asks


async def compared(world: World, following: Followed, rpc: Rpc, asks: list[Ask]) -> list[Quoted | None]:
    """Check that we say of each what its contract says; return that."""
    answers = await rpc.each([call_of(world, ask) for ask in asks])
    said = [contract_said(ask, answer) for ask, answer in zip(asks, answers, strict=True)]
    ours = [we_say(held(following, ask.pool), ask) for ask in asks]
    differing = [
        (ask, theirs, mine) for ask, theirs, mine in zip(asks, said, ours, strict=True) if theirs != mine
    ]
    assert differing == []
    return said


async def execute(world: World, rpc: Rpc, asks: list[Ask]) -> None:
    """Swap for real, all in one block."""
    sender = world.accounts.traders[0]
    nonce = int(await rpc.call("eth_getTransactionCount", sender, "latest"), 16)
    for index, ask in enumerate(asks):
        size = "size_in" if ask.is_exact_in else "size_out"
        spell = moves.swap_exact_in if ask.is_exact_in else moves.swap_exact_out
        data = spell(ask.pool, zero_for_one=ask.zero_for_one, recipient=sender, **{size: ask.amount})  # pyright: ignore[reportArgumentType] one of the two
        factory = next(factory for factory in world.factories if factory.address == ask.pool.factory)
        transaction = {"from": sender, "to": factory.router, "data": data, "nonce": hex(nonce + index)}
        await rpc.call("eth_sendTransaction", transaction | {"gas": hex(3_000_000)} | FEES)
    await rpc.call("evm_mine")


async def at_head(following: Followed, rpc: Rpc) -> None:
    await following.reached(int(await rpc.call("eth_blockNumber"), 16))


@pytest.mark.timeout(180)
async def test_2000_random_swaps_are_what_the_contracts_say_to_the_last_unit(fresh_world: World) -> None:
    world, rng = fresh_world, random.Random(20260711)
    crossed, refused = 0, 0
    async with followed(world_config(world)) as following, Rpc(world.http_url) as rpc:
        await at_head(following, rpc)
        for _ in range(ROUNDS):
            asks = random_asks(world, following, rng, SWAPS // ROUNDS)
            said = await compared(world, following, rpc, asks)
            crossed += sum(
                ticks_crossed(held(following, ask.pool), ask) > 0
                for ask, quote in zip(asks, said, strict=True)
                if quote
            )
            refused += said.count(None)
            possible = [ask for ask, quote in zip(asks, said, strict=True) if quote and quote.amount]
            small = [ask for ask in possible if ask.amount < depth(held(following, ask.pool), True) // 3]
            await execute(world, rpc, small[:EXECUTED_A_ROUND])
            await at_head(following, rpc)
        await check_states(world, following, rpc)
    assert crossed > 100
    assert refused > 0


async def test_amounts_at_the_edge_are_refused_where_the_contracts_revert(fresh_world: World) -> None:
    world = fresh_world
    async with followed(world_config(world)) as following, Rpc(world.http_url) as rpc:
        await at_head(following, rpc)
        said = await compared(world, following, rpc, edge_asks(world, following))
    assert None in said
    assert any(said)


async def check_states(world: World, following: Followed, rpc: Rpc) -> None:
    """Check every pool, every tick of it too, against its contract."""
    for pool in world.pools:
        state = held(following, pool)
        if pool.protocol == "uniswap_v2":
            reserves = abi.decode(["uint112", "uint112", "uint32"], await view(rpc, pool, "getReserves()"))
            assert (state.reserve0, state.reserve1) == reserves[:2]
            continue
        price, tick, *_ = abi.decode(["uint160", "int24"], await view(rpc, pool, "slot0()"))
        (liquidity,) = abi.decode(["uint128"], await view(rpc, pool, "liquidity()"))
        assert (state.sqrt_price_x96, state.tick, state.liquidity) == (price, tick, liquidity)
        assert state.ticks == await ticks_of(rpc, pool)


async def ticks_of(rpc: Rpc, pool: Pool) -> list[tuple[int, int, int]]:
    """Return the initialised ticks that the contract has, found through its bitmap."""
    spacing = pool.tick_spacing or 1
    words = range((-887272 // spacing) >> 8, ((887272 // spacing) >> 8) + 1)
    bitmaps: list[str] = []
    for start in range(0, len(words), 1_000):
        calls = [view_call(pool, "tickBitmap(int16)", word) for word in words[start : start + 1_000]]
        bitmaps += await rpc.all(calls)
    found = [
        ((word << 8) + bit) * spacing
        for word, bitmap in zip(words, bitmaps, strict=True)
        for bit in range(256)
        if int(bitmap, 16) >> bit & 1
    ]
    answers = await rpc.all([view_call(pool, "ticks(int24)", tick) for tick in found])
    sizes = [abi.decode(["uint128", "int128"], answer) for answer in answers]
    return [(tick, gross, net) for tick, (gross, net) in zip(found, sizes, strict=True)]


def view_call(pool: Pool, signature: str, *arguments: int) -> Call:
    data = abi.flat_call(signature, *arguments)
    return Call("eth_call", [{"to": pool.address, "data": data}, "latest"])


async def view(rpc: Rpc, pool: Pool, signature: str) -> str:
    return (await rpc.all([view_call(pool, signature)]))[0]
