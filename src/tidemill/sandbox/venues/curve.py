"""Curve: plain StableSwap pools of three generations, our own Vyper with Curve's interface and arithmetic."""

from fractions import Fraction
from typing import Literal

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.fill import units
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.venues.words import word
from tidemill.sandbox.world import Address, FurtherPool

_PPM = 10_000
"""A millionth, in 10^-10."""


class _Plan(Struct, frozen=True):
    contract: str
    symbols: tuple[str, ...]
    """In the order of the pool's coins."""
    amplification: int
    depth_usd: int
    fee: int = 4_000_000
    """In 10^-10 of what comes out."""
    last: int = 5 * 10**9
    """What the constructor takes last, in 10^-10: the share of the fee that leaves the pool; of NG, where it
    is fixed, how the fee grows away from the peg."""
    protocol: Literal["curve_stable", "curve_stable_ng"] = "curve_stable"


_POOLS = (
    _Plan("ThreePool", ("DAI", "USDC", "USDT"), 2_000, 12_000_000),
    _Plan("StableSwap2", ("USDC", "USDT"), 500, 6_000_000),
    _Plan("StableSwap3", ("USDT", "DAI", "USDC"), 200, 4_000_000),
    _Plan("StableSwapNG3", ("USDC", "DAI", "USDT"), 300, 5_000_000, 1_000_000, 5 * 10**10, "curve_stable_ng"),
)


def build(ground: Ground) -> Build:
    """Create the pools, each filled with equal values of its coins."""
    pools: list[FurtherPool] = []
    for plan in _POOLS:
        coins = [ground.token(symbol) for symbol in plan.symbols]
        count = len(coins)
        pool = ground.create_own(
            plan.contract,
            (f"address[{count}]", f"uint256[{count}]", "uint256", "uint256", "uint256"),
            [coin.address for coin in coins],
            [coin.decimals for coin in coins],
            plan.amplification,
            plan.fee,
            plan.last,
        )
        ground.approve((pool,), [coin.address for coin in coins])
        pools.append(
            FurtherPool(
                protocol=plan.protocol,
                dex="curve",
                address=pool,
                tokens=tuple(coin.address for coin in coins),
                fee_ppm=plan.fee // _PPM if plan.protocol == "curve_stable" else None,
                router=pool,
                quoter=pool,
                manager=pool,
                depth_usd=plan.depth_usd,
            )
        )
    yield []
    for pool, plan in zip(pools, _POOLS, strict=True):
        value_usd = Fraction(plan.depth_usd, len(plan.symbols))
        sizes = [units(ground.token(symbol), value_usd) for symbol in plan.symbols]
        ground.site.send(pool.address, _add(pool, sizes), ground.accounts.provider)
    yield []
    return pools


def swap(pool: FurtherPool, leg: Leg, recipient: Address) -> str:
    """Return the pool's exchange, which pays who calls."""
    return abi.flat_call("exchange(int128,int128,uint256,uint256)", leg.token_in, leg.token_out, leg.size, 0)


def ask_out(pool: FurtherPool, leg: Leg) -> str:
    """Return the pool's get_dy."""
    return abi.flat_call("get_dy(int128,int128,uint256)", leg.token_in, leg.token_out, leg.size)


def read_out(answer: bytes, leg: Leg) -> int:
    """Return dy."""
    return word(answer, 0)


def ask_in(pool: FurtherPool, leg: Leg) -> None:
    """Return None: plain pools tell no price of an amount out."""


def read_in(answer: bytes, leg: Leg) -> int:
    """Return the first word; nothing asks for it."""
    return word(answer, 0)


def change_liquidity(pool: FurtherPool, change: Change) -> str:
    """Return add_liquidity of the last coin alone, or remove_liquidity of all."""
    count = len(pool.tokens)
    if change.adds:
        last = units(change.tokens[-1], Fraction(pool.depth_usd * change.share))
        return _add(pool, [*[0] * (count - 1), max(1, last)])
    burnt = int(pool.depth_usd * change.share * 10**18)  # a share began as a dollar
    if pool.protocol == "curve_stable_ng":
        return abi.call("remove_liquidity(uint256,uint256[])", burnt, [0] * count)
    return abi.flat_call(f"remove_liquidity(uint256,uint256[{count}])", burnt, *[0] * count)


def _add(pool: FurtherPool, sizes: list[int]) -> str:
    if pool.protocol == "curve_stable_ng":
        return abi.call("add_liquidity(uint256[],uint256)", sizes, 0)
    return abi.flat_call(f"add_liquidity(uint256[{len(sizes)}],uint256)", *sizes, 0)
