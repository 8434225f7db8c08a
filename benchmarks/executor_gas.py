"""Gas of a circle through the executor over that of its bare swaps, by who lends.

Bare is what the pools' own routers take for the same two swaps in two transactions of an account that has both
tokens, less what the second transaction costs by being one (21,000). What a lender takes for itself, an empty
loan by a contract that only pays back, is not known by itself and is part of the figure.
"""

import asyncio
from typing import Any

from tests.execute.arena import BORROWED, Arena, hop, open_arena, profit_told, route

from benchmarks.row import Row
from tidemill.execute.kinds import LoanSource
from tidemill.sandbox import abi
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.world import Pool

_LIMIT_GAS = 60_000
_TRANSACTION_GAS = 21_000


def run() -> list[Row]:
    """Trade the one circle with each lender's money."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    async with open_arena() as arena:
        cheap = arena.pool("uniswap", "uniswap_v2", ("WETH", "USDC"))
        dear = arena.pool("sushiswap", "uniswap_v2", ("WETH", "USDC"))
        await arena.widen(cheap, arena.world.weth, 400 * 10**18)
        usdc = arena.world.token("USDC").address
        await _settle(arena)
        bare_gas = await _undone(arena, lambda: _bare(arena, cheap, dear))
        rows: list[Row] = []
        for source in LoanSource:
            if source == LoanSource.OWN_FUNDS:
                approval = abi.flat_call("approve(address,uint256)", arena.executor, abi.MAX_UINT256)
                await arena.send(arena.owner, usdc, approval)
            gas = await _undone(arena, lambda source=source: _circle(arena, cheap, dear, source))
            rows.append(_row(source, gas, bare_gas))
        return rows


def _row(source: LoanSource, gas: int, bare_gas: int) -> Row:
    note = f"{gas:,} in all, {bare_gas:,} bare"
    what = f"executor's gas over 2 bare swaps, {source.name.lower()}"
    return Row(what, gas - bare_gas, "gas", _LIMIT_GAS, "lower", note)


async def _settle(arena: Arena) -> None:
    """Let the owner have each token, as it has after its first trade."""
    for token in arena.world.tokens[1:]:
        await arena.send(
            arena.owner, token.address, abi.flat_call("mint(address,uint256)", arena.owner, 10**18)
        )


async def _undone(arena: Arena, trade: Any) -> int:
    """Return the gas of `trade`, after which the chain is as before; every one at the same time of the chain."""
    snapshot = await arena.rpc.call("evm_snapshot")
    head = await arena.rpc.call("eth_getBlockByNumber", "latest", False)
    await arena.rpc.call("evm_setNextBlockTimestamp", int(head["timestamp"], 16) + 100)
    gas = await trade()
    await arena.rpc.call("evm_revert", snapshot)
    return gas


async def _circle(arena: Arena, cheap: Pool, dear: Pool, source: LoanSource) -> int:
    usdc, weth = arena.token("USDC"), arena.token("WETH")
    receipt = await arena.execute(route(arena.loan(source), [hop(cheap, usdc, weth), hop(dear, weth, usdc)]))
    if receipt["status"] != "0x1" or profit_told(receipt) <= 0:
        raise RuntimeError(f"{source.name}: expected a profit, found none")
    return int(receipt["gasUsed"], 16)


async def _bare(arena: Arena, cheap: Pool, dear: Pool) -> int:
    trader = arena.world.accounts.traders[1]
    usdc, weth = arena.world.token("USDC").address, arena.world.weth
    total = -_TRANSACTION_GAS
    size = BORROWED
    for pool, token_in, token_out in ((cheap, usdc, weth), (dear, weth, usdc)):
        router = next(one.router for one in arena.world.factories if one.address == pool.factory)
        before = await arena.balance(token_out, trader)
        data = swap_exact_in(pool, zero_for_one=pool.token0 == token_in, size_in=size, recipient=trader)
        receipt = await arena.send(trader, router, data)
        if receipt["status"] != "0x1":
            raise RuntimeError("expected a bare swap, found it reverted")
        total += int(receipt["gasUsed"], 16)
        size = await arena.balance(token_out, trader) - before
    return total
