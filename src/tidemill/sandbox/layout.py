"""What the world is made of: its tokens, its pools and where their liquidity lies."""

from typing import Literal

from msgspec import Struct


class TokenPlan(Struct, frozen=True):
    """A token to deploy."""

    symbol: str
    name: str
    decimals: int
    start_price_usd: int
    volatility_bps: float
    """Standard deviation of its fair price over one second; 0: it stays at its price."""


class PoolPlan(Struct, frozen=True):
    """A pool to create and fill."""

    dex: Literal["uniswap", "sushiswap"]
    protocol: Literal["uniswap_v2", "uniswap_v3"]
    base: str
    quote: str
    depth_usd: int
    """Value of what is put in; half of it is each token's, but where a position lies to one side."""
    fee_ppm: int = 3_000


class Band(Struct, frozen=True):
    """A V3 position, in ticks beside the starting tick."""

    below: int
    above: int
    share_percent: int
    """Of the pool's depth."""


TOKENS = (
    TokenPlan("WETH", "Wrapped Ether", 18, 3_000, 3.0),
    TokenPlan("USDC", "USD Coin", 6, 1, 0),
    TokenPlan("USDT", "Tether USD", 6, 1, 0),
    TokenPlan("DAI", "Dai Stablecoin", 18, 1, 0),
    TokenPlan("WBTC", "Wrapped BTC", 8, 60_000, 2.0),
    TokenPlan("LINK", "ChainLink Token", 18, 15, 5.0),
)
"""The first is made by its own contract, the others are ERC-20s that anyone may mint."""


def _v2(dex: Literal["uniswap", "sushiswap"], base: str, quote: str, depth_usd: int) -> PoolPlan:
    return PoolPlan(dex, "uniswap_v2", base, quote, depth_usd)


def _v3(base: str, quote: str, fee_ppm: int, depth_usd: int) -> PoolPlan:
    return PoolPlan("uniswap", "uniswap_v3", base, quote, depth_usd, fee_ppm)


POOLS = (
    _v2("uniswap", "WETH", "USDC", 40_000_000),
    _v2("uniswap", "WETH", "USDT", 24_000_000),
    _v2("uniswap", "WETH", "DAI", 16_000_000),
    _v2("uniswap", "WBTC", "WETH", 30_000_000),
    _v2("uniswap", "WBTC", "USDC", 12_000_000),
    _v2("uniswap", "LINK", "WETH", 8_000_000),
    _v2("uniswap", "DAI", "USDC", 20_000_000),
    _v2("sushiswap", "WETH", "USDC", 18_000_000),
    _v2("sushiswap", "WETH", "USDT", 10_000_000),
    _v2("sushiswap", "WETH", "DAI", 9_000_000),
    _v2("sushiswap", "WBTC", "WETH", 14_000_000),
    _v2("sushiswap", "LINK", "WETH", 5_000_000),
    _v3("WETH", "USDC", 500, 12_000_000),
    _v3("WETH", "USDC", 3_000, 9_000_000),
    _v3("WETH", "USDC", 10_000, 1_500_000),
    _v3("WETH", "USDT", 500, 5_000_000),
    _v3("WETH", "USDT", 3_000, 4_000_000),
    _v3("WETH", "DAI", 3_000, 3_000_000),
    _v3("WBTC", "WETH", 500, 8_000_000),
    _v3("WBTC", "WETH", 3_000, 6_000_000),
    _v3("WBTC", "USDC", 3_000, 2_500_000),
    _v3("LINK", "WETH", 3_000, 2_000_000),
    _v3("LINK", "WETH", 10_000, 800_000),
    _v3("USDC", "USDT", 100, 10_000_000),
    _v3("DAI", "USDC", 100, 8_000_000),
    _v3("DAI", "USDT", 500, 2_000_000),
)

TICK_SPACINGS = {100: 1, 500: 10, 3_000: 60, 10_000: 200}
"""Fee in millionths → the distance of usable ticks."""

BANDS = (
    Band(-20_000, 20_000, 30),
    Band(-4_000, 4_000, 25),
    Band(-1_000, 1_000, 20),
    Band(-200, 200, 5),
    Band(-2_400, -200, 10),
    Band(200, 2_400, 10),
)
"""Overlapping, so that a swap of 1 % crosses an initialised tick or more."""

STABLE_BANDS = (
    Band(-1_000, 1_000, 30),
    Band(-200, 200, 25),
    Band(-50, 50, 20),
    Band(-10, 10, 5),
    Band(-120, -10, 10),
    Band(10, 120, 10),
)
"""As `BANDS`, for pairs whose price hardly moves."""
