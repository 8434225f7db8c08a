"""Is every revert told in words?"""

import pytest
from eth_abi.abi import encode
from hypothesis import given
from hypothesis import strategies as st

from tidemill.execute.simulation.revert_reason import revert_reason

ERROR, PANIC = bytes.fromhex("08c379a0"), bytes.fromhex("4e487b71")


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (b"", "reverted without a reason"),
        (ERROR + encode(["string"], ["too late"]), "too late"),
        (PANIC + encode(["uint256"], [0x11]), "panic 0x11: arithmetic overflow"),
        (PANIC + encode(["uint256"], [0x99]), "panic 0x99: unknown"),
        (bytes.fromhex("deadbeef0102"), "custom error 0xdeadbeef 0x0102"),
        (ERROR + b"\xff" * 40, "custom error 0x08c379a0 0x" + "ff" * 40),
    ],
)
def test_a_revert_is_told_in_words(output: bytes, said: str) -> None:
    assert revert_reason(output) == said


@given(st.binary(max_size=200), st.sampled_from([b"", ERROR, PANIC]))
def test_any_bytes_have_a_reason(tail: bytes, head: bytes) -> None:
    assert revert_reason(head + tail)
