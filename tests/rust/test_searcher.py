"""Sizing in batches, and a search over a set of pools: what is found is what the pools' own quotes say."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rust.made import (
    PAIR,
    POOL,
    PRICE_ONE,
    TOKEN0,
    TOKEN1,
    Emitted,
    head,
    initialized,
    logs,
    minted,
    pair_created,
    pool_created,
    pool_set,
    synced,
)

from tidemill._rust import Costs, PoolSet, Searcher, UniswapV2Pool, UniswapV3Pool, size_paths

SMALL = st.integers(1_000, 20_000)


def _paid(pool: UniswapV2Pool, zero_for_one: bool, amount: int) -> int:
    return pool.quote(zero_for_one, amount_in=amount)[1]


def _amounts(batch: pa.RecordBatch, name: str) -> list[int | None]:
    return [None if one is None else int.from_bytes(one, "little") for one in batch.column(name).to_pylist()]


@given(st.lists(SMALL, min_size=4, max_size=4))
def test_no_input_pays_more_than_the_one_found(reserves: list[int]) -> None:
    a = UniswapV2Pool(reserve0=reserves[0], reserve1=reserves[1])
    b = UniswapV2Pool(reserve0=reserves[2], reserve1=reserves[3])
    hops = pa.array([0, 3], pa.uint32())
    found = size_paths([a, b], hops, hops_per_path=2, trials_max=16_384)
    [amount_in], [amount_out] = _amounts(found, "amount_in"), _amounts(found, "amount_out")
    profits = []
    for given_in in range(1, 4_000, 7):
        middle = _paid(a, True, given_in)
        profits.append((_paid(b, False, middle) if middle else 0) - given_in)
    if amount_in is None or amount_out is None:
        assert max(profits) <= 0
        return
    assert found.column("is_proven").to_pylist() == [True]
    assert _paid(b, False, _paid(a, True, amount_in)) == amount_out
    assert amount_out - amount_in >= max(profits)


def test_a_path_that_does_not_pay_is_null_beside_one_that_does() -> None:
    dear, cheap = (
        UniswapV2Pool(reserve0=10**21, reserve1=10**21),
        UniswapV2Pool(reserve0=10**21, reserve1=2 * 10**21),
    )
    found = size_paths([dear, cheap], pa.array([0, 3, 2, 1], pa.uint32()), hops_per_path=2)
    assert found.column("amount_in").is_null().to_pylist() == [True, False]


@pytest.mark.parametrize(("hops", "count"), [([0, 3], 1), ([0, 3, 2], 2), ([0, 4], 2)])
def test_hops_that_make_no_paths_are_refused(hops: list[int], count: int) -> None:
    pools = [UniswapV2Pool(reserve0=1_000, reserve1=1_000)] * 2
    with pytest.raises(ValueError, match="expected"):
        size_paths(pools, pa.array(hops, pa.uint32()), hops_per_path=count)


def test_hops_of_another_type_are_refused() -> None:
    with pytest.raises(TypeError, match="uint32"):
        size_paths([], pa.array([0, 1], pa.int64()), hops_per_path=2)


def test_a_path_through_ranges_is_sized_too() -> None:
    pair = UniswapV2Pool(reserve0=10**18, reserve1=11 * 10**17)
    ranges = UniswapV3Pool(
        sqrt_price_x96=PRICE_ONE,
        tick=0,
        liquidity=10**19,
        fee_ppm=3000,
        tick_spacing=60,
        ticks=[(-600, 10**19, 10**19), (600, 10**19, -(10**19))],
    )
    [amount_in] = _amounts(
        size_paths([pair, ranges], pa.array([0, 3], pa.uint32()), hops_per_path=2), "amount_in"
    )
    assert amount_in is not None
    assert 10**16 < amount_in < 10**17


def _world(*later: Emitted) -> PoolSet:
    pools = pool_set()
    created = (
        pair_created(),
        synced(10**18, 11 * 10**17),
        pool_created(),
        initialized(),
        minted(-600, 600, 10**19),
    )
    first, second = head(1), head(2)
    pools.apply([first, second], logs((first, created), (second, later)), [1, 2])
    return pools


def test_a_gap_between_two_pools_of_a_set_is_found_and_verified() -> None:
    pools = _world()
    searcher = Searcher(starts=[TOKEN0])
    assert searcher.refresh(pools, [PAIR, POOL]) == []
    price = (1, 1_000)
    costs = Costs(base_fee_wei=10**9, priority_fee_wei=0, gas_token_price=price, flash_premium_ppm=500)
    [found], refused = searcher.scan(pools, [PAIR], {TOKEN0: costs})
    assert refused == []
    assert found.hops == [(PAIR, TOKEN0, TOKEN1), (POOL, TOKEN1, TOKEN0)]
    paid, middle, bought = found.amounts
    pair, ranges = pools.get(PAIR), pools.get(POOL)
    assert pair is not None
    assert ranges is not None
    assert pair.quote(True, amount_in=paid)[:2] == (paid, middle)
    assert ranges.quote(False, amount_in=middle)[:2] == (middle, bought)
    assert found.gross_profit == bought - paid
    assert found.gas is not None
    fee_wei = found.gas * 10**9
    assert found.fee_wei == fee_wei
    premium = -(-paid * 500 // 10**6)
    assert found.flash_premium == premium
    assert found.net_profit == found.gross_profit - premium - -(-fee_wei // 1_000)


def test_a_token_is_worth_what_its_deepest_pool_to_a_stable_one_says() -> None:
    pools, searcher, stables = _world(), Searcher(), {TOKEN1: 6}
    assert searcher.usd_price(pools, TOKEN0, stables) is None  # no pool was taken up yet
    searcher.refresh(pools, [PAIR])
    assert searcher.usd_price(pools, TOKEN0, stables) == (pytest.approx(1.1e-6), [PAIR])
    searcher.refresh(pools, [POOL])
    assert searcher.usd_price(pools, TOKEN0, stables) == (pytest.approx(1e-6), [POOL])
    assert searcher.usd_price(pools, TOKEN1, stables) == (1e-6, [])
    assert searcher.usd_price(pools, TOKEN0, {}) is None


def test_without_costs_there_is_no_net_profit() -> None:
    pools = _world()
    searcher = Searcher()
    searcher.refresh(pools, [PAIR, POOL])
    [found], _ = searcher.scan(pools, [POOL])
    assert (found.net_profit, found.break_even_gas_price_wei, found.gas) == (None, None, None)


def test_a_pool_that_was_emptied_leaves_the_search_and_is_told() -> None:
    pools = _world(synced(0, 0))
    searcher = Searcher()
    [(pool, reason)] = searcher.refresh(pools, [PAIR, POOL])
    assert pool == PAIR
    assert "zero" in reason
    assert searcher.scan(pools, [PAIR, POOL]) == ([], [])


def test_a_token_that_nothing_trades_starts_no_circle() -> None:
    pools = _world()
    searcher = Searcher(starts=[b"\x09" * 20])
    searcher.refresh(pools, [PAIR, POOL])
    assert searcher.scan(pools, [PAIR]) == ([], [])


def test_circles_of_five_hops_are_refused() -> None:
    with pytest.raises(ValueError, match="2 to 4 hops"):
        Searcher(hops_max=5)
