"""Frames are read as the node meant them, or refused; nothing else can come out."""

import contextlib
import json
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rust.recorded import blocks

from tidemill import _rust
from tidemill._rust import (
    Answer,
    Head,
    LogIndexes,
    Logs,
    MalformedFrame,
    Notice,
    parse_head,
    parse_logs,
    read_frames,
)
from tidemill.schema.faults import Malformed

HASH = "0x" + "ab" * 32


def log_json(log_index: int, *, block: int = 16, removed: bool = False, **changed: Any) -> dict[str, Any]:
    return {
        "address": "0x" + "11" * 20,
        "topics": [HASH, HASH],
        "data": "0x0102",
        "blockNumber": hex(block),
        "blockHash": "0x" + f"{block:064x}",
        "transactionHash": HASH,
        "transactionIndex": "0x2",
        "logIndex": hex(log_index),
        "removed": removed,
    } | changed


def head_json(**changed: Any) -> dict[str, Any]:
    return {
        "number": "0x10",
        "hash": HASH,
        "parentHash": HASH,
        "timestamp": "0x6430ae13",
        "gasUsed": "0x1",
        "gasLimit": "0x2",
        "baseFeePerGas": "0x4cad3abe1",
    } | changed


def notice(subscription: str, result: Any) -> bytes:
    params = {"subscription": subscription, "result": result}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}).encode()


def answer(logs: list[dict[str, Any]]) -> bytes:
    return json.dumps(logs).encode()


def test_a_head_is_announced() -> None:
    [heard] = read_frames([notice("0x1", head_json())])
    assert isinstance(heard, Notice)
    assert heard.subscription == "0x1"
    assert heard.announced is None
    assert heard.head is not None
    assert (heard.head.number, heard.head.base_fee_wei) == (16, 0x4CAD3ABE1)
    assert heard.head.hash == bytes.fromhex(HASH[2:])


def test_logs_that_follow_each_other_are_one_notice() -> None:
    frames = [
        notice("a", log_json(5)),
        notice("a", log_json(2)),
        notice("a", log_json(5)),
        notice("a", log_json(2, removed=True)),
        notice("b", log_json(1)),
    ]
    heard = [one for one in read_frames(frames) if isinstance(one, Notice)]
    block = (16).to_bytes(32, "big")
    assert [(one.subscription, one.is_removed, one.frame, one.announced) for one in heard] == [
        ("a", False, 2, [(block, LogIndexes([2, 5]))]),
        ("a", True, 3, [(block, LogIndexes([2]))]),
        ("b", False, 4, [(block, LogIndexes([1]))]),
    ]


def test_a_frame_that_cannot_be_read_does_not_spoil_the_others() -> None:
    batch = b'[{"id":3,"result":[]},{"id":4,"error":{"code":-32005,"message":"much","data":{"to":"0x9"}}}]'
    heard = read_frames([b'{"id":1,"result":null}', b"\xff{", batch, notice("s", True)])
    first, bad, third, fourth, other = heard
    assert isinstance(first, Answer)
    assert (first.id, first.result, first.error) == (1, b"null", None)
    assert isinstance(bad, MalformedFrame)
    assert bad.frame == 1
    assert "expected a JSON-RPC notice or answer" in bad.message
    assert isinstance(third, Answer)
    assert isinstance(fourth, Answer)
    assert (fourth.error, fourth.error_data, fourth.result) == ((-32005, "much"), b'{"to":"0x9"}', None)
    assert isinstance(other, Notice)
    assert other.other == b"true"


def test_a_refusal_that_names_no_call_has_no_id() -> None:
    [refusal] = read_frames([b'{"id":null,"error":{"code":429,"message":"slow down"}}'])
    assert isinstance(refusal, Answer)
    assert (refusal.id, refusal.error) == (None, (429, "slow down"))


def test_a_log_that_comes_twice_in_an_answer_is_malformed() -> None:
    with pytest.raises(Malformed, match="each log once, found log 3 of block 16 twice"):
        parse_logs(answer([log_json(3), log_json(3)]))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"blockHash": None}, "expected the field blockHash, found none"),
        ({"data": "0x123"}, "log data: expected 0x and an even number of hex digits"),
        ({"logIndex": "7"}, "log logIndex: expected hex that begins with 0x"),
        ({"topics": [HASH] * 5}, "at most 4 topics"),
        ({"address": "0x11"}, "log address: expected 0x and 40 hex digits"),
        ({"blockNumber": "0x1ffffffffffffffff"}, "log blockNumber: expected 0x and 1 to 16 hex digits"),
    ],
)
def test_what_is_wrong_with_a_log_is_named(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(Malformed, match=message):
        parse_logs(answer([log_json(3, **changed)]))


def test_a_missing_block_is_none_and_a_pending_one_is_malformed() -> None:
    assert parse_head(b"null") is None
    with pytest.raises(Malformed, match="block: expected the field hash, found none"):
        parse_head(json.dumps(head_json(hash=None)).encode())


def test_a_head_survives_pickling_and_says_what_differs() -> None:
    head = parse_head(json.dumps(head_json()).encode())
    assert head is not None
    assert pickle.loads(pickle.dumps(head)) == head
    assert hash(pickle.loads(pickle.dumps(head))) == hash(head)
    later = parse_head(json.dumps(head_json(number="0x11")).encode())
    assert later != head


@given(st.integers(0, 2**256 - 1))
def test_a_base_fee_of_any_width_is_exact(fee: int) -> None:
    made = Head(
        number=1,
        hash=bytes(32),
        parent_hash=bytes(32),
        timestamp_s=2,
        base_fee_wei=fee,
        gas_used=3,
        gas_limit=4,
    )
    assert made.base_fee_wei == fee
    read = parse_head(json.dumps(head_json(baseFeePerGas=hex(fee))).encode())
    assert read is not None
    assert read.base_fee_wei == fee


@given(st.binary(max_size=300))
def test_random_bytes_are_read_or_malformed(data: bytes) -> None:
    for read in (parse_logs, parse_head):
        with contextlib.suppress(Malformed):
            read(data)
    for one in read_frames([data, data]):
        assert isinstance(one, Answer | Notice | MalformedFrame)


@given(st.data())
def test_a_damaged_answer_is_read_or_malformed(data: st.DataObject) -> None:
    whole = answer([log_json(1), log_json(2, block=17)])
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        logs = parse_logs(bytes(damaged))
    except Malformed:
        return
    assert len(logs) <= 2


def test_every_real_block_and_its_logs_are_read() -> None:
    for recorded in blocks():
        head = parse_head(json.dumps(recorded["block"]).encode())
        assert head is not None
        assert head.number == int(recorded["block"]["number"], 16)
        spelled = [log for receipt in recorded["receipts"] for log in receipt["logs"]]
        logs = parse_logs(json.dumps(spelled).encode())
        assert len(logs) == len(spelled)
        columns = logs.to_arrow()
        in_order = sorted(spelled, key=lambda log: int(log["logIndex"], 16))
        assert [address.hex() for address in columns["address"].to_pylist()] == [
            log["address"][2:].lower() for log in in_order
        ]
        assert ["0x" + data.hex() for data in columns["data"].to_pylist()] == [
            log["data"] for log in in_order
        ]
        assert [["0x" + topic.hex() for topic in topics] for topics in columns["topics"].to_pylist()] == [
            log["topics"] for log in in_order
        ]
        if spelled:
            assert logs.blocks() == [(head.number, head.hash, len(spelled))]
        assert Logs.from_arrow(columns) == logs


def test_keccak_is_the_chain_s_hash_and_not_the_standard_s() -> None:
    assert _rust.keccak256(b"Transfer(address,address,uint256)").hex() == (
        "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
    )
