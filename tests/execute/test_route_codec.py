"""Are routes written as the executor reads them, and what it would surely revert refused before?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.plan.route import (
    BalancerV2Hop,
    BalancerV3Hop,
    CurveHop,
    Hop,
    Loan,
    PairHop,
    Route,
    SolidlyHop,
    TickedHop,
    UniswapV4Hop,
)
from tidemill.execute.plan.route_codec import HOPS_MAX, call_data, decode, encode, with_min_profit
from tidemill.schema.faults import Malformed, Refused

A, B, C = (bytes([digit]) * 20 for digit in (0xAA, 0xBB, 0xCC))
LENDER = bytes([0x11]) * 20
LOAN = Loan(source=LoanSource.MORPHO, lender=LENDER, token=A, amount=10**6)
ROUTE = Route(
    loan=LOAN,
    hops=(
        PairHop(pair=bytes([1]) * 20, token_out=B, min_out=5, fee_ppm=3_000),
        TickedHop(pool=bytes([2]) * 20, token_out=A, min_out=6),
    ),
    min_profit=7,
    last_block=8,
)

addresses = st.binary(min_size=20, max_size=20)
sizes = st.integers(0, 2**128 - 1)
ppm = st.integers(0, 2**24 - 1)
terms = {"token_out": addresses, "min_out": sizes}
hops = st.one_of(
    st.builds(PairHop, pair=addresses, fee_ppm=ppm, **terms),
    st.builds(
        TickedHop, pool=addresses, kind=st.sampled_from([HopKind.UNISWAP_V3, HopKind.ALGEBRA]), **terms
    ),
    st.builds(SolidlyHop, pair=addresses, **terms),
    st.builds(
        CurveHop,
        pool=addresses,
        coin_in=st.integers(0, 255),
        coin_out=st.integers(0, 255),
        is_uint_indexed=st.booleans(),
        **terms,
    ),
    st.builds(BalancerV2Hop, vault=addresses, pool_id=st.binary(min_size=32, max_size=32), **terms),
    st.builds(BalancerV3Hop, vault=addresses, pool=addresses, **terms),
    st.builds(UniswapV4Hop, manager=addresses, fee_ppm=ppm, tick_spacing=ppm, hooks=addresses, **terms),
)
loans = st.builds(
    Loan,
    source=st.sampled_from(LoanSource),
    lender=addresses,
    token=addresses,
    amount=st.integers(1, 2**128 - 1),
    fee_ppm=st.integers(0, 999_999),
)
routes = st.builds(
    Route,
    loan=loans,
    hops=st.lists(hops, min_size=1, max_size=HOPS_MAX).map(tuple),
    min_profit=sizes,
    last_block=st.integers(0, 2**40 - 1),
)


@given(routes)
def test_a_plan_is_read_back_as_its_route_or_was_refused(route: Route) -> None:
    closed = replace(route, hops=(*route.hops[:-1], replace(route.hops[-1], token_out=route.loan.token)))
    try:
        plan = encode(closed)
    except Refused:
        return
    assert decode(plan) == closed
    assert len(plan) <= 1_024, "the executor takes no more"


@given(st.binary(max_size=300))
def test_bytes_are_a_route_or_malformed(plan: bytes) -> None:
    try:
        decode(plan)
    except Malformed:
        return


@given(sizes)
def test_a_plan_may_ask_for_another_least_profit(min_profit: int) -> None:
    assert decode(with_min_profit(encode(ROUTE), min_profit)) == replace(ROUTE, min_profit=min_profit)


def test_the_longest_route_fits() -> None:
    hop = BalancerV2Hop(vault=C, pool_id=bytes(32), token_out=B, min_out=0)
    there_and_back = [replace(hop, token_out=B if place % 2 == 0 else A) for place in range(HOPS_MAX)]
    plan = encode(replace(ROUTE, hops=tuple(there_and_back)))
    assert len(plan) <= 1_024
    assert call_data(plan)[:4].hex() == "09c5eabe"


PAIR = ROUTE.hops[0]


@pytest.mark.parametrize(
    ("hops", "said"),
    [
        ((), "1 to 10 hops"),
        (ROUTE.hops * 6, "1 to 10 hops"),
        ((PAIR,), "to end in the borrowed"),
        ((replace(PAIR, token_out=A),), "it cannot profit"),
        ((replace(PAIR, token_out=bytes(20)), ROUTE.hops[1]), "ether itself"),
    ],
)
def test_a_route_that_cannot_pay_is_refused_with_the_reason(hops: tuple[Hop, ...], said: str) -> None:
    with pytest.raises(Refused, match=said):
        encode(replace(ROUTE, hops=hops))


@pytest.mark.parametrize("source", list(LoanSource))
def test_what_is_locked_while_it_lends_is_not_traded_in(source: LoanSource) -> None:
    locked = {LoanSource.UNISWAP_V2, LoanSource.UNISWAP_V3, LoanSource.BALANCER_V2}
    loan = replace(LOAN, source=source, lender=ROUTE.hops[1].pool)  # type: ignore[union-attr]
    if source not in locked:
        encode(replace(ROUTE, loan=loan))
        return
    with pytest.raises(Refused, match="locked while it lends"):
        encode(replace(ROUTE, loan=loan))


def test_a_pair_that_lends_may_be_the_first_hop_and_no_later_one() -> None:
    assert isinstance(PAIR, PairHop)
    loan = replace(LOAN, source=LoanSource.UNISWAP_V2, lender=PAIR.pair)
    back = replace(PAIR, token_out=LOAN.token)
    lent = replace(ROUTE, loan=loan)
    assert decode(encode(lent)) == lent
    with pytest.raises(Refused, match="locked while it lends"):
        encode(replace(lent, hops=(PAIR, back)))


@pytest.mark.parametrize(
    "change",
    [
        {"amount": 0},
        {"amount": -1},
        {"amount": 2**128},
        {"fee_ppm": 10**6},
        {"lender": b"short"},
    ],
)
def test_a_number_or_address_that_does_not_fit_is_malformed(change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        encode(replace(ROUTE, loan=replace(LOAN, **change)))
