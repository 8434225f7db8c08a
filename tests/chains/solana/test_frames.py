"""What a node says is a block, nothing, or a fault with its remedy."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.chains.solana.frames import NodeError, fault_of, is_skipped, read_block, read_frame, read_reply
from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unknown, Unreachable

HEAD = {"parentSlot": 6, "blockhash": "1" * 31 + "2", "blockTime": 5, "transactions": []}


def notification(block: Any, **value: Any) -> bytes:
    told = {"context": {"slot": 7}, "value": {"slot": 7, "err": None, "block": block} | value}
    params = {"result": told, "subscription": 1}
    return json.dumps({"jsonrpc": "2.0", "method": "blockNotification", "params": params}).encode()


def test_a_notification_is_the_block_that_getblock_answers() -> None:
    told = read_frame(notification(HEAD), "node")
    assert told == read_block(7, json.dumps(HEAD).encode(), "node")
    assert told is not None
    assert (told.slot, told.parent_slot, told.hash, told.time_s) == (7, 6, bytes(31) + b"\x01", 5)


def test_a_block_that_the_node_cannot_read_yet_is_none_told() -> None:
    assert read_frame(notification(None, err="BlockStoreError"), "node") is None
    assert read_frame(b'{"jsonrpc":"2.0","id":1,"result":3}', "node") is None


@pytest.mark.parametrize(
    "change",
    [
        {"blockhash": "0"},
        {"blockhash": "2" * 60},
        {"parentSlot": 7},
        {"parentSlot": None},
        {"blockTime": "x"},
    ],
)
def test_a_block_whose_head_is_odd_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="node: block of slot 7"):
        read_frame(notification(HEAD | change), "node")


def test_a_subscription_that_is_refused_says_why() -> None:
    with pytest.raises(Refused, match="blockSubscribe: the node answered -32601: Method not found"):
        read_frame(b'{"id":1,"error":{"code":-32601,"message":"Method not found"}}', "node")


@pytest.mark.parametrize(
    ("code", "remedy"),
    [(-32001, Gap), (-32004, Unknown), (-32015, Refused), (-32601, Refused), (-32005, Unreachable)],
)
def test_an_errors_code_says_the_remedy(code: int, remedy: type[Fault]) -> None:
    assert isinstance(fault_of(NodeError(code, "so"), "node"), remedy)


def test_only_skipped_slots_have_no_block() -> None:
    assert [code for code in (-32001, -32004, -32007, -32009) if is_skipped(NodeError(code, ""))] == [
        -32007,
        -32009,
    ]


@given(st.binary(max_size=200) | st.binary(max_size=40).map(lambda cut: notification(HEAD)[: len(cut) * 4]))
def test_any_bytes_are_read_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed, Refused):
        read_frame(data, "node")
    with contextlib.suppress(Malformed):
        read_reply(data, "node")
