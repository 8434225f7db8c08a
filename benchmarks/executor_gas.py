"""Gas of a circle through the executor over that of its bare swaps, by who lends.

Bare is what the pools' own routers take for the same two swaps in two transactions of an account that has
both tokens, less what the second costs by being a transaction of its own. Every pool and lender was used once
before, as all that hold money were: writing a slot for the first time takes 17,100 gas more, once for ever.
The lender's own gas is that of its calls by the trace, without its callback. Where it alone is above the
limit and the whole is so, too, a second row tells what is left without it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.execute.arena import BORROWED, Arena, bytes_of, hop, open_arena, profit_told, route

from benchmarks.row import Row
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Loan
from tidemill.sandbox import abi
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.world import Pool

Gas = tuple[int, int]
"""In all, and of that the lender's own."""
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
        await _settle(arena)
        await _use(arena, cheap, dear)
        bare_gas, _ = await _undone(arena, lambda: _bare(arena, cheap, dear))
        rows: list[Row] = []
        for source in LoanSource:
            gas, lent_gas = await _undone(arena, lambda source=source: _circle(arena, cheap, dear, source))
            rows += _rows(source.name.lower(), gas, bare_gas, lent_gas)
        gas, lent_gas = await _undone(arena, lambda: _circle(arena, cheap, dear, None))
        return rows + _rows("uniswap_v2, the first hop's own pair", gas, bare_gas, lent_gas)


def _rows(source: str, gas: int, bare_gas: int, lent_gas: int) -> list[Row]:
    note = f"the lender's own {lent_gas:,}; {gas:,} in all, {bare_gas:,} bare"
    what, over_gas = f"executor's gas over 2 bare swaps, {source}", gas - bare_gas
    rows = [Row(what, over_gas, "gas", _LIMIT_GAS, "lower", note)]
    if over_gas > _LIMIT_GAS < lent_gas:
        without = Row(f"{what}, without the lender's own", over_gas - lent_gas, "gas", _LIMIT_GAS, "lower")
        rows.append(without)
    return rows


async def _settle(arena: Arena) -> None:
    """Let the owner have each token, as it has after its first trade."""
    for token in arena.world.tokens[1:]:
        await arena.send(
            arena.owner, token.address, abi.flat_call("mint(address,uint256)", arena.owner, 10**18)
        )
    approval = abi.flat_call("approve(address,uint256)", arena.executor, abi.MAX_UINT256)
    await arena.send(arena.owner, arena.world.token("USDC").address, approval)


async def _use(arena: Arena, cheap: Pool, dear: Pool) -> None:
    """Trade the circle once with each lender's money, and make the gap anew."""
    for source in LoanSource:
        await _circle(arena, cheap, dear, source)
        await arena.widen(cheap, arena.world.weth, 10 * 10**18)


async def _undone(arena: Arena, trade: Callable[[], Awaitable[Gas]]) -> Gas:
    """Return the gas of `trade`, after which the chain is as before; each is made at the same time of it."""
    snapshot = await arena.rpc.call("evm_snapshot")
    head = await arena.rpc.call("eth_getBlockByNumber", "latest", False)
    await arena.rpc.call("evm_setNextBlockTimestamp", int(head["timestamp"], 16) + 100)
    gas = await trade()
    await arena.rpc.call("evm_revert", snapshot)
    return gas


async def _circle(arena: Arena, cheap: Pool, dear: Pool, source: LoanSource | None) -> Gas:
    """Trade with the money of `source`; None: with what the first pair gives before it is paid."""
    usdc, weth = arena.token("USDC"), arena.token("WETH")
    if source is None:
        pair = bytes_of(cheap.address)
        loan = Loan(source=LoanSource.UNISWAP_V2, lender=pair, token=usdc, amount=BORROWED, fee_ppm=0)
    else:
        loan = arena.loan(source)
    receipt = await arena.execute(route(loan, [hop(cheap, usdc, weth), hop(dear, weth, usdc)]))
    if receipt["status"] != "0x1" or profit_told(receipt) <= 0:
        raise RuntimeError(f"{loan}: expected a profit, found none")
    if source is None:  # its gas is that of the hop
        return int(receipt["gasUsed"], 16), 0
    digest = receipt["transactionHash"]
    trace = await arena.rpc.call("debug_traceTransaction", digest, {"tracer": "callTracer"})
    lender = "0x" + arena.lenders[source].hex()
    return int(receipt["gasUsed"], 16), _used_by(trace, lender, arena.executor)


def _used_by(frame: dict[str, Any], lender: str, executor: str) -> int:
    """Return the gas of the calls of `lender` without that of its calls of `executor`."""
    inner = frame.get("calls", [])
    if frame["to"] != lender:
        return sum(_used_by(one, lender, executor) for one in inner)
    return int(frame["gasUsed"], 16) - sum(_back(one, lender, executor) for one in inner)


def _back(frame: dict[str, Any], lender: str, executor: str) -> int:
    """Return the gas of calls of `executor` in a call of the lender, without what the lender has of those."""
    if frame["to"] == executor:
        return int(frame["gasUsed"], 16) - _used_by(frame, lender, executor)
    return sum(_back(one, lender, executor) for one in frame.get("calls", []))


async def _bare(arena: Arena, cheap: Pool, dear: Pool) -> Gas:
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
    return total, 0
