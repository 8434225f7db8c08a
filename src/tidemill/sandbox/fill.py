"""How much of each token goes into a pool so that all pools start at the same prices."""

from fractions import Fraction
from math import floor, isqrt, log

from tidemill.sandbox import abi
from tidemill.sandbox.layout import BANDS, STABLE_BANDS, TICK_SPACINGS, Band, PoolPlan
from tidemill.sandbox.world import Address, Token

_TICK_BASE = 1.0001


def units(token: Token, value_usd: Fraction) -> int:
    """Return what `value_usd` buys at the start, in the token's smallest unit, rounded down."""
    return floor(value_usd / token.start_price_usd * 10**token.decimals)


def start_price(token0: Token, token1: Token) -> Fraction:
    """Return the starting price: smallest units of `token1` for one of `token0`."""
    return Fraction(
        token0.start_price_usd * 10**token1.decimals, token1.start_price_usd * 10**token0.decimals
    )


def add_v2(pair: tuple[Token, Token], depth_usd: int, provider: Address) -> str:
    """Return Router02's call that creates the pair and puts half of `depth_usd` in on each side."""
    sizes = [units(token, Fraction(depth_usd, 2)) for token in pair]
    return add_liquidity(pair[0].address, pair[1].address, sizes[0], sizes[1], provider)


def add_liquidity(token0: Address, token1: Address, size0: int, size1: int, provider: Address) -> str:
    """Return Router02's call that adds at most these sizes, in the smallest units."""
    signature = "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)"
    return abi.flat_call(signature, token0, token1, size0, size1, 0, 0, provider, abi.MAX_UINT256)


def create_v3(pair: tuple[Token, Token], plan: PoolPlan, provider: Address) -> list[str]:
    """Return the position manager's calls that create the pool and mint its positions."""
    token0, token1 = pair
    price = start_price(token0, token1)
    sqrt_price_x96 = isqrt((price.numerator << 192) // price.denominator)
    signature = "createAndInitializePoolIfNecessary(address,address,uint24,uint160)"
    calls = [abi.flat_call(signature, token0.address, token1.address, plan.fee_ppm, sqrt_price_x96)]
    tick = floor(log(price) / log(_TICK_BASE))
    stable = token0.start_price_usd == token1.start_price_usd
    for band in STABLE_BANDS if stable else BANDS:
        value_usd = Fraction(plan.depth_usd * band.share_percent, 200)
        sizes = (units(token0, value_usd), units(token1, value_usd))
        ticks = _usable(tick, band, TICK_SPACINGS[plan.fee_ppm])
        calls.append(mint_position((token0.address, token1.address), plan.fee_ppm, ticks, sizes, provider))
    return calls


def mint_position(
    pair: tuple[Address, Address],
    fee_ppm: int,
    ticks: tuple[int, int],
    sizes: tuple[int, int],
    provider: Address,
) -> str:
    """Return the position manager's call that mints a position of at most these sizes over these ticks."""
    signature = "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
    return abi.flat_call(signature, *pair, fee_ppm, *ticks, *sizes, 0, 0, provider, abi.MAX_UINT256)


def _usable(tick: int, band: Band, spacing: int) -> tuple[int, int]:
    """Return the band's ticks, both rounded down to multiples of `spacing` and at least one apart."""
    lower = (tick + band.below) // spacing * spacing
    return lower, max((tick + band.above) // spacing * spacing, lower + spacing)
