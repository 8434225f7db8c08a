"""Which pools do the known factories have for two tokens: asked of the factories, each in its own way."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from tidemill._rust import AlgebraPool, Pool, SolidlyPool, UniswapV2Pool, UniswapV3Pool, keccak256
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.multicall import Question
from tidemill.chains.evm.pool_query import PoolState
from tidemill.chains.evm.steps import PoolSnapshot
from tidemill.chains.evm.words import int_word

TokenPair = tuple[bytes, bytes]
"""Two tokens' addresses, the lower one first."""


def _selector(signature: str) -> bytes:
    return keccak256(signature.encode())[:4]


_GET_PAIR = _selector("getPair(address,address)")
_GET_POOL = _selector("getPool(address,address,uint24)")
_GET_PAIR_OF_KIND = _selector("getPair(address,address,bool)")
_GET_POOL_OF_KIND = _selector("getPool(address,address,bool)")
_POOL_BY_PAIR = _selector("poolByPair(address,address)")

_FEES_PPM = (100, 200, 300, 400, 500, 2_500, 3_000, 10_000)
"""Fees that V3 factories have enabled: the deployed four, Base's three more, and PancakeSwap's 2,500.
Source: the factories' FeeAmountEnabled events.
"""


class Place(Struct, frozen=True):
    """Where a pool may be: one answer of one factory."""

    factory: Factory
    pair: TokenPair
    question: Question


class FoundPool(Struct, frozen=True):
    """A pool that a factory named."""

    address: bytes
    factory: Factory
    pair: TokenPair


def places(factories: Iterable[Factory], pairs: Sequence[TokenPair]) -> list[Place]:
    """Return every question whose answer may be a pool of one of `pairs`.

    Uniswap V4 has none: its manager knows pools by their ids, not by their tokens.
    """
    return [
        Place(factory, pair, (factory.address, selector + _words(pair) + rest))
        for factory in factories
        for selector, rest in _views(factory)
        for pair in pairs
    ]


def found_pools(places: Sequence[Place], answers: Sequence[bytes | None]) -> list[FoundPool]:
    """Return the pools that the answers name, each once; a factory says zero where it has none."""
    found: dict[bytes, FoundPool] = {}
    for place, answer in zip(places, answers, strict=True):
        if answer is None or len(answer) != 32 or not any(answer):
            continue
        address = answer[12:]
        found.setdefault(address, FoundPool(address, place.factory, place.pair))
    return list(found.values())


def snapshot_of(state: PoolState, block_timestamp_s: int) -> PoolSnapshot | None:
    """Return a pool that was read exactly as `PoolSet.insert` takes it.

    None where it is of a kind that is not followed, or of a factory that is not a known one.
    """
    reading, pool = state.reading, state.reading.pool
    if state.dex is None or reading.factory is None or pool is None:
        return None
    fields = _fields(pool)
    if fields is None:
        return None
    token0, token1 = (coin.address for coin in reading.coins)
    return PoolSnapshot(
        address=reading.address,
        protocol=pool.protocol,
        dex=state.dex,
        factory=reading.factory,
        token0=token0,
        token1=token1,
        block_number=state.block_number,
        block_hash=state.block_hash,
        block_timestamp_s=block_timestamp_s,
        recv_ns=state.asked_ns,
        **fields,
    )


def _fields(pool: Pool) -> dict[str, Any] | None:
    """Return what a snapshot has of a pool's kind alone; None for a kind that is not followed."""
    match pool:
        case UniswapV2Pool() | SolidlyPool():
            fields = _of(pool, "fee_ppm", "fee_numerator", "fee_denominator", "reserve0", "reserve1")
        case UniswapV3Pool() | AlgebraPool():
            fields = _of(pool, "fee_ppm", "tick_spacing", "sqrt_price_x96", "tick", "liquidity")
            fields["ticks"] = tuple(pool.ticks)
        case _:
            return None
    if isinstance(pool, SolidlyPool) and pool.decimals is not None:
        decimals0, decimals1 = pool.decimals
        fields |= {**_of(pool, "rules", "is_stable"), "decimals0": decimals0, "decimals1": decimals1}
    if isinstance(pool, AlgebraPool) and pool.fees_ppm is not None:
        fields |= _of(pool, "is_fee_overridden", "has_limit_orders")
        fields |= {"rules": pool.generation, "fee_back_ppm": pool.fees_ppm[1]}
    return fields


def _of(pool: Pool, *names: str) -> dict[str, Any]:
    return {name: getattr(pool, name) for name in names}


def _views(factory: Factory) -> list[tuple[bytes, bytes]]:
    """Return selectors of the views that name a pool, with the words that follow the two tokens."""
    is_stable = [int_word(0), int_word(1)]
    match factory.protocol:
        case "uniswap_v2":
            return [(_GET_PAIR, b"")]
        case "uniswap_v3":
            return [(_GET_POOL, int_word(fee)) for fee in _FEES_PPM]
        case "solidly":
            view = _GET_POOL_OF_KIND if factory.rules == "velodrome" else _GET_PAIR_OF_KIND
            return [(view, word) for word in is_stable]
        case "algebra":
            return [(_POOL_BY_PAIR, b"")]
        case _:
            return []


def _words(pair: TokenPair) -> bytes:
    return b"".join(bytes(12) + token for token in pair)
