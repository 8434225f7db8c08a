"""Curve: plain StableSwap pools of two generations, our own Vyper with Curve's interface and arithmetic."""

from fractions import Fraction

from tidemill.sandbox import abi
from tidemill.sandbox.fill import units
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.venues.words import word
from tidemill.sandbox.world import Address, FurtherPool

_POOLS = (
    ("ThreePool", ("DAI", "USDC", "USDT"), 2_000, 12_000_000),
    ("StableSwap2", ("USDC", "USDT"), 500, 6_000_000),
    ("StableSwap3", ("USDT", "DAI", "USDC"), 200, 4_000_000),
)
"""Contract, coins in their order, amplification, depth."""

_FEE = 4_000_000
"""In 10^-10 of what comes out: 0.04 %."""
_ADMIN_FEE = 5 * 10**9
_PPM = 10_000


def build(ground: Ground) -> Build:
    """Create three pools, each filled with equal values of its coins."""
    pools: list[FurtherPool] = []
    for name, symbols, amplification, depth_usd in _POOLS:
        coins = [ground.token(symbol) for symbol in symbols]
        count = len(coins)
        pool = ground.create_own(
            name,
            (f"address[{count}]", f"uint256[{count}]", "uint256", "uint256", "uint256"),
            [coin.address for coin in coins],
            [coin.decimals for coin in coins],
            amplification,
            _FEE,
            _ADMIN_FEE,
        )
        ground.approve((pool,), [coin.address for coin in coins])
        pools.append(
            FurtherPool(
                protocol="curve_stable",
                dex="curve",
                address=pool,
                tokens=tuple(coin.address for coin in coins),
                fee_ppm=_FEE // _PPM,
                router=pool,
                quoter=pool,
                manager=pool,
                depth_usd=depth_usd,
            )
        )
    yield []
    for pool, (_, symbols, _, depth_usd) in zip(pools, _POOLS, strict=True):
        sizes = [units(ground.token(symbol), Fraction(depth_usd, len(symbols))) for symbol in symbols]
        ground.site.send(pool.address, _add(sizes), ground.accounts.provider)
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
        return _add([*[0] * (count - 1), max(1, last)])
    burnt = int(pool.depth_usd * change.share * 10**18)  # a share began as a dollar
    return abi.flat_call(f"remove_liquidity(uint256,uint256[{count}])", burnt, *[0] * count)


def _add(sizes: list[int]) -> str:
    return abi.flat_call(f"add_liquidity(uint256[{len(sizes)}],uint256)", *sizes, 0)
