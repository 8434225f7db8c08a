"""Balancer V2: the Vault with weighted and composable stable pools of its third factories."""

from fractions import Fraction
from typing import Literal

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.fill import units
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.venues.words import signed_word
from tidemill.sandbox.world import Address, FurtherPool, Token

_ONE = 10**18
_PPM = 10**12
"""A millionth, with 18 decimals."""


class _Plan(Struct, frozen=True):
    protocol: Literal["balancer_v2_weighted", "balancer_v2_stable"]
    weights_percent: dict[str, int]
    """Token → weight; a stable pool's count for nothing but how its depth is shared."""
    fee_ppm: int
    depth_usd: int


_POOLS = (
    _Plan("balancer_v2_weighted", {"WETH": 80, "USDC": 20}, 3_000, 9_000_000),
    _Plan("balancer_v2_weighted", {"WBTC": 50, "WETH": 50}, 2_000, 6_000_000),
    _Plan("balancer_v2_weighted", {"WBTC": 40, "WETH": 35, "USDC": 25}, 2_500, 8_000_000),
    _Plan("balancer_v2_stable", {"DAI": 34, "USDC": 33, "USDT": 33}, 100, 15_000_000),
)
_AMPLIFICATION = 500
_PAUSE_WINDOW_S = 90 * 24 * 3_600
_BUFFER_S = 30 * 24 * 3_600
_FACTORIES = {
    "balancer_v2_weighted": "WeightedPoolFactory",
    "balancer_v2_stable": "ComposableStablePoolFactory",
}
_NO_RATES = "0x" + 40 * "0"
_FIRST_POOL = 3
"""The nonce of a factory's first pool: its first two contracts hold the halves of a pool's code."""
_GIVEN_IN, _GIVEN_OUT = 0, 1
_INIT, _EXACT_TOKENS_IN = 0, 1
"""Kinds of joins, the same in both kinds of pools."""
_FUNDS = "(address,bool,address,bool)"


def build(ground: Ground) -> Build:
    """Create the vault, both factories and four pools, each filled at the starting prices."""
    site = ground.site
    authorizer = ground.create("Authorizer", (), site.deployer)
    weth = ground.token("WETH").address
    types = ("address", "address", "uint256", "uint256")
    vault = ground.create("Vault", types, authorizer, weth, _PAUSE_WINDOW_S, _BUFFER_S)
    fees = ground.create(
        "ProtocolFeePercentagesProvider", ("address", "uint256", "uint256"), vault, _ONE // 2, _ONE // 2
    )
    factories = {
        protocol: ground.create(name, ("address", "address", "string", "string"), vault, fees, "", "")
        for protocol, name in _FACTORIES.items()
    }
    created = dict.fromkeys(_FACTORIES, _FIRST_POOL)
    addresses: list[Address] = []
    for plan in _POOLS:
        factory = factories[plan.protocol]
        site.send(factory, _create(plan, ground))
        addresses.append(abi.created_address(factory, created[plan.protocol]))
        created[plan.protocol] += 1
    held = {symbol for plan in _POOLS for symbol in plan.weights_percent}
    ground.approve((vault,), [ground.token(symbol).address for symbol in sorted(held)])
    ids = yield [(pool, abi.flat_call("getPoolId()")) for pool in addresses]
    for plan, address, pool_id in zip(_POOLS, addresses, ids, strict=True):
        site.send(vault, _join(plan, ground, address, pool_id), ground.accounts.provider)
    yield []
    return [
        FurtherPool(
            protocol=plan.protocol,
            dex="balancer",
            address=address,
            pool_id=pool_id,
            tokens=tuple(token.address for token in ground.ordered(tuple(plan.weights_percent))),
            fee_ppm=plan.fee_ppm,
            factory=factories[plan.protocol],
            vault=vault,
            router=vault,
            quoter=vault,
            manager=vault,
            depth_usd=plan.depth_usd,
        )
        for plan, address, pool_id in zip(_POOLS, addresses, ids, strict=True)
    ]


def swap(pool: FurtherPool, leg: Leg, recipient: Address) -> str:
    """Return the vault's swap of an amount in."""
    single = (
        bytes.fromhex(_id(pool)),
        _GIVEN_IN,
        pool.tokens[leg.token_in],
        pool.tokens[leg.token_out],
        leg.size,
        b"",
    )
    signature = f"swap((bytes32,uint8,address,address,uint256,bytes),{_FUNDS},uint256,uint256)"
    return abi.call(signature, single, (recipient, False, recipient, False), 0, abi.MAX_UINT256)


def ask_out(pool: FurtherPool, leg: Leg) -> str:
    """Return the vault's queryBatchSwap of one amount in."""
    return _ask(_GIVEN_IN, pool, leg)


def read_out(answer: bytes, leg: Leg) -> int:
    """Return what the vault would pay: the second delta, negative, after offset and length."""
    return -signed_word(answer, 3)


def ask_in(pool: FurtherPool, leg: Leg) -> str:
    """Return the vault's queryBatchSwap of one amount out."""
    return _ask(_GIVEN_OUT, pool, leg)


def read_in(answer: bytes, leg: Leg) -> int:
    """Return what the vault would take: the first delta."""
    return signed_word(answer, 2)


def change_liquidity(pool: FurtherPool, change: Change) -> str:
    """Return the vault's join of the pool's last token alone, or its exit to some of each."""
    is_weighted = pool.protocol == "balancer_v2_weighted"
    value_usd = Fraction(pool.depth_usd * change.share)
    if change.adds:
        sizes = [*[0] * (len(change.tokens) - 1), max(1, units(change.tokens[-1], value_usd))]
        kind, limit = _EXACT_TOKENS_IN, 0
    else:
        sizes = [units(token, value_usd / 10) for token in change.tokens]
        kind, limit = (2 if is_weighted else 1), abi.MAX_UINT256  # exact tokens out, in each pool's own count
    user_data = bytes.fromhex(abi.arguments(["uint256", "uint256[]", "uint256"], kind, sizes, limit))
    assets = list(pool.tokens)
    if not is_weighted:
        assets = sorted([*assets, pool.address], key=lambda address: int(address, 16))
    name = "joinPool" if change.adds else "exitPool"
    limits = [abi.MAX_UINT256 if change.adds else 0] * len(assets)
    signature = f"{name}(bytes32,address,address,(address[],uint256[],bytes,bool))"
    request = (assets, limits, user_data, False)
    return abi.call(signature, bytes.fromhex(_id(pool)), change.provider, change.provider, request)


def _ask(kind: int, pool: FurtherPool, leg: Leg) -> str:
    # Spelled by hand: a thousand of them are a second of the ABI library.
    signature = f"queryBatchSwap(uint8,(bytes32,uint256,uint256,uint256,bytes)[],address[],{_FUNDS})"
    swaps_at, assets_at = 7 * 32, 15 * 32
    nobody = pool.tokens[0]
    step = (1, 32, "0x" + _id(pool), 0, 1, leg.size, 5 * 32, 0)
    assets = (2, pool.tokens[leg.token_in], pool.tokens[leg.token_out])
    return abi.flat_call(signature, kind, swaps_at, assets_at, nobody, 0, nobody, 0, *step, *assets)


def _id(pool: FurtherPool) -> str:
    assert pool.pool_id is not None
    return pool.pool_id[2:]


def _create(plan: _Plan, ground: Ground) -> str:
    tokens = ground.ordered(tuple(plan.weights_percent))
    addresses = [token.address for token in tokens]
    name = "-".join(token.symbol for token in tokens)
    rates = [_NO_RATES] * len(tokens)
    fee = plan.fee_ppm * _PPM
    if plan.protocol == "balancer_v2_weighted":
        weights = [plan.weights_percent[token.symbol] * _ONE // 100 for token in tokens]
        signature = "create(string,string,address[],uint256[],address[],uint256,address)"
        return abi.call(signature, name, name, addresses, weights, rates, fee, ground.site.deployer)
    signature = "create(string,string,address[],uint256,address[],uint256[],bool[],uint256,address)"
    none, never = [0] * len(tokens), [False] * len(tokens)
    return abi.call(
        signature, name, name, addresses, _AMPLIFICATION, rates, none, never, fee, ground.site.deployer
    )


def _join(plan: _Plan, ground: Ground, pool: Address, pool_id: str) -> str:
    """Return the join that fills the pool; a stable pool's own share token stands among its tokens."""
    sizes = {token.address: _size(plan, token) for token in ground.ordered(tuple(plan.weights_percent))}
    if plan.protocol == "balancer_v2_stable":
        sizes[pool] = 0
    assets = sorted(sizes, key=lambda address: int(address, 16))
    user_data = bytes.fromhex(abi.arguments(["uint256", "uint256[]"], _INIT, [sizes[one] for one in assets]))
    provider = ground.accounts.provider
    signature = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
    request = (assets, [abi.MAX_UINT256] * len(assets), user_data, False)
    return abi.call(signature, bytes.fromhex(pool_id[2:]), provider, provider, request)


def _size(plan: _Plan, token: Token) -> int:
    share = (
        Fraction(plan.weights_percent[token.symbol], 100)
        if plan.protocol == "balancer_v2_weighted"
        else Fraction(1, len(plan.weights_percent))
    )
    return units(token, plan.depth_usd * share)
