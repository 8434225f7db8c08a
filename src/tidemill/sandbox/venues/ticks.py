"""How a position's liquidity follows from the sizes put in, for pools that have no position manager."""

from fractions import Fraction
from math import floor, isqrt, log

from tidemill.sandbox.fill import start_price, units
from tidemill.sandbox.layout import BANDS, STABLE_BANDS
from tidemill.sandbox.world import Token

_TICK_BASE = 1.0001


def start_sqrt_price_x96(pair: tuple[Token, Token]) -> int:
    """Return the square root of the starting price times 2^96, rounded down."""
    price = start_price(*pair)
    return isqrt((price.numerator << 192) // price.denominator)


def positions(pair: tuple[Token, Token], depth_usd: int, spacing: int) -> list[tuple[int, int, int, int]]:
    """Return lower tick, upper tick and most of each token of the positions in a pool `depth_usd` deep."""
    tick = floor(log(start_price(*pair)) / log(_TICK_BASE))
    stable = pair[0].start_price_usd == pair[1].start_price_usd
    made: list[tuple[int, int, int, int]] = []
    for band in STABLE_BANDS if stable else BANDS:
        value_usd = Fraction(depth_usd * band.share_percent, 200)
        lower = (tick + band.below) // spacing * spacing
        upper = max((tick + band.above) // spacing * spacing, lower + spacing)
        made.append((lower, upper, units(pair[0], value_usd), units(pair[1], value_usd)))
    return made


def widest(pair: tuple[Token, ...], depth_usd: int, spacing: int, share: float) -> tuple[int, int, int]:
    """Return lower tick, upper tick and a share of the first liquidity of a pool's widest position."""
    token0, token1 = pair
    position = positions((token0, token1), depth_usd, spacing)[0]
    liquidity = liquidity_of(start_sqrt_price_x96((token0, token1)), position)
    return position[0], position[1], max(1, int(liquidity * share))


def liquidity_of(sqrt_price_x96: int, position: tuple[int, int, int, int]) -> int:
    """Return about the liquidity that the sizes of `position` pay for at this price."""
    lower, upper, size0, size1 = position
    low, high = _TICK_BASE ** (lower / 2), _TICK_BASE ** (upper / 2)
    at = min(max(sqrt_price_x96 / 2**96, low), high)
    by_token0 = size0 * at * high / (high - at) if at < high else float("inf")
    by_token1 = size1 / (at - low) if at > low else float("inf")
    return int(min(by_token0, by_token1))
