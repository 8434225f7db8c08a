"""How factories are asked for their pools, and what their answers mean."""

from typing import NamedTuple

import pytest

from tidemill._rust import AlgebraPool, Pool, PoolSet, SolidlyPool, UniswapV2Pool, UniswapV3Pool
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.pool_finding import found_pools, places, snapshot_of
from tidemill.chains.evm.pool_query import PoolState
from tidemill.chains.evm.token_names import TokenNames
from tidemill.schema.faults import Refused

LOW, HIGH, POOL = b"\x01" * 20, b"\x02" * 20, b"\x03" * 20
PAIR = (LOW, HIGH)
WORDS = bytes(12) + LOW + bytes(12) + HIGH


def factory(protocol: str, rules: str | None = None) -> Factory:
    return Factory(b"\x0f" * 20, protocol, "a dex", 997, 1000, 0, rules)


@pytest.mark.parametrize(
    ("of", "questions"),
    [
        (factory("uniswap_v2"), ["e6a43905"]),
        (factory("solidly", "solidly"), ["6801cc30", "6801cc30"]),
        (factory("solidly", "velodrome"), ["79bc57d5", "79bc57d5"]),
        (factory("algebra", "v1"), ["d9a641e1"]),
        (factory("uniswap_v3"), ["1698ee82"] * 8),
        (factory("uniswap_v4"), []),
    ],
)
def test_each_protocol_is_asked_in_its_own_way(of: Factory, questions: list[str]) -> None:
    asked = places([of], [PAIR])
    assert [place.question[1][:4].hex() for place in asked] == questions
    assert all(place.question[0] == of.address and place.question[1][4:68] == WORDS for place in asked)
    assert len({place.question for place in asked}) == len(asked)


def test_a_pool_is_found_once_and_only_where_an_answer_names_one() -> None:
    asked = places([factory("uniswap_v3")], [PAIR])
    answers = [None, b"", bytes(32), bytes(12) + POOL, bytes(12) + POOL, b"\x01", bytes(32), bytes(32)]
    assert [(pool.address, pool.pair) for pool in found_pools(asked, answers)] == [(POOL, PAIR)]


def test_a_symbol_of_two_tokens_means_neither() -> None:
    symbol = b"USDC".ljust(32, b"\x00")
    names = TokenNames("chain x", [LOW, HIGH, POOL], [symbol, symbol, None])
    with pytest.raises(Refused, match="chain x: USDC: expected one token of this symbol, found 0x0101"):
        names.find("USDC")
    assert names.find("WETH") is None
    assert names.find("0x" + POOL.hex()) == POOL
    assert TokenNames("chain x", [LOW], [symbol]).find("USDC") == LOW


def test_pools_of_every_kind_that_is_followed_are_taken_as_they_were_read() -> None:
    ticks = ((-120, 10**12, 10**12), (120, 10**12, -(10**12)))
    slot = (1 << 96, 0, 10**12)
    read = {
        "uniswap_v2": UniswapV2Pool(reserve0=10**9, reserve1=2 * 10**9),
        "solidly": SolidlyPool(
            rules="velodrome",
            is_stable=True,
            reserves=(10**18, 10**18),
            decimals=(18, 18),
            fee_numerator=9995,
        ),
        "algebra": AlgebraPool(generation="v1_directional", fees_ppm=(100, 900), slot=slot, ticks=ticks),
        "uniswap_v3": UniswapV3Pool(
            sqrt_price_x96=slot[0], tick=0, liquidity=slot[2], fee_ppm=500, tick_spacing=10, ticks=ticks
        ),
    }
    for protocol, pool in read.items():
        state = PoolState(Reading(pool), "a dex", 7, b"\x07" * 32, 1)  # pyright: ignore[reportArgumentType]
        snapshot = snapshot_of(state, 1)
        assert snapshot is not None
        pools = PoolSet("chain", 1, [])
        pools.insert(snapshot)
        kept = pools.get(POOL)
        assert kept is not None
        assert (kept.protocol, kept.fee_ppm) == (protocol, pool.fee_ppm)
        for zero_for_one in (True, False):
            assert kept.amount_out(zero_for_one, 10**6) == pool.amount_out(zero_for_one, 10**6)


class Reading:
    """What was read of a pool between `LOW` and `HIGH`."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.address = POOL
        self.factory = b"\x0f" * 20
        self.coins = (Coin(LOW), Coin(HIGH))


class Coin(NamedTuple):
    """A token of it."""

    address: bytes
