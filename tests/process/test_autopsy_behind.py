"""Are blocks that wait to be followed kept whole, and is what is no such block said to be so."""

import contextlib

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from msgspec import msgpack

from tidemill._rust import Logs
from tidemill.process.autopsy_behind import Behind, decode, encode
from tidemill.schema.faults import Malformed

from .chainlogs import head, logs_of, swap, sync

PAIR = b"\x05" * 20


def test_blocks_are_read_as_they_were_kept() -> None:
    first, second = head(1), head(2)
    behind = [
        Behind([first], logs_of(first, [sync(PAIR, 10, 20), swap(PAIR, 3, 4)]), [7]),
        Behind([second], Logs(), [8]),
    ]
    for kept in behind:
        read = decode(encode(kept))
        assert [one.hash for one in read.heads] == [one.hash for one in kept.heads]
        assert [one.base_fee_wei for one in read.heads] == [one.base_fee_wei for one in kept.heads]
        assert read.logs == kept.logs
        assert read.recv_ns == kept.recv_ns


def test_blocks_are_read_as_an_earlier_version_kept_them() -> None:
    one = head(1)
    logs = logs_of(one, [sync(PAIR, 10, 20), swap(PAIR, 3, 4)])
    fee = one.base_fee_wei and one.base_fee_wei.to_bytes(32, "big")
    kept_head = (one.number, one.hash, one.parent_hash, one.timestamp_s, fee, one.gas_used, one.gas_limit)
    sink, batch = pa.BufferOutputStream(), logs.to_arrow()
    with pa.ipc.new_stream(sink, batch.schema) as stream:
        stream.write_batch(batch)
    read = decode(msgpack.encode(([kept_head], sink.getvalue().to_pybytes(), [7])))
    assert read.logs == logs
    assert (read.heads[0].hash, read.recv_ns) == (one.hash, [7])


@given(st.binary(max_size=400), st.integers(0, 600))
def test_damaged_bytes_are_blocks_or_malformed(noise: bytes, cut: int) -> None:
    one = head(1)
    whole = encode(Behind([one], logs_of(one, [sync(PAIR, 10, 20)]), [7]))
    for data in (noise, whole[:cut], whole[:cut] + noise):
        with contextlib.suppress(Malformed):
            decode(data)
