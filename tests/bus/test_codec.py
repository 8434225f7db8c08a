"""What a bus keeps is read as it was, or not at all: a disk may damage any byte of it."""

import pyarrow as pa
import pytest

from tidemill.bus.codec import decode, encode
from tidemill.schema.faults import Malformed

_BATCH = pa.record_batch(
    {
        "name": pa.array(["uniswap_v2", None, "sushiswap_v3"]),
        "amount": pa.array([bytes(31) + b"\x01", None, b"\xff" * 32], pa.binary(32)),
        "is_final": pa.array([True, None, False]),
    }
)


def test_a_batch_with_a_damaged_byte_is_malformed_or_whole() -> None:
    stored = encode(_BATCH)
    assert decode(stored, _BATCH.schema, "here").equals(_BATCH)
    malformed = 0
    for at in range(len(stored)):
        for bit in range(8):
            damaged = bytearray(stored)
            damaged[at] ^= 1 << bit
            try:
                decode(bytes(damaged), _BATCH.schema, "here").validate(full=True)
            except Malformed:
                malformed += 1
    assert malformed > 0


@pytest.mark.parametrize("stored", [b"", b"\xff" * 3, bytes(64), b"\xff" * 64])
def test_what_is_no_batch_is_malformed(stored: bytes) -> None:
    with pytest.raises(Malformed, match="expected a stored record batch"):
        decode(stored, _BATCH.schema, "here")
