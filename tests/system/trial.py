"""A world in which each swap is foretold by us, asked of the contracts, made real and read from its logs."""

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidemill._rust import PoolError, UniswapV2Pool, UniswapV3Pool
from tidemill.sandbox import abi
from tidemill.sandbox.fill import mint_position
from tidemill.sandbox.moves import collect, shrink_position, swap_exact_in, swap_exact_out
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import Pool, World

from .contracts import Swap, Told, ask, mine, reserves, ticked
from .following import Following, Kept
from .tick_count import count_as_the_quoter_does, count_crossed

_GAS = hex(400_000_000)
"""Enough to walk every word of the bitmap of a pool whose spacing is 1."""
_AFFORDABLE_WETH, _AFFORDABLE_UNITS = 10**7, 10**10
"""A swap's most, in whole units: the traders, of whom each has more, never run dry."""
_Q96 = 2**96
_INCREASED = abi.topic("IncreaseLiquidity(uint256,uint128,uint256,uint256)")


class Ours(Struct, frozen=True):
    """What we say about a swap; `told` is None where the contract must revert."""

    told: Told | None
    paid: tuple[int, int] = (0, 0)
    """In and out."""
    after: Kept | None = None
    """The pool after it; None where the pair or pool itself would refuse."""


class Made(Struct, frozen=True):
    """A position that the provider minted."""

    pool: Pool
    position_id: int
    ticks: tuple[int, int]
    liquidity: int


def judge(kept: Kept, swap: Swap) -> Ours:
    """Return our answer to `swap`, in the words of the contract's quoter."""
    given = {"amount_in": swap.size} if swap.is_exact_in else {"amount_out": swap.size}
    try:
        if isinstance(kept, UniswapV2Pool):
            size_in, size_out, crossed = kept.quote(swap.zero_for_one, **given)
            told = Told(size_out if swap.is_exact_in else size_in)
            return Ours(told, (size_in, size_out), _swapped(kept, swap, given))
        limit = swap.sqrt_price_limit_x96
        after, size_in, size_out = kept.swap(swap.zero_for_one, **given, sqrt_price_limit_x96=limit)
        if limit is None:
            *sizes, crossed = kept.quote(swap.zero_for_one, **given)
            assert sizes == [size_in, size_out]
            assert crossed == count_crossed(kept, after)
    except PoolError:
        return Ours(None)
    if size_in == 0:  # the quoter refuses what moves nothing
        return Ours(None)
    count = count_as_the_quoter_does(kept, after)
    return Ours(
        Told(size_out if swap.is_exact_in else size_in, after.sqrt_price_x96, count),
        (size_in, size_out),
        after,
    )


def _swapped(pair: UniswapV2Pool, swap: Swap, given: dict[str, int]) -> UniswapV2Pool | None:
    try:
        after, *_ = pair.swap(swap.zero_for_one, **given)
    except PoolError:  # the router quotes what the pair would refuse
        return None
    return after


def depth(kept: Kept, zero_for_one: bool) -> tuple[int, int]:
    """Return the pool's reserves, of a V3 pool those that its liquidity stands for: paid in, paid out."""
    if isinstance(kept, UniswapV2Pool):
        held = (kept.reserve0, kept.reserve1)
    else:
        assert kept.liquidity is not None
        assert kept.sqrt_price_x96 is not None
        held = (kept.liquidity * _Q96 // kept.sqrt_price_x96, kept.liquidity * kept.sqrt_price_x96 // _Q96)
        held = (held[0] or 10**9, held[1] or 10**9)
    return held if zero_for_one else (held[1], held[0])


def affordable(world: World, pool: Pool, zero_for_one: bool) -> int:
    """Return the most that a trader pays into `pool`, in the token's smallest unit."""
    address = pool.token0 if zero_for_one else pool.token1
    token = next(token for token in world.tokens if token.address == address)
    return (_AFFORDABLE_WETH if token.symbol == "WETH" else _AFFORDABLE_UNITS) * 10**token.decimals


class Trial:
    """One world, its real reader, and what has been compared so far."""

    def __init__(self, world: World, rpc: Rpc, seen: Following, dice: random.Random) -> None:
        self.world, self.rpc, self.seen, self.dice = world, rpc, seen, dice
        self.counted: Counter[str] = Counter()
        self.positions: list[Made] = []
        self._nonces: dict[str, int] = {}

    async def quote(self, swaps: Sequence[Swap]) -> list[Ours]:
        """Compare our answers with the contracts', each swap on its own at the newest block."""
        theirs = await ask(self.rpc, self.world, swaps, "latest")
        answers = [judge(self.seen.pool(swap.pool), swap) for swap in swaps]
        for swap, ours, told in zip(swaps, answers, theirs, strict=True):
            assert ours.told == told, f"{swap} on {self.seen.pool(swap.pool)!r}: the contract says {told}"
            self.counted[f"{swap.pool.protocol} {'in' if swap.is_exact_in else 'out'}"] += 1
            self.counted["reverted"] += told is None
            self.counted["crossing"] += bool(told and told.ticks_crossed)
        return answers

    async def execute(self, swaps: Sequence[Swap]) -> None:
        """Make swaps real, one block for all, some of them refused; every pool must be as we said."""
        expected: dict[str, Kept] = {}
        went_through: list[bool] = []
        transactions: list[dict[str, str]] = []
        trader = self.dice.choice(self.world.accounts.traders)  # one alone: its nonces are the order
        for swap in swaps:
            before = expected.get(swap.pool.address) or self.seen.pool(swap.pool)
            ours = judge(before, swap)
            if ours.after is not None and ours.paid[0] > affordable(self.world, swap.pool, swap.zero_for_one):
                continue
            transactions.append(await self.transaction(swap, trader))
            went_through.append(ours.after is not None)
            expected[swap.pool.address] = ours.after or before
        mined = await mine(self.rpc, transactions)
        assert mined.went_through == went_through
        self.counted["executed"] += sum(went_through)
        self.counted["refused"] += len(went_through) - sum(went_through)
        await self.seen.reach(mined.number)
        for pool in self.world.pools:
            if pool.address in expected:
                assert self.seen.pool(pool) == expected[pool.address], pool

    async def change_liquidity(self) -> None:
        """Mint narrow positions about the price and take one back whole; every pool must be as we said."""
        pools = [pool for pool in self.world.pools if pool.tick_spacing is not None]
        chosen = self.dice.sample(pools, 4)
        plans = [(pool, *self._range(pool)) for pool in chosen]
        provider = self.world.accounts.provider
        calls = [
            mint_position((pool.token0, pool.token1), pool.fee_ppm, ticks, sizes, provider)
            for pool, ticks, sizes in plans
        ]
        gone = self.positions.pop(self.dice.randrange(len(self.positions))) if self.positions else None
        if gone is not None:
            calls.append(shrink_position(gone.position_id, gone.liquidity))
            calls.append(collect(gone.position_id, provider))
        manager = self.world.position_manager
        expected = {pool.address: self.seen.pool(pool) for pool in pools}
        mined = await mine(self.rpc, [await self.from_account(provider, manager, data) for data in calls])
        for (pool, ticks, _), passed, logs in zip(plans, mined.went_through, mined.logs, strict=False):
            if passed:  # one that lies beside the price with the wrong token would hold nothing
                made = self._made(pool, ticks, logs)
                expected[pool.address] = _changed(expected[pool.address], made, 1)
                self.positions.append(made)
        if gone is not None:
            assert mined.went_through[-2:] == [True, True]
            expected[gone.pool.address] = _changed(expected[gone.pool.address], gone, -1)
        await self.seen.reach(mined.number)
        for pool in pools:
            assert self.seen.pool(pool) == expected[pool.address], pool

    async def compare_states(self) -> None:
        """Compare every pool with its contract: reserves, or slot, liquidity and each tick."""
        for pool in self.world.pools:
            kept = self.seen.pool(pool)
            if isinstance(kept, UniswapV2Pool):
                assert (kept.reserve0, kept.reserve1) == await reserves(self.rpc, pool), pool
            else:
                theirs = await ticked(self.rpc, self.world, pool)
                assert kept.ticks == theirs.ticks, pool
                found = (kept.sqrt_price_x96, kept.tick, kept.liquidity)
                assert found == (theirs.sqrt_price_x96, theirs.tick, theirs.liquidity), pool

    def _range(self, pool: Pool) -> tuple[tuple[int, int], tuple[int, int]]:
        kept = self.seen.pool(pool)
        assert isinstance(kept, UniswapV3Pool)
        assert kept.tick is not None
        spacing, dice = kept.tick_spacing, self.dice
        lower = (kept.tick // spacing + dice.randint(-8, 6)) * spacing
        lower = max(-800_000 // spacing * spacing, min(lower, 800_000 // spacing * spacing))
        share = dice.uniform(1e-5, 1e-3)
        size0, size1 = (int(share * one) + 1_000 for one in depth(kept, True))
        return (lower, lower + dice.randint(1, 8) * spacing), (size0, size1)

    def _made(self, pool: Pool, ticks: tuple[int, int], logs: Sequence[dict[str, Any]]) -> Made:
        (increased,) = [log for log in logs if log["topics"][0] == _INCREASED]
        (liquidity, *_) = abi.decode(["uint128", "uint256", "uint256"], increased["data"])
        return Made(pool, int(increased["topics"][1], 16), ticks, liquidity)

    async def transaction(self, swap: Swap, trader: str) -> dict[str, str]:
        """Return the transaction that makes `swap` real."""
        factory = next(one for one in self.world.factories if one.address == swap.pool.factory)
        pool, zero_for_one = swap.pool, swap.zero_for_one
        if swap.is_exact_in:
            data = swap_exact_in(pool, zero_for_one=zero_for_one, size_in=swap.size, recipient=trader)
        else:
            data = swap_exact_out(pool, zero_for_one=zero_for_one, size_out=swap.size, recipient=trader)
        return await self.from_account(trader, factory.router, data)

    async def from_account(self, sender: str, to: str, data: str) -> dict[str, str]:
        """Return a transaction of `sender`, after those that it has already."""
        if sender not in self._nonces:
            self._nonces[sender] = int(await self.rpc.call("eth_getTransactionCount", sender, "latest"), 16)
        nonce = self._nonces[sender]
        self._nonces[sender] += 1
        return {"from": sender, "to": to, "data": data, "gas": _GAS, "nonce": hex(nonce), **FEES}


def _changed(kept: Kept, made: Made, sign: int) -> Kept:
    assert isinstance(kept, UniswapV3Pool)
    return kept.with_liquidity(*made.ticks, sign * made.liquidity)
