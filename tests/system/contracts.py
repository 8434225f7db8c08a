"""What the world's own contracts say about a swap and about a pool, asked many at once."""

from collections.abc import Sequence
from typing import Any

import msgspec
from eth_abi.abi import decode, encode
from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Call, Rpc, RpcError
from tidemill.sandbox.world import Pool, World

_REVERTED = 3
"""JSON-RPC's code of a call that the contract refused."""
_DIVIDED_BY_ZERO = "InvalidFEOpcode"
"""How the node calls what a contract of Solidity 0.5 or 0.6 does where it divides by zero."""
_MAX_TICK = 887_272
_WORD_TICKS = 256
_WORDS_A_CALL = 2_000


class Swap(Struct, frozen=True):
    """A swap that may be tried: either what is paid in or what is paid out is given."""

    pool: Pool
    zero_for_one: bool
    is_exact_in: bool
    size: int
    sqrt_price_limit_x96: int | None = None


class Told(Struct, frozen=True):
    """What a contract answers; price and ticks are told by V3 only."""

    size: int
    """What is not given: what is paid out, or what it costs."""
    sqrt_price_x96: int | None = None
    ticks_crossed: int | None = None


class Ticked(Struct, frozen=True):
    """Everything that a V3 pool's contract knows and a swap needs."""

    sqrt_price_x96: int
    tick: int
    liquidity: int
    ticks: list[tuple[int, int, int]]


async def ask(rpc: Rpc, world: World, swaps: Sequence[Swap], block: str) -> list[Told | None]:
    """Return what router or quoter say about each swap on its own at `block`; None where they revert."""
    calls = [_quote(world, swap, block) for swap in swaps]
    told: list[Told | None] = []
    for swap, answer in zip(swaps, await rpc.each(calls), strict=True):
        if isinstance(answer, RpcError):
            assert _is_refusal(answer), f"{swap}: expected an answer or a revert, found {answer}"
            told.append(None)
        elif swap.pool.protocol == "uniswap_v2":
            (sizes,) = abi.decode(["uint256[]"], answer)
            told.append(Told(sizes[1] if swap.is_exact_in else sizes[0]))
        else:
            size, price, crossed, _ = abi.decode(["uint256", "uint160", "uint32", "uint256"], answer)
            told.append(Told(size, price, crossed))
    return told


def _is_refusal(error: RpcError) -> bool:
    return error.code == _REVERTED or error.message.endswith(_DIVIDED_BY_ZERO)


async def reserves(rpc: Rpc, pool: Pool) -> tuple[int, int]:
    (answer,) = await rpc.all([_view(pool.address, abi.flat_call("getReserves()"))])
    return abi.decode(["uint112", "uint112", "uint32"], answer)[:2]


async def ticked(rpc: Rpc, world: World, pool: Pool) -> Ticked:
    """Return a V3 pool's state with every tick that any word of its bitmap names."""
    assert pool.tick_spacing is not None
    views = [_view(pool.address, abi.flat_call(f"{name}()")) for name in ("slot0", "liquidity")]
    slot, in_range = await rpc.all(views)
    price, tick = abi.decode(["uint160", "int24"], slot[: 2 + 128])
    (liquidity,) = abi.decode(["uint128"], in_range)
    last = _MAX_TICK // pool.tick_spacing // _WORD_TICKS + 1
    words = range(-last, last + 1)
    bitmap = await _each(rpc, world, pool, "tickBitmap(int16)", words)
    initialised = [
        (word * _WORD_TICKS + bit) * pool.tick_spacing
        for word, row in zip(words, bitmap, strict=True)
        for bit in range(_WORD_TICKS)
        if int.from_bytes(row) >> bit & 1
    ]
    rows = await _each(rpc, world, pool, "ticks(int24)", initialised)
    sizes = [decode(["uint128", "int128"], row[:64]) for row in rows]
    ticks = [(at, gross, net) for at, (gross, net) in zip(initialised, sizes, strict=True)]
    return Ticked(price, tick, liquidity, ticks)


def _quote(world: World, swap: Swap, block: str) -> Call:
    pool = swap.pool
    tokens = (pool.token0, pool.token1) if swap.zero_for_one else (pool.token1, pool.token0)
    if pool.protocol == "uniswap_v2":
        name = "getAmountsOut" if swap.is_exact_in else "getAmountsIn"
        to = next(factory.router for factory in world.factories if factory.address == pool.factory)
        data = abi.flat_call(f"{name}(uint256,address[])", swap.size, 0x40, 2, *tokens)
    else:
        name = "quoteExactInputSingle" if swap.is_exact_in else "quoteExactOutputSingle"
        to, limit = world.quoter, swap.sqrt_price_limit_x96 or 0
        signature = f"{name}((address,address,uint256,uint24,uint160))"
        data = abi.flat_call(signature, *tokens, swap.size, pool.fee_ppm, limit)
    return Call("eth_call", [{"to": to, "data": data}, block])


def _view(to: str, data: str) -> Call:
    return Call("eth_call", [{"to": to, "data": data}, "latest"])


async def _each(rpc: Rpc, world: World, pool: Pool, signature: str, arguments: Sequence[int]) -> list[bytes]:
    """Return what one view of `pool` answers for each argument, through Multicall3."""
    selector, found = abi.selector(signature), []
    for start in range(0, len(arguments), _WORDS_A_CALL):
        part = arguments[start : start + _WORDS_A_CALL]
        calls = [(pool.address, selector + one.to_bytes(32, "big", signed=True)) for one in part]
        data = abi.selector("aggregate((address,bytes)[])") + encode(["(address,bytes)[]"], [calls])
        (answer,) = await rpc.all([_view(world.multicall, "0x" + data.hex())])
        found += abi.decode(["uint256", "bytes[]"], answer)[1]
    return found


class Mined(Struct, frozen=True):
    """What became of the transactions of a block."""

    number: int
    went_through: list[bool]
    logs: list[list[Any]]


async def mine(rpc: Rpc, transactions: Sequence[dict[str, str]]) -> Mined:
    """Mine `transactions` into one block in their order."""
    await rpc.all([Call("eth_sendTransaction", [one]) for one in transactions])
    await rpc.call("evm_mine")
    receipts = await rpc.call("eth_getBlockReceipts", "latest")
    assert len(receipts) == len(transactions)
    rows = [msgspec.convert(one, _Receipt) for one in receipts]
    number = int(await rpc.call("eth_blockNumber"), 16)
    return Mined(number, [row.status == "0x1" for row in rows], [row.logs for row in rows])


class _Receipt(Struct):
    status: str
    logs: list[Any]
