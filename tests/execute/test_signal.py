"""Is a request's body read as what it says, and refused with what is wrong where it is not one?"""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.execute.signals import USDC, WETH, one_hop, two_hops

from tidemill.execute.plan.kinds import HopKind, LoanSource
from tidemill.execute.signal import body_of, signal_of
from tidemill.schema.faults import Malformed, Refused


def _encoded(body: Any) -> bytes:
    return msgspec.json.encode(body)


def test_the_documents_own_example_is_read() -> None:
    signal = signal_of(_encoded(one_hop()))
    assert (signal.chain_id, signal.amount, signal.flash_source) == (1, 10**9, LoanSource.BALANCER_V3)
    assert (signal.protocols, signal.extras) == ((HopKind.UNISWAP_V2,), (b"",))
    assert (signal.token.hex(), signal.expected_profit_usd) == (USDC[2:].lower(), 50.0)


def test_what_is_written_back_is_the_same_signal() -> None:
    body = two_hops(idempotency_key="a key", lender=WETH, minProfit="12", priorityFeeWei="3", amount=2**127)
    signal = signal_of(_encoded(body))
    assert signal_of(_encoded(body_of(signal))) == signal
    assert signal.amount == 2**127


def test_a_key_is_not_part_of_what_is_asked_for() -> None:
    plain, keyed = (signal_of(_encoded(two_hops(**more))) for more in ({}, {"idempotency_key": "k"}))
    assert plain.digest == keyed.digest
    assert plain.digest != signal_of(_encoded(two_hops(amount="1"))).digest
    assert plain.digest != signal_of(_encoded(two_hops(priorityFeeWei=0))).digest


def test_a_signal_without_a_priority_fee_has_the_digest_that_older_ledgers_kept() -> None:
    kept = "230db07af4bf7eb475778be7758d04125f654e87455c0e931561072ce312fcf3"
    assert signal_of(_encoded(two_hops())).digest.hex() == kept


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"amount": "-1"}, Malformed, "amount"),
        ({"amount": 0}, Malformed, "amount"),
        ({"amount": str(2**128)}, Malformed, "2\\^128"),
        ({"amount": "9" * 10_000}, Malformed, "amount"),
        ({"amount": 1.5}, Malformed, "amount"),
        ({"amount": "1e9"}, Malformed, "amount"),
        ({"amount": "²"}, Malformed, "amount"),
        ({"token": "0x12"}, Malformed, "token as 0x and 40"),
        ({"token": USDC[:-1] + "z"}, Malformed, "token"),
        ({"token": USDC.replace("A0b", "a0b")}, Malformed, "checksum"),
        ({"routers": [WETH]}, Malformed, "routers of 2 hops, as protocols has, found 1"),
        ({"path": []}, Malformed, "path of 2"),
        ({"extras": ["0x", "0x123"]}, Malformed, "extras\\[1\\]"),
        ({"extras": ["0x", "0xzz"]}, Malformed, "extras\\[1\\]"),
        ({"extras": ["0x", "0x" + "00" * 1000]}, Malformed, "extras\\[1\\]"),
        ({"protocols": []}, Malformed, "1 to 10 hops"),
        ({"protocols": [0, 8]}, Refused, "protocols\\[1\\] of 0 to 7, found 8"),
        ({"flashSource": 8}, Refused, "flashSource of 0 to 7, found 8"),
        ({"flashSource": -1}, Refused, "flashSource"),
        ({"flashSource": 2**200}, Refused, "flashSource"),
        ({"chainId": 0}, Malformed, "chainId"),
        ({"chainId": "1"}, Malformed, "chainId"),
        ({"idempotency_key": ""}, Malformed, "key"),
        ({"minprofit": 1}, Malformed, "minprofit"),
        ({"priorityFeeWei": -1}, Malformed, "priorityFeeWei"),
        ({"priorityFeeWei": 2.5}, Malformed, "priorityFeeWei"),
    ],
)
def test_a_body_that_is_no_signal_is_refused_by_name(
    changes: dict[str, Any], kind: type[Exception], says: str
) -> None:
    with pytest.raises(kind, match=says):
        signal_of(_encoded(two_hops(**changes)))


@pytest.mark.parametrize("digits", [400, 5_000])
@pytest.mark.parametrize("name", ["chainId", "flashSource", "amount", "minProfit", "priorityFeeWei"])
def test_a_number_of_any_length_is_refused(name: str, digits: int) -> None:
    body = _encoded(two_hops(**{name: 77_777})).replace(b"77777", b"9" * digits)
    with pytest.raises((Malformed, Refused), match=name):
        signal_of(body)


@given(st.binary(max_size=300))
def test_bytes_are_a_signal_or_malformed_and_nothing_else(body: bytes) -> None:
    with pytest.raises(Malformed):
        signal_of(body)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=50),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


@given(st.sampled_from(sorted(two_hops())), _JSON)
def test_whatever_stands_in_a_field_it_is_read_or_refused(name: str, value: Any) -> None:
    with suppress(Malformed, Refused):
        signal = signal_of(_encoded(two_hops(**{name: value})))
        assert signal_of(_encoded(body_of(signal))) == signal
