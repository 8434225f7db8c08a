"""Who lends for a signal that names nobody?"""

import msgspec
import pytest
from tests.execute.signals import two_hops

from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.planning import route_of
from tidemill.execute.plan.route_codec import decode, encode
from tidemill.execute.signal import Signal, signal_of
from tidemill.schema.faults import Refused

POOLS = (b"\x01" * 20, b"\x02" * 20)


def _signal(**changes: object) -> Signal:
    return signal_of(msgspec.json.encode(two_hops(flashSource=int(LoanSource.UNISWAP_V2), **changes)))


def test_a_first_pair_lends_where_no_other_is_known() -> None:
    route = route_of(_signal(), POOLS, {}, min_profit=1, last_block=9)
    assert route.loan.lender == POOLS[0]
    assert decode(encode(route)) == route
    known = {LoanSource.UNISWAP_V2: b"\x03" * 20}
    assert route_of(_signal(), POOLS, known, min_profit=1, last_block=9).loan.lender == b"\x03" * 20


def test_where_the_first_hop_is_no_pair_nobody_lends() -> None:
    extra = "0x" + (500).to_bytes(32).hex()
    signal = _signal(protocols=[1, 1], extras=[extra, extra])
    with pytest.raises(Refused, match="expected a lender"):
        route_of(signal, POOLS, {}, min_profit=1, last_block=9)
