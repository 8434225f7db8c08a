"""What does a Solana node say: blocks, slots without one, and that it cannot answer."""

from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unknown, Unreachable

_NO_BLOCK = frozenset({-32007, -32009})
"""The slot was skipped, or lies in a part of the ledger that has it not."""
_CLEANED_UP = -32001
_NOT_YET = frozenset({-32004, -32014, -32016})
"""Not available, no status yet, below the minimum context slot."""
_NO_METHOD = frozenset({-32601, -32010})
_UNSUPPORTED_VERSION = -32015
_HASH_BYTES = 32
_DIGITS = {
    digit: value for value, digit in enumerate("123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz")
}


class SlotBlock(Struct, frozen=True):
    """A block with the slot that it was made in."""

    slot: int
    parent_slot: int
    hash: bytes
    time_s: int | None
    """When it was made, as the validators say; absent where the node does not tell."""
    document: bytes
    """As `getBlock` answers it, in the encoding `json`."""


class Skipped(NamedTuple):
    """A slot in which no block was made."""

    slot: int


class NodeError(Struct, frozen=True):
    """A JSON-RPC error object."""

    code: int
    message: str


class _Head(Struct, frozen=True, rename="camel"):
    parent_slot: int
    blockhash: str
    block_time: int | None = None


class _Value(Struct, frozen=True):
    slot: int
    err: Any = None
    block: msgspec.Raw = msgspec.Raw(b"null")


class _Result(Struct, frozen=True):
    value: _Value


class _Params(Struct, frozen=True):
    result: _Result
    subscription: int


class _Frame(Struct, frozen=True):
    method: str | None = None
    params: _Params | None = None
    error: NodeError | None = None


class _Reply(Struct, frozen=True):
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: NodeError | None = None


_HEAD = msgspec.json.Decoder(_Head)
_FRAME = msgspec.json.Decoder(_Frame)
_REPLY = msgspec.json.Decoder(_Reply)


def block_params(commitment: str) -> dict[str, Any]:
    """Return how a block is asked for: whole, its instructions by index, every version of transactions."""
    return {
        "encoding": "json",
        "transactionDetails": "full",
        "rewards": False,
        "commitment": commitment,
        "maxSupportedTransactionVersion": 1,
    }


def subscribe(commitment: str) -> bytes:
    """Return the question for all blocks; getBlock's `rewards` is called otherwise here."""
    params = block_params(commitment)
    params["showRewards"] = params.pop("rewards")
    return msgspec.json.encode(
        {"jsonrpc": "2.0", "id": 1, "method": "blockSubscribe", "params": ["all", params]}
    )


def read_block(slot: int, document: bytes, where: str) -> SlotBlock:
    """Return the block that `getBlock` answered for `slot`. Raises: Malformed."""
    try:
        head = _HEAD.decode(document)
        block_hash = _hash(head.blockhash)
    except (msgspec.DecodeError, KeyError, OverflowError) as error:
        raise Malformed(f"{where}: block of slot {slot}: {error!r}") from error
    if head.parent_slot >= slot:
        raise Malformed(
            f"{where}: block of slot {slot}: expected an earlier parent, found {head.parent_slot}"
        )
    return SlotBlock(slot, head.parent_slot, block_hash, head.block_time, document)


def _hash(text: str) -> bytes:
    """Return the 32 bytes that `text` says in base 58. Raises: KeyError, OverflowError."""
    number = 0
    for digit in text:
        number = number * len(_DIGITS) + _DIGITS[digit]
    return number.to_bytes(_HASH_BYTES, "big")


def read_frame(frame: bytes, where: str) -> SlotBlock | None:
    """Return the block that a frame tells; None where it tells none.

    Raises: Malformed; Refused, where the subscription is.
    """
    try:
        told = _FRAME.decode(frame)
    except msgspec.DecodeError as error:
        raise Malformed(f"{where}: expected a notification or an answer: {error}") from error
    if told.error is not None:
        raise Refused(f"{where}: blockSubscribe: the node answered {told.error.code}: {told.error.message}")
    if told.params is None:
        return None
    value = told.params.result.value
    if value.err is not None or bytes(value.block) == b"null":
        return None  # the node could not read its own block yet: the next one shows that it is missing
    return read_block(value.slot, bytes(value.block), where)


def read_reply(body: bytes, where: str) -> msgspec.Raw | NodeError:
    """Return an answer's result, or the error in its place. Raises: Malformed."""
    try:
        reply = _REPLY.decode(body)
    except msgspec.DecodeError as error:
        raise Malformed(f"{where}: expected an answer: {error}") from error
    return reply.result if reply.error is None else reply.error


def is_skipped(error: NodeError) -> bool:
    """Tell whether the slot has no block, and never will have."""
    return error.code in _NO_BLOCK


def fault_of(error: NodeError, where: str) -> Fault:
    """Return the fault that says what to do about `error`."""
    text = f"{where}: the node answered {error.code}: {error.message[:300]}"
    if error.code == _CLEANED_UP:
        return Gap(text)
    if error.code in _NOT_YET:
        return Unknown(text)
    if error.code in _NO_METHOD or error.code == _UNSUPPORTED_VERSION:
        return Refused(text)
    return Unreachable(text)
