"""How are blocks kept that were committed and that the autopsies have yet to follow."""

from collections.abc import Sequence

import pyarrow as pa
from msgspec import Struct, ValidationError, msgpack

from tidemill._rust import Head, Logs
from tidemill.schema.faults import Malformed

_ARROW_STREAM = b"\xff\xff\xff\xff"
"""What an Arrow IPC stream begins with."""


class Behind(Struct, frozen=True):
    """Blocks with all their tracked logs; each is the child of the one before."""

    heads: Sequence[Head]
    logs: Logs
    recv_ns: Sequence[int]


class _KeptHead(Struct, frozen=True, array_like=True):
    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_s: int
    base_fee_wei: bytes | None
    """Big-endian: MessagePack has no integers of 256 bits."""
    gas_used: int
    gas_limit: int


class _Kept(Struct, frozen=True, array_like=True):
    heads: list[_KeptHead]
    logs: bytes
    """As `Logs` makes them; an earlier version kept an Arrow IPC stream."""
    recv_ns: list[int]


def prefix_of(source: str) -> bytes:
    """Return what every key of a source's autopsies starts with."""
    return f"autopsy/{source}/".encode()


def key_of(source: str, heads: Sequence[Head]) -> bytes:
    """Return the key under which blocks are kept until they were followed."""
    return prefix_of(source) + b"behind/" + heads[0].hash.hex().encode()


def encode(behind: Behind) -> bytes:
    """Return blocks as bytes."""
    heads = [_keep(head) for head in behind.heads]
    return msgpack.encode(_Kept(heads, behind.logs.to_bytes(), list(behind.recv_ns)))


def decode(data: bytes) -> Behind:
    """Return the blocks that `encode` was given. Raises: Malformed."""
    try:
        kept = msgpack.decode(data, type=_Kept)
        if not kept.heads:
            raise ValueError("expected at least one, found none")
        return Behind([_head(head) for head in kept.heads], _logs(kept.logs), kept.recv_ns)
    except (ValidationError, ValueError, OverflowError, StopIteration, pa.ArrowException) as error:
        raise Malformed(f"blocks that are to be followed: {error}") from error


def _keep(head: Head) -> _KeptHead:
    fee = None if head.base_fee_wei is None else head.base_fee_wei.to_bytes(32, "big")
    return _KeptHead(
        head.number, head.hash, head.parent_hash, head.timestamp_s, fee, head.gas_used, head.gas_limit
    )


def _head(kept: _KeptHead) -> Head:
    return Head(
        number=kept.number,
        hash=kept.hash,
        parent_hash=kept.parent_hash,
        timestamp_s=kept.timestamp_s,
        base_fee_wei=None if kept.base_fee_wei is None else int.from_bytes(kept.base_fee_wei, "big"),
        gas_used=kept.gas_used,
        gas_limit=kept.gas_limit,
    )


def _logs(data: bytes) -> Logs:
    if not data.startswith(_ARROW_STREAM):
        return Logs.from_bytes(data)
    with pa.ipc.open_stream(data) as stream:
        return Logs.from_arrow(stream.read_next_batch())
