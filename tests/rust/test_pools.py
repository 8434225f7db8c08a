"""Pools are exact values; what the contract would refuse is an error with its reason."""

import contextlib

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill._rust import Pool, PoolError, UniswapV2Pool, UniswapV3Pool

_reserve = st.one_of(st.integers(0, 2**112 - 1), st.integers(0, 100))
_amount = st.one_of(st.integers(0, 2**256 - 1), st.integers(0, 10**24))


def v3_pool(liquidity: int = 10**21) -> UniswapV3Pool:
    return UniswapV3Pool(
        sqrt_price_x96=2**96,
        tick=0,
        liquidity=liquidity,
        fee_ppm=3000,
        tick_spacing=60,
        ticks=[(-887220, liquidity, liquidity), (887220, liquidity, -liquidity)],
    )


@given(_reserve, _reserve, st.integers(0, 2**200))
def test_a_pair_pays_what_the_router_says(reserve0: int, reserve1: int, amount: int) -> None:
    pair = UniswapV2Pool(reserve0=reserve0, reserve1=reserve1, fee_numerator=9975, fee_denominator=10000)
    if amount == 0 or reserve0 == 0 or reserve1 == 0:
        with pytest.raises(PoolError, match=r"^Empty: "):
            pair.amount_out(True, amount)
        return
    net = amount * 9975
    if net * reserve1 >= 2**256:
        with pytest.raises(PoolError, match=r"^Overflow: "):
            pair.amount_out(True, amount)
        return
    assert pair.amount_out(True, amount) == net * reserve1 // (reserve0 * 10000 + net)


@given(_reserve, _reserve, _amount, st.booleans())
def test_what_was_asked_is_paid_for(reserve0: int, reserve1: int, amount: int, zero_for_one: bool) -> None:
    pair = UniswapV2Pool(reserve0=reserve0, reserve1=reserve1)
    reserve_out = reserve1 if zero_for_one else reserve0
    if amount == 0 or reserve0 == 0 or reserve1 == 0 or amount >= reserve_out:
        with pytest.raises(PoolError, match=r"^(Empty|Insufficient): "):
            pair.amount_in(zero_for_one, amount)
        return
    cost = pair.amount_in(zero_for_one, amount)
    if cost * 997 * reserve_out < 2**256:
        assert pair.amount_out(zero_for_one, cost) >= amount


@given(st.lists(_amount, max_size=30), st.booleans(), st.sampled_from(["v2", "v3"]))
def test_a_batch_of_quotes_is_each_quote(amounts: list[int], zero_for_one: bool, kind: str) -> None:
    pool: Pool = UniswapV2Pool(reserve0=10**20, reserve1=10**15) if kind == "v2" else v3_pool()
    array = pa.array([amount.to_bytes(32, "little") for amount in amounts], pa.binary(32))
    for batch, single in ((pool.amounts_out, pool.amount_out), (pool.amounts_in, pool.amount_in)):
        expected: list[int | None] = []
        for amount in amounts:
            try:
                expected.append(single(zero_for_one, amount))
            except PoolError:
                expected.append(None)
        for given_as in (array, amounts):
            quoted = batch(zero_for_one, given_as)
            quoted.validate(full=True)
            assert quoted.type == pa.binary(32)
            found = [
                None if value is None else int.from_bytes(value, "little") for value in quoted.to_pylist()
            ]
            assert found == expected


def test_null_amounts_and_slices_are_quoted_as_they_stand() -> None:
    pair = UniswapV2Pool(reserve0=10**20, reserve1=10**20)
    amounts = [
        None,
        *[n.to_bytes(32, "little") for n in (10**6, 10**7)],
        None,
        (10**8).to_bytes(32, "little"),
    ]
    quoted = pair.amounts_out(True, pa.array(amounts, pa.binary(32)).slice(2, 3)).to_pylist()
    assert quoted[1] is None
    assert [int.from_bytes(quoted[i], "little") for i in (0, 2)] == [
        pair.amount_out(True, 10**7),
        pair.amount_out(True, 10**8),
    ]


def test_amounts_of_another_type_are_refused() -> None:
    pair = UniswapV2Pool(reserve0=1, reserve1=1)
    with pytest.raises(TypeError, match="expected an array of 32 bytes each, found Int64"):
        pair.amounts_out(True, pa.array([1, 2]))  # pyright: ignore[reportArgumentType] what a caller may do
    with pytest.raises(ValueError, match=r"expected 0 <= integer < 2\^256, found -1"):
        pair.amounts_out(True, [-1])
    with pytest.raises(ValueError, match=r"expected 0 <= integer < 2\^256"):
        pair.amount_out(True, 2**256)


def test_a_swap_gives_another_pair_and_leaves_the_first() -> None:
    pair = UniswapV2Pool(reserve0=10**20, reserve1=3 * 10**20)
    after, amount_in, amount_out = pair.swap(True, amount_in=10**18)
    assert (amount_in, amount_out) == (10**18, pair.amount_out(True, 10**18))
    assert (after.reserve0, after.reserve1) == (10**20 + 10**18, 3 * 10**20 - amount_out)
    assert (pair.reserve0, pair.price()) == (10**20, 3.0)
    assert pair.price_ratio() == (3 * 10**20, 10**20)
    assert pair != after
    with pytest.raises(ValueError, match="expected either amount_in or amount_out"):
        pair.swap(True)


def test_a_ticked_pool_swaps_to_a_price_and_mints_and_burns() -> None:
    pool = v3_pool()
    limit = 2**96 * 99 // 100
    after, amount_in, amount_out = pool.swap(True, amount_in=10**30, sqrt_price_limit_x96=limit)
    assert after.sqrt_price_x96 == limit
    assert amount_in < 10**30
    assert 0 < amount_out < amount_in
    narrow = pool.with_liquidity(-60, 60, 10**22)
    assert (narrow.liquidity, narrow.ticks[1]) == (11 * 10**21, (-60, 10**22, 10**22))
    assert narrow.amount_out(True, 10**18) > pool.amount_out(True, 10**18)
    assert narrow.quote(True, amount_in=10**21)[2] == 1
    assert narrow.with_liquidity(-60, 60, -(10**22)) == pool
    with pytest.raises(PoolError, match=r"^Overflow: "):
        pool.with_liquidity(-60, 60, -1)
    with pytest.raises(PoolError, match=r"^PriceLimit: "):
        pool.swap(True, amount_in=1, sqrt_price_limit_x96=2**97)


@given(
    st.integers(0, 2**256 - 1),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(0, 2**128 - 1),
    st.lists(
        st.tuples(st.integers(-88, 88), st.integers(0, 2**128 - 1), st.integers(-(2**127), 2**127 - 1)),
        max_size=6,
    ),
    _amount,
    st.booleans(),
)
def test_a_pool_in_any_state_quotes_or_refuses(
    price: int, tick: int, liquidity: int, ticks: list[tuple[int, int, int]], amount: int, zero_for_one: bool
) -> None:
    pool = UniswapV3Pool(
        sqrt_price_x96=price,
        tick=tick,
        liquidity=liquidity,
        fee_ppm=100,
        tick_spacing=10_000,
        ticks=[(one * 10_000, gross, net) for one, gross, net in ticks],
    )
    for quote in (pool.amount_out, pool.amount_in):
        with contextlib.suppress(PoolError):
            assert quote(zero_for_one, amount) >= 0
