"""What does a request say of a hop beside pool and token: its `extras`, as Solidity's ABI spells them."""

from functools import lru_cache
from typing import Any

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from tidemill.execute.plan.kinds import HopKind
from tidemill.execute.plan.route import (
    Address,
    BalancerV2Hop,
    BalancerV3Hop,
    CurveHop,
    Hop,
    PairHop,
    SolidlyHop,
    TickedHop,
    UniswapV4Hop,
)
from tidemill.schema.faults import Malformed, Refused

_PAIR_FEE_PPM = 3_000
"""Of Uniswap V2 and most forks."""
_HOPS_KEPT = 4_096


@lru_cache(_HOPS_KEPT)
def hop_of(protocol: int, pool: Address, token_out: Address, extra: bytes, *, min_out: int) -> Hop:
    """Return the hop of a request's `protocols[i]`, `path[i]` and `extras[i]`.

    `pool` is the pool's own address, of Balancer the vault's, of Uniswap V4 the manager's; the table of
    docs/guide/executor.md says what `extra` holds.

    Raises: Refused where there is no such protocol; Malformed where `extra` is not of it.
    """
    if protocol not in set(HopKind):
        raise Refused(f"request: expected protocols of 0 to {max(HopKind)}, found {protocol}")
    kind = HopKind(protocol)
    terms: dict[str, Any] = {"token_out": token_out, "min_out": min_out}
    match kind:
        case HopKind.UNISWAP_V2:
            [fee_ppm] = _values(kind, ["uint24"], extra) if extra else [_PAIR_FEE_PPM]
            return PairHop(pair=pool, fee_ppm=fee_ppm, **terms)
        case HopKind.UNISWAP_V3:
            _values(kind, ["uint24"], extra)  # the fee tells a router which pool; here the pool is given
            return TickedHop(pool=pool, **terms)
        case HopKind.CURVE:
            return _curve(pool, extra, terms)
        case HopKind.BALANCER_V2:
            [pool_id] = _values(kind, ["bytes32"], extra)
            return BalancerV2Hop(vault=pool, pool_id=pool_id, **terms)
        case HopKind.BALANCER_V3:
            [inner] = _values(kind, ["address"], extra)
            return BalancerV3Hop(vault=pool, pool=_bytes(inner), **terms)
        case HopKind.UNISWAP_V4:
            key = _values(kind, ["address", "address", "uint24", "int24", "address"], extra)
            return UniswapV4Hop(
                manager=pool, fee_ppm=key[2], tick_spacing=key[3], hooks=_bytes(key[4]), **terms
            )
        case HopKind.ALGEBRA:
            _values(kind, [], extra)
            return TickedHop(pool=pool, kind=HopKind.ALGEBRA, **terms)
        case HopKind.SOLIDLY:
            _values(kind, ["bool"], extra)  # the pair knows its own formula
            return SolidlyHop(pair=pool, **terms)


def _curve(pool: Address, extra: bytes, terms: dict[str, Any]) -> Hop:
    """Read the places, and, where a third word says so, that the pool takes them as uint256."""
    types = ["int128", "int128", "bool"] if len(extra) == 96 else ["int128", "int128"]
    coin_in, coin_out, *is_uint_indexed = _values(HopKind.CURVE, types, extra)
    return CurveHop(
        pool=pool, coin_in=coin_in, coin_out=coin_out, is_uint_indexed=any(is_uint_indexed), **terms
    )


def _values(kind: HopKind, types: list[str], extra: bytes) -> tuple[Any, ...]:
    expected = f"abi({','.join(types)})" if types else "nothing"
    if len(extra) != 32 * len(types):
        raise Malformed(f"request: expected {expected} beside {kind.name}, found {len(extra)} bytes")
    try:
        return decode(types, extra)
    except DecodingError as error:
        raise Malformed(f"request: expected {expected} beside {kind.name}, found: {error}") from error


def _bytes(address: str) -> Address:
    return bytes.fromhex(address[2:])
