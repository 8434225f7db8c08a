"""Are a request's extras read as the table says, and refused otherwise?"""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from tidemill.execute.plan.extras import hop_of
from tidemill.execute.plan.kinds import HopKind
from tidemill.execute.plan.route import (
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

POOL, OUT, OTHER = b"\1" * 20, b"\2" * 20, b"\3" * 20
TERMS = {"token_out": OUT, "min_out": 9}
KEY = ["address", "address", "uint24", "int24", "address"]


@pytest.mark.parametrize(
    ("protocol", "extra", "hop"),
    [
        (0, b"", PairHop(pair=POOL, fee_ppm=3_000, **TERMS)),
        (0, encode(["uint24"], [2_500]), PairHop(pair=POOL, fee_ppm=2_500, **TERMS)),
        (1, encode(["uint24"], [500]), TickedHop(pool=POOL, **TERMS)),
        (
            2,
            encode(["int128", "int128"], [2, 0]),
            CurveHop(pool=POOL, coin_in=2, coin_out=0, is_uint_indexed=False, **TERMS),
        ),
        (
            2,
            encode(["int128", "int128", "bool"], [2, 0, True]),
            CurveHop(pool=POOL, coin_in=2, coin_out=0, is_uint_indexed=True, **TERMS),
        ),
        (3, b"\7" * 32, BalancerV2Hop(vault=POOL, pool_id=b"\7" * 32, **TERMS)),
        (4, encode(["address"], [OTHER]), BalancerV3Hop(vault=POOL, pool=OTHER, **TERMS)),
        (
            5,
            encode(KEY, [OUT, OTHER, 500, 10, bytes(20)]),
            UniswapV4Hop(manager=POOL, fee_ppm=500, tick_spacing=10, hooks=bytes(20), **TERMS),
        ),
        (6, b"", TickedHop(pool=POOL, kind=HopKind.ALGEBRA, **TERMS)),
        (7, encode(["bool"], [True]), SolidlyHop(pair=POOL, **TERMS)),
    ],
)
def test_extras_are_read_as_the_table_says(protocol: int, extra: bytes, hop: Hop) -> None:
    assert hop_of(protocol, POOL, OUT, extra, min_out=9) == hop


@given(st.integers(0, 7), st.binary(max_size=200))
def test_any_bytes_are_a_hop_or_malformed(protocol: int, extra: bytes) -> None:
    try:
        hop_of(protocol, POOL, OUT, extra, min_out=0)
    except Malformed:
        return


@pytest.mark.parametrize("protocol", [-1, 8, 255])
def test_a_protocol_that_is_not_in_the_table_is_refused(protocol: int) -> None:
    with pytest.raises(Refused, match="0 to 7"):
        hop_of(protocol, POOL, OUT, b"", min_out=0)
