"""Algebra: the pools with a fee that moves, as core 2.0.0 and 3.0.0 (`algebra_v1`, `_v2`) and as Integral."""

from fractions import Fraction
from typing import Literal

from tidemill.sandbox import abi
from tidemill.sandbox.fill import units
from tidemill.sandbox.layout import BANDS
from tidemill.sandbox.moves import shrink_position
from tidemill.sandbox.venues.ticks import positions, start_sqrt_price_x96, widest
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.venues.words import word
from tidemill.sandbox.world import Address, FurtherPool

AlgebraProtocol = Literal["algebra_v1", "algebra_v2", "algebra_integral"]

TICK_SPACING = 60
"""Of every pool that its factory makes, in all versions."""

_POOLS: tuple[tuple[AlgebraProtocol, str, str, int], ...] = (
    ("algebra_v1", "WETH", "USDC", 5_000_000),
    ("algebra_v1", "LINK", "WETH", 2_000_000),
    ("algebra_v2", "WETH", "USDC", 6_000_000),
    ("algebra_v2", "WBTC", "WETH", 3_000_000),
    ("algebra_integral", "WETH", "USDC", 7_000_000),
    ("algebra_integral", "LINK", "WETH", 1_500_000),
)
_PACKAGES: dict[AlgebraProtocol, str] = {
    "algebra_v1": "Algebra1/",
    "algebra_v2": "Algebra2/",
    "algebra_integral": "Integral/",
}
_DEXES: dict[AlgebraProtocol, str] = {
    "algebra_v1": "quickswap_v3",
    "algebra_v2": "quickswap",
    "algebra_integral": "algebra",
}
_CREATION_GAS = 40_000_000
"""Of a pool and its first price: version 1 as it is packaged is not optimised."""
_NO_DEPLOYER = "0x" + 40 * "0"
"""Of Integral's base pools: those that nobody else's contract deploys."""


def build(ground: Ground) -> Build:
    """Create all versions' contracts and two pools of each, of overlapping positions."""
    site, weth = ground.site, ground.token("WETH").address
    made: dict[str, tuple[Address, Address, Address, Address]] = {}
    for protocol, package in _PACKAGES.items():
        factory, deployer = _create_factory(ground, protocol)
        manager = ground.create(
            package + "NonfungiblePositionManager", (), factory, weth, site.deployer, deployer
        )
        router = ground.create(package + "SwapRouter", (), factory, weth, deployer)
        quoter = ground.create(package + "QuoterV2", (), factory, weth, deployer)
        made[protocol] = (factory, manager, router, quoter)
    yield []
    for protocol, base, quote, depth_usd in _POOLS:
        _, manager, router, _ = made[protocol]
        token0, token1 = ground.ordered((base, quote))
        ground.approve((manager, router), (token0.address, token1.address))
        sqrt_price = start_sqrt_price_x96((token0, token1))
        # All by one account: only the transactions of one keep their order within a block.
        provider = ground.accounts.provider
        creation = _create(protocol, (token0.address, token1.address), sqrt_price)
        site.send(manager, creation, provider, gas=_CREATION_GAS)
        for lower, upper, *sizes in positions((token0, token1), depth_usd, TICK_SPACING):
            data = _mint(protocol, (token0.address, token1.address), (lower, upper, *sizes), provider)
            site.send(manager, data, provider)
    pairs = [tuple(token.address for token in ground.ordered((base, quote))) for _, base, quote, _ in _POOLS]
    answers = yield [
        (made[plan[0]][0], abi.flat_call("poolByPair(address,address)", *pair))
        for plan, pair in zip(_POOLS, pairs, strict=True)
    ]
    return [
        FurtherPool(
            protocol=protocol,
            dex=_DEXES[protocol],
            address="0x" + answer[-40:],
            tokens=pair,
            tick_spacing=TICK_SPACING,
            factory=made[protocol][0],
            router=made[protocol][2],
            quoter=made[protocol][3],
            manager=made[protocol][1],
            depth_usd=depth_usd,
        )
        for (protocol, _, _, depth_usd), pair, answer in zip(_POOLS, pairs, answers, strict=True)
    ]


def _create_factory(ground: Ground, protocol: AlgebraProtocol) -> tuple[Address, Address]:
    """Create a version's factory and its deployer, which know each other."""
    site, package = ground.site, _PACKAGES[protocol]
    if protocol == "algebra_v1":
        deployer = ground.create(package + "AlgebraPoolDeployer")
        factory = ground.create(package + "AlgebraFactory", (), deployer, site.deployer)
        site.send(deployer, abi.flat_call("setFactory(address)", factory))
        return factory, deployer
    factory, deployer = site.following(), site.following(1)
    ground.create(package + "AlgebraFactory", (), deployer)
    vaults = [abi.created_address(factory, 1)] if protocol == "algebra_v2" else []
    ground.create(package + "AlgebraPoolDeployer", (), factory, *vaults)
    return factory, deployer


def swap(pool: FurtherPool, leg: Leg, recipient: Address) -> str:
    """Return SwapRouter's exactInputSingle."""
    pair = (pool.tokens[leg.token_in], pool.tokens[leg.token_out])
    rest = (recipient, abi.MAX_UINT256, leg.size, 0, 0)
    if pool.protocol != "algebra_integral":
        signature = "exactInputSingle((address,address,address,uint256,uint256,uint256,uint160))"
        return abi.flat_call(signature, *pair, *rest)
    signature = "exactInputSingle((address,address,address,address,uint256,uint256,uint256,uint160))"
    return abi.flat_call(signature, *pair, _NO_DEPLOYER, *rest)


def ask_out(pool: FurtherPool, leg: Leg) -> str:
    """Return QuoterV2's quoteExactInputSingle."""
    return _ask("quoteExactInputSingle", pool, leg)


def read_out(answer: bytes, leg: Leg) -> int:
    """Return amountOut: in all versions the first word."""
    return word(answer, 0)


def ask_in(pool: FurtherPool, leg: Leg) -> str:
    """Return QuoterV2's quoteExactOutputSingle."""
    return _ask("quoteExactOutputSingle", pool, leg)


def read_in(answer: bytes, leg: Leg) -> int:
    """Return what it costs: the first word of four, of Integral the second of six."""
    return word(answer, 0 if len(answer) == 4 * 32 else 1)


def change_liquidity(pool: FurtherPool, change: Change) -> str:
    """Return the position manager's call that grows or shrinks the widest position; what it frees is owed."""
    of_protocol = [frozenset(plan[1:3]) for plan in _POOLS if plan[0] == pool.protocol]
    place = of_protocol.index(frozenset(token.symbol for token in change.tokens))
    position_id = place * len(BANDS) + 1  # the manager counts from one, and the widest is minted first
    if change.adds:
        sizes = [units(token, Fraction(pool.depth_usd * change.share)) for token in change.tokens]
        signature = "increaseLiquidity((uint256,uint256,uint256,uint256,uint256,uint256))"
        return abi.flat_call(signature, position_id, *sizes, 0, 0, abi.MAX_UINT256)
    *_, liquidity = widest(change.tokens, pool.depth_usd, TICK_SPACING, change.share)
    return shrink_position(position_id, liquidity)


def _ask(name: str, pool: FurtherPool, leg: Leg) -> str:
    pair = (pool.tokens[leg.token_in], pool.tokens[leg.token_out])
    if pool.protocol != "algebra_integral":
        return abi.flat_call(f"{name}((address,address,uint256,uint160))", *pair, leg.size, 0)
    return abi.flat_call(
        f"{name}((address,address,address,uint256,uint160))", *pair, _NO_DEPLOYER, leg.size, 0
    )


def _create(protocol: AlgebraProtocol, pair: tuple[Address, Address], sqrt_price_x96: int) -> str:
    if protocol != "algebra_integral":
        return abi.flat_call(
            "createAndInitializePoolIfNecessary(address,address,uint160)", *pair, sqrt_price_x96
        )
    signature = "createAndInitializePoolIfNecessary(address,address,address,uint160,bytes)"
    return abi.call(signature, *pair, _NO_DEPLOYER, sqrt_price_x96, b"")


def _mint(
    protocol: AlgebraProtocol,
    pair: tuple[Address, Address],
    position: tuple[int, ...],
    provider: Address,
) -> str:
    rest = (*position, 0, 0, provider, abi.MAX_UINT256)
    if protocol != "algebra_integral":
        signature = "mint((address,address,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
        return abi.flat_call(signature, *pair, *rest)
    signature = "mint((address,address,address,int24,int24,uint256,uint256,uint256,uint256,address,uint256))"
    return abi.flat_call(signature, *pair, _NO_DEPLOYER, *rest)
