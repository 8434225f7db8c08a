"""PancakeSwap V3: its factory and pools; deployer, positions and router, not in its package, are our own."""

from tidemill.sandbox import abi
from tidemill.sandbox.contracts import creation_code
from tidemill.sandbox.venues.ticks import liquidity_of, positions, start_sqrt_price_x96, widest
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.venues.words import signed_word
from tidemill.sandbox.world import Address, FurtherPool

_POOLS = (
    ("WETH", "USDC", 500, 10, 6_000_000),
    ("WETH", "USDT", 2_500, 50, 2_000_000),
)
_MINT, _BURN = "mint(address,int24,int24,uint128)", "burn(address,int24,int24,uint128)"
_BLUEPRINT = "fe7100"
"""What marks code as a blueprint (ERC-5202)."""
_LEAST_SQRT_PRICE_X96 = 4_295_128_739 + 1
_MOST_SQRT_PRICE_X96 = 1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342 - 1


def build(ground: Ground) -> Build:
    """Create factory, deployer and hand, then two pools of overlapping positions."""
    site, provider = ground.site, ground.accounts.provider
    blueprint = site.create(_returning(_BLUEPRINT + creation_code(ground.modules, "PancakeV3Pool")[2:]))
    deployer = ground.create_own("PancakeV3PoolDeployer", (), blueprint)
    factory = ground.create("PancakeV3Factory", (), deployer)
    hand = ground.create_own("PancakeV3Hand")
    pairs = [ground.ordered((base, quote)) for base, quote, *_ in _POOLS]
    addresses = [(pair[0].address, pair[1].address) for pair in pairs]
    for pair, (_, _, fee_ppm, _, _) in zip(addresses, _POOLS, strict=True):
        site.send(factory, abi.flat_call("createPool(address,address,uint24)", *pair, fee_ppm))
        ground.approve((hand,), pair)
    answers = yield [
        (factory, abi.flat_call("getPool(address,address,uint24)", *pair, plan[2]))
        for pair, plan in zip(addresses, _POOLS, strict=True)
    ]
    pools = ["0x" + answer[-40:] for answer in answers]
    for pool, (token0, token1), (_, _, _, spacing, depth_usd) in zip(pools, pairs, _POOLS, strict=True):
        sqrt_price = start_sqrt_price_x96((token0, token1))
        site.send(pool, abi.flat_call("initialize(uint160)", sqrt_price), provider)
        for position in positions((token0, token1), depth_usd, spacing):
            liquidity = liquidity_of(sqrt_price, position)
            site.send(hand, abi.flat_call(_MINT, pool, position[0], position[1], liquidity), provider)
    yield []
    return [
        FurtherPool(
            protocol="pancake_v3",
            dex="pancakeswap",
            address=pool,
            tokens=pair,
            fee_ppm=fee_ppm,
            tick_spacing=spacing,
            factory=factory,
            router=hand,
            quoter=hand,
            manager=hand,
            depth_usd=depth_usd,
        )
        for pool, pair, (_, _, fee_ppm, spacing, depth_usd) in zip(pools, addresses, _POOLS, strict=True)
    ]


def swap(pool: FurtherPool, leg: Leg, recipient: Address) -> str:
    """Return the hand's swap of an amount in; the recipient is who calls."""
    return _spelled("swap", pool, leg, leg.size)


def ask_out(pool: FurtherPool, leg: Leg) -> str:
    """Return the hand's quote of an amount in: the swap itself, taken back."""
    return _spelled("quote", pool, leg, leg.size)


def read_out(answer: bytes, leg: Leg) -> int:
    """Return what the pool would pay."""
    return -signed_word(answer, leg.token_out)


def ask_in(pool: FurtherPool, leg: Leg) -> str:
    """Return the hand's quote of an amount out."""
    return _spelled("quote", pool, leg, -leg.size)


def read_in(answer: bytes, leg: Leg) -> int:
    """Return what the pool would take."""
    return signed_word(answer, leg.token_in)


def change_liquidity(pool: FurtherPool, change: Change) -> str:
    """Return the hand's call that grows or shrinks the widest position."""
    assert pool.tick_spacing is not None
    lower, upper, liquidity = widest(change.tokens, pool.depth_usd, pool.tick_spacing, change.share)
    return abi.flat_call(_MINT if change.adds else _BURN, pool.address, lower, upper, liquidity)


def _spelled(name: str, pool: FurtherPool, leg: Leg, amount: int) -> str:
    limit = _LEAST_SQRT_PRICE_X96 if leg.zero_for_one else _MOST_SQRT_PRICE_X96
    signature = f"{name}(address,bool,int256,uint160)"
    return abi.flat_call(signature, pool.address, int(leg.zero_for_one), amount, limit)


def _returning(code: str) -> str:
    """Return creation code that leaves `code` as it is on the chain."""
    size = len(code) // 2
    # PUSH2 size DUP1 PUSH1 10 PUSH0 CODECOPY PUSH0 RETURN: ten bytes, then the code.
    return f"0x61{size:04x}80600a5f395ff3" + code
