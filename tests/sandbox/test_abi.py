"""How calls are spelled."""

import contextlib

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from tidemill.sandbox import abi
from tidemill.schema.faults import Malformed

DEPLOYER = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("getReserves()", "0902f1ac"),
        ("aggregate3((address,bool,bytes)[])", "82ad56cb"),
        ("quoteExactInputSingle((address,address,uint256,uint24,uint160))", "c6a5026a"),
    ],
)
def test_selectors_are_the_published_ones(signature: str, expected: str) -> None:
    assert abi.selector(signature).hex() == expected


def test_topics_are_the_published_ones() -> None:
    assert abi.topic("Sync(uint112,uint112)").startswith("0x1c411e9a96e071241c2f21f7726b17ae89e3cab4")


@given(st.integers(0, 2**256 - 1), st.integers(-(2**255), 2**255 - 1), st.binary(min_size=20, max_size=20))
def test_a_flat_call_is_what_the_full_encoder_says(size: int, tick: int, account: bytes) -> None:
    flat = abi.flat_call("f(uint256,int256,address)", size, tick, "0x" + account.hex())
    expected = abi.selector("f(uint256,int256,address)") + encode(
        ["uint256", "int256", "address"], [size, tick, account]
    )
    assert flat == "0x" + expected.hex()


def test_a_nested_call_is_split_at_its_own_commas() -> None:
    data = abi.call("f((address,uint8)[],bytes)", [(DEPLOYER, 7)], b"ab")
    assert abi.decode(["(address,uint8)[]", "bytes"], "0x" + data[10:]) == (((DEPLOYER, 7),), b"ab")


@given(st.binary(max_size=100))
def test_any_bytes_decode_or_are_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        abi.decode(["(bool,bytes)[]"], "0x" + data.hex())


@pytest.mark.parametrize(
    ("nonce", "address"),
    [
        (0, "0x5fbdb2315678afecb367f032d93f642f64180aa3"),
        (1, "0xe7f1725e7734ce288f8367e1bb143e90bb3f0512"),
        (11, "0xb7f8bc63bbcad18155201308c8f3540b07f84f5e"),
    ],
)
def test_created_addresses_are_the_chains(nonce: int, address: str) -> None:
    assert abi.created_address(DEPLOYER, nonce) == address


@given(st.integers(0, 2**64 - 1))
def test_every_nonce_gives_an_address(nonce: int) -> None:
    assert len(abi.created_address(DEPLOYER, nonce)) == 42
