"""Uniswap V4: pools without hooks in the one PoolManager, with StateView and V4Quoter."""

from tidemill.sandbox import abi
from tidemill.sandbox.layout import TICK_SPACINGS
from tidemill.sandbox.venues.ticks import liquidity_of, positions, start_sqrt_price_x96, widest
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.venues.words import word
from tidemill.sandbox.world import Address, FurtherPool

_POOLS = (
    ("WETH", "USDC", 500, 8_000_000),
    ("WETH", "USDC", 3_000, 3_000_000),
    ("WBTC", "WETH", 3_000, 3_000_000),
    ("USDC", "USDT", 100, 5_000_000),
)
_KEY = "(address,address,uint24,int24,address)"
_NO_HOOKS = "0x" + 40 * "0"
_LEAST_SQRT_PRICE_X96 = 4_295_128_739 + 1
_MOST_SQRT_PRICE_X96 = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342 - 1


def build(ground: Ground) -> Build:
    """Create the manager, its test routers and views, and four pools of overlapping positions."""
    site = ground.site
    manager = ground.create("PoolManager", (), site.deployer)
    router = ground.create("PoolSwapTest", (), manager)
    provider_router = ground.create("PoolModifyLiquidityTest", (), manager)
    view = ground.create("StateView", (), manager)
    quoter = ground.create("V4Quoter", (), manager)
    used = {symbol for base, quote, *_ in _POOLS for symbol in (base, quote)}
    ground.approve((router, provider_router), [ground.token(symbol).address for symbol in sorted(used)])
    yield []
    provider = ground.accounts.provider
    pools: list[FurtherPool] = []
    for base, quote, fee_ppm, depth_usd in _POOLS:
        token0, token1 = ground.ordered((base, quote))
        spacing = TICK_SPACINGS[fee_ppm]
        key = (token0.address, token1.address, fee_ppm, spacing, _NO_HOOKS)
        sqrt_price = start_sqrt_price_x96((token0, token1))
        site.send(manager, abi.flat_call(f"initialize({_KEY},uint160)", *key, sqrt_price), provider)
        for position in positions((token0, token1), depth_usd, spacing):
            site.send(
                provider_router, _modify(key, *position[:2], liquidity_of(sqrt_price, position)), provider
            )
        pools.append(
            FurtherPool(
                protocol="uniswap_v4",
                dex="uniswap",
                address=manager,
                pool_id=_pool_id(key),
                tokens=(token0.address, token1.address),
                fee_ppm=fee_ppm,
                tick_spacing=spacing,
                vault=manager,
                router=router,
                quoter=quoter,
                manager=provider_router,
                state_view=view,
                depth_usd=depth_usd,
            )
        )
    yield []
    return pools


def swap(pool: FurtherPool, leg: Leg, recipient: Address) -> str:
    """Return PoolSwapTest's swap, which pays and is paid at once; the recipient is who calls."""
    limit = _LEAST_SQRT_PRICE_X96 if leg.zero_for_one else _MOST_SQRT_PRICE_X96
    signature = f"swap({_KEY},(bool,int256,uint160),(bool,bool),bytes)"
    settings = (0, 0)  # tokens, not claims, on both sides
    bytes_at = 11 * 32
    return abi.flat_call(
        signature, *_key(pool), int(leg.zero_for_one), -leg.size, limit, *settings, bytes_at, 0
    )


def ask_out(pool: FurtherPool, leg: Leg) -> str:
    """Return V4Quoter's quoteExactInputSingle."""
    return _ask("quoteExactInputSingle", pool, leg)


def read_out(answer: bytes, leg: Leg) -> int:
    """Return amountOut."""
    return word(answer, 0)


def ask_in(pool: FurtherPool, leg: Leg) -> str:
    """Return V4Quoter's quoteExactOutputSingle."""
    return _ask("quoteExactOutputSingle", pool, leg)


def read_in(answer: bytes, leg: Leg) -> int:
    """Return what it costs."""
    return word(answer, 0)


def change_liquidity(pool: FurtherPool, change: Change) -> str:
    """Return PoolModifyLiquidityTest's call that grows or shrinks the widest position."""
    key = _key(pool)
    lower, upper, liquidity = widest(change.tokens, pool.depth_usd, key[3], change.share)
    return _modify(key, lower, upper, liquidity if change.adds else -liquidity)


def _modify(key: tuple[Address, Address, int, int, Address], lower: int, upper: int, liquidity: int) -> str:
    signature = f"modifyLiquidity({_KEY},(int24,int24,int256,bytes32),bytes)"
    salt, bytes_at = 0, 10 * 32
    return abi.flat_call(signature, *key, lower, upper, liquidity, salt, bytes_at, 0)


def _ask(name: str, pool: FurtherPool, leg: Leg) -> str:
    tuple_at, bytes_at = 32, 8 * 32
    signature = f"{name}(({_KEY},bool,uint128,bytes))"
    return abi.flat_call(signature, tuple_at, *_key(pool), int(leg.zero_for_one), leg.size, bytes_at, 0)


def _key(pool: FurtherPool) -> tuple[Address, Address, int, int, Address]:
    assert pool.fee_ppm is not None
    assert pool.tick_spacing is not None
    return (pool.tokens[0], pool.tokens[1], pool.fee_ppm, pool.tick_spacing, _NO_HOOKS)


def _pool_id(key: tuple[Address, Address, int, int, Address]) -> str:
    return abi.digest(
        bytes.fromhex(abi.arguments(["address", "address", "uint24", "int24", "address"], *key))
    )
