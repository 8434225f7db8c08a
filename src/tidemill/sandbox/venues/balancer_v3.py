"""Balancer V3: the vault with weighted and stable pools, and a router of our own."""

from fractions import Fraction
from typing import Literal

from msgspec import Struct

from tidemill.sandbox import abi
from tidemill.sandbox.fill import units
from tidemill.sandbox.solidity_code import solidity_codes
from tidemill.sandbox.venues.venue import Build, Change, Ground, Leg
from tidemill.sandbox.world import Address, FurtherPool

_ONE = 10**18
_PPM = 10**12
"""A millionth, with 18 decimals."""
_MILLION = 10**6


class _Plan(Struct, frozen=True):
    protocol: Literal["balancer_v3_weighted", "balancer_v3_stable"]
    shares_percent: dict[str, int]
    """Token → its part of the depth, which is its weight."""
    fee_ppm: int
    depth_usd: int


_POOLS = (
    _Plan("balancer_v3_weighted", {"WETH": 50, "USDC": 50}, 3_000, 5_000_000),
    _Plan("balancer_v3_weighted", {"WBTC": 30, "LINK": 20, "USDC": 50}, 3_000, 4_000_000),
    _Plan("balancer_v3_stable", {"DAI": 34, "USDC": 33, "USDT": 33}, 100, 9_000_000),
)
_AMPLIFICATION = 200
_PAUSE_S, _BUFFER_S = 365 * 24 * 3_600, 90 * 24 * 3_600
_TRADE_MIN = 10**6
"""Of an amount with 18 decimals; as on Ethereum."""
_TOKEN_BALANCE_MIN = 10**6
_WEIGHTED = "(string,string,uint256,uint256[],string,uint256[])"
_STABLE = "(string,string,uint256,string)"
_REGISTER = (
    "registerPool(address,(address,uint8,address,bool)[],uint256,uint32,bool,(address,address,address),"
    "address,(bool,bool,bool,bool))"
)
_NOBODY = "0x" + 40 * "0"
_GIVEN_IN, _GIVEN_OUT = 0, 1


def build(ground: Ground) -> Build:
    """Create the vault and its parts, the router and the pools, each filled at the starting prices."""
    codes = solidity_codes(ground.modules.parent.parent)
    vault = _vault(ground, codes)
    hand = ground.create_own("BalancerV3Hand", ("address",), vault)
    addresses = [_create(plan, ground, codes, vault) for plan in _POOLS]
    held = {symbol for plan in _POOLS for symbol in plan.shares_percent}
    ground.approve((hand,), [ground.token(symbol).address for symbol in sorted(held)])
    for plan, pool in zip(_POOLS, addresses, strict=True):
        tokens = ground.ordered(tuple(plan.shares_percent))
        configs = [(token.address, 0, _NOBODY, False) for token in tokens]
        nobody, flags = (_NOBODY,) * 3, (False,) * 4
        fee = plan.fee_ppm * _PPM
        terms = (pool, configs, fee, 0, False, nobody, _NOBODY, flags)
        ground.site.send(vault, abi.call(_REGISTER, *terms))
    yield []
    for plan, pool in zip(_POOLS, addresses, strict=True):
        tokens = ground.ordered(tuple(plan.shares_percent))
        sizes = [
            units(token, plan.depth_usd * Fraction(plan.shares_percent[token.symbol], 100))
            for token in tokens
        ]
        filling = abi.call(
            "fill(address,address[],uint256[])", pool, [token.address for token in tokens], sizes
        )
        ground.site.send(hand, filling, ground.accounts.provider)
    yield []
    return [
        FurtherPool(
            protocol=plan.protocol,
            dex="balancer_v3",
            address=pool,
            tokens=tuple(token.address for token in ground.ordered(tuple(plan.shares_percent))),
            fee_ppm=plan.fee_ppm,
            vault=vault,
            router=hand,
            quoter=hand,
            manager=hand,
            depth_usd=plan.depth_usd,
        )
        for plan, pool in zip(_POOLS, addresses, strict=True)
    ]


def swap(pool: FurtherPool, leg: Leg, recipient: Address) -> str:
    """Return the router's swap of an amount in; who calls pays and is paid."""
    return _between("swap", _GIVEN_IN, pool, leg)


def ask_out(pool: FurtherPool, leg: Leg) -> str:
    """Return the router's question for one amount in, which the vault answers."""
    return _between("ask", _GIVEN_IN, pool, leg)


def read_out(answer: bytes, leg: Leg) -> int:
    """Return what the vault would pay."""
    return int.from_bytes(answer[:32], "big")


def ask_in(pool: FurtherPool, leg: Leg) -> str:
    """Return the router's question for one amount out."""
    return _between("ask", _GIVEN_OUT, pool, leg)


def read_in(answer: bytes, leg: Leg) -> int:
    """Return what the vault would take."""
    return int.from_bytes(answer[:32], "big")


def change_liquidity(pool: FurtherPool, change: Change) -> str:
    """Return the router's call that adds the pool's last token alone, or takes some of each out."""
    if not change.adds:
        share_ppm = max(1, int(change.share * _MILLION))
        return abi.call("remove(address,address[],uint256)", pool.address, list(pool.tokens), share_ppm)
    size = max(1, units(change.tokens[-1], Fraction(pool.depth_usd * change.share)))
    sizes = [*[0] * (len(change.tokens) - 1), size]
    return abi.call("add(address,address[],uint256[])", pool.address, list(pool.tokens), sizes)


def _between(name: str, kind: int, pool: FurtherPool, leg: Leg) -> str:
    token_in, token_out = pool.tokens[leg.token_in], pool.tokens[leg.token_out]
    signature = f"{name}(uint8,address,address,address,uint256)"
    return abi.flat_call(signature, kind, pool.address, token_in, token_out, leg.size)


def _vault(ground: Ground, codes: dict[str, str]) -> Address:
    """Create the vault and its parts, each of which knows where the vault will be."""
    site = ground.site
    vault = site.following(3)
    windows = (_PAUSE_S, _BUFFER_S, _TRADE_MIN, _TRADE_MIN)
    types = ["address", "uint32", "uint32", "uint256", "uint256"]
    admin = site.create(codes["VaultAdmin"] + abi.arguments(types, vault, *windows))
    extension = site.create(codes["VaultExtension"] + abi.arguments(["address"] * 2, vault, admin))
    shares = (_ONE // 2, _ONE // 10)
    types = ["address", "uint256", "uint256"]
    fees = site.create(codes["ProtocolFeeController"] + abi.arguments(types, vault, *shares))
    parts = abi.arguments(["address"] * 3, extension, site.deployer, fees)
    assert site.create(codes["Vault"] + parts) == vault
    return vault


def _create(plan: _Plan, ground: Ground, codes: dict[str, str], vault: Address) -> Address:
    tokens = ground.ordered(tuple(plan.shares_percent))
    name = "-".join(token.symbol for token in tokens)
    if plan.protocol == "balancer_v3_stable":
        terms = abi.arguments([_STABLE, "address"], (name, name, _AMPLIFICATION, ""), vault)
        return ground.site.create(codes["StablePool"] + terms)
    weights = [plan.shares_percent[token.symbol] * _ONE // 100 for token in tokens]
    least = [_TOKEN_BALANCE_MIN] * len(tokens)
    terms = abi.arguments([_WEIGHTED, "address"], (name, name, len(tokens), weights, "", least), vault)
    return ground.site.create(codes["WeightedPool"] + terms)
