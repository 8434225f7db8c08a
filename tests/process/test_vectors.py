"""The contracts' own published test vectors, through the module that Python calls."""

import json
from pathlib import Path
from typing import Any

import pytest

from tidemill._rust import PoolError, UniswapV2Pool, UniswapV3Pool

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


def vectors(name: str) -> Any:
    file = DATA / name
    if not file.exists():
        pytest.skip(f"needs {name} of ../shared/data, which is not there")
    return json.loads(file.read_text())


def pool_of(given: dict[str, Any]) -> UniswapV3Pool:
    """Return the vector's pool, its positions minted one by one."""
    pool = UniswapV3Pool(
        sqrt_price_x96=int(given["sqrt_price_x96"]),
        tick=given["tick"],
        liquidity=0,
        fee_ppm=given["fee_pips"],
        tick_spacing=given["tick_spacing"],
        ticks=[],
    )
    for position in given["positions"]:
        lower, upper = position["tick_lower"], position["tick_upper"]
        pool = pool.with_liquidity(lower, upper, int(position["liquidity"]))
    assert pool.liquidity == int(given["liquidity"])
    return pool


def arguments(swap: dict[str, Any]) -> dict[str, int]:
    """Return the keywords of the vector's swap; one that goes to a price has all the size there can be."""
    limit = swap["sqrt_price_limit_x96"]
    given = {} if limit is None else {"sqrt_price_limit_x96": int(limit)}
    match swap["kind"]:
        case "exact_in":
            return {**given, "amount_in": int(swap["amount"])}
        case "exact_out":
            return {**given, "amount_out": int(swap["amount"])}
        case _:
            return {**given, "amount_in": 2**255 - 1}


def test_v2_swaps_equal_the_specs_vectors() -> None:
    spec = vectors("univ2_vectors/spec.json")
    for vector in spec["get_amount_out"]:
        size_in, expected = int(vector["amount_in"]), int(vector["expected"])
        reserves = {"reserve0": int(vector["reserve_in"]), "reserve1": int(vector["reserve_out"])}
        pair = UniswapV2Pool(**reserves)
        assert pair.amount_out(True, size_in) == expected
        assert pair.amount_in(True, expected) <= size_in
        after, *sizes = pair.swap(True, amount_in=size_in)
        assert sizes == [size_in, expected]
        assert after.reserve0 == reserves["reserve0"] + size_in
        assert after.reserve1 == reserves["reserve1"] - expected
    charged = spec["feeTo"]
    reserve0, reserve1 = map(int, charged["reserves"])
    pair = UniswapV2Pool(reserve0=reserve0, reserve1=reserve1)
    assert pair.amount_out(True, int(charged["swap_amount"])) == int(charged["amount_out"])


def test_v2_edges_are_the_routers() -> None:
    vectors("univ2_vectors/spec.json")
    pair = UniswapV2Pool(reserve0=100, reserve1=100)
    assert (pair.amount_out(True, 2), pair.amount_in(True, 1)) == (1, 2)
    for refused in (lambda: pair.amount_out(True, 0), lambda: pair.amount_in(False, 100)):
        with pytest.raises(PoolError):
            refused()


def test_v3_swaps_equal_the_specs_vectors() -> None:
    swaps = vectors("univ3_vectors/pool_swaps.json")
    refused = 0
    for vector in swaps:
        pool, swap, expected = pool_of(vector["pool"]), vector["swap"], vector["expected"]
        zero_for_one = swap["zero_for_one"]
        if "error" in expected:
            with pytest.raises(PoolError, match=r"^PriceLimit: "):
                pool.swap(zero_for_one, **arguments(swap))
            refused += 1
            continue
        after, size_in, size_out = pool.swap(zero_for_one, **arguments(swap))
        deltas = (size_in, -size_out) if zero_for_one else (-size_out, size_in)
        assert deltas == (int(expected["amount0_delta"]), int(expected["amount1_delta"])), vector["id"]
        assert after.sqrt_price_x96 == int(expected["sqrt_price_after_x96_derived"]), vector["id"]
        assert after.liquidity == int(expected["liquidity_after_derived"]), vector["id"]
        assert after.tick == expected["tick_after"], vector["id"]
        assert after.ticks == pool.ticks
    assert (len(swaps), refused) == (240, 50)


def test_v3_swaps_stop_at_the_prices_that_the_specs_vectors_have_for_ticks() -> None:
    for vector in vectors("univ3_vectors/math.json")["tick_to_sqrt"]:
        tick, price = vector["tick"], int(vector["sqrt_price_x96"])
        if abs(tick) == 887_272:
            continue  # no swap may go to the outermost prices
        pool = UniswapV3Pool(
            sqrt_price_x96=2**96, tick=0, liquidity=0, fee_ppm=0, tick_spacing=1, ticks=[]
        ).with_liquidity(tick - 1, tick, 10**6)
        is_down = tick < 0
        after, *_ = pool.swap(is_down, amount_in=2**254, sqrt_price_limit_x96=price)
        # Whoever arrives at an initialised tick from above has crossed it.
        assert (after.sqrt_price_x96, after.tick) == (price, tick - is_down)
