"""A block's receipts give the root and the filter that its header has; nothing less than all of them does."""

import contextlib
import copy
import functools
import json
import pickle
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rust import recorded as recordings
from tests.rust.slow_trie import root_of

from tidemill._rust import Head, Logs, Receipts, parse_head, parse_logs, parse_receipts, read_frames
from tidemill.schema.faults import Malformed

Json = dict[str, Any]
BYZANTIUM = 4_370_000
HASH = "0x" + "ab" * 32
ZERO = "0x" + "00" * 20


@functools.cache
def blocks() -> list[Json]:
    return recordings.blocks()


def read(receipts: Sequence[Json]) -> Receipts:
    found = parse_receipts(json.dumps(receipts).encode())
    assert found is not None
    return found


def head_of(block: Json) -> Head:
    head = parse_head(json.dumps(block).encode())
    assert head is not None
    return head


def is_before_byzantium(block: Json) -> bool:
    """Whether receipts have the state's root, which the recordings lack; only Ethereum's are so early."""
    return int(block["number"], 16) < BYZANTIUM


def numbered(receipts: Sequence[Json]) -> list[Json]:
    """Return copies whose indexes are without holes, as one who hides something would tell them."""
    told = copy.deepcopy(list(receipts))
    log_index = 0
    for index, receipt in enumerate(told):
        receipt["transactionIndex"] = hex(index)
        for log in receipt["logs"]:
            log |= {"transactionIndex": hex(index), "logIndex": hex(log_index)}
            log_index += 1
    return told


def receipt_json(index: int, logs: Sequence[Json] = (), **changed: Any) -> Json:
    return {
        "transactionHash": "0x" + f"{index:064x}",
        "transactionIndex": hex(index),
        "blockHash": HASH,
        "blockNumber": "0x10",
        "from": "0x" + "11" * 20,
        "cumulativeGasUsed": hex(21_000 * (index + 1)),
        "status": "0x1",
        "type": hex(index % 3),
        "logs": list(logs),
    } | changed


def log_json(index: int, log_index: int, data: bytes) -> Json:
    return {
        "address": "0x" + f"{index % 5:040x}",
        "topics": ["0x" + f"{index:064x}"] * (index % 5),
        "data": "0x" + data.hex(),
        "blockNumber": "0x10",
        "blockHash": HASH,
        "transactionHash": "0x" + f"{index:064x}",
        "transactionIndex": hex(index),
        "logIndex": hex(log_index),
    }


def made(counts: Sequence[int]) -> list[Json]:
    """Return receipts that have so many logs."""
    receipts: list[Json] = []
    log_index = 0
    for index, count in enumerate(counts):
        logs = [log_json(index, log_index + at, bytes([at]) * (7 * index % 90)) for at in range(count)]
        receipts.append(receipt_json(index, logs))
        log_index += count
    return receipts


def test_every_real_block_gives_its_header_s_root_and_filter() -> None:
    proven = 0
    for recorded in blocks():
        head, receipts = head_of(recorded["block"]), read(recorded["receipts"])
        assert (receipts.block_number, receipts.block_hash) == (head.number, head.hash)
        assert receipts.count == len(recorded["receipts"])
        assert receipts.bloom == head.logs_bloom
        if is_before_byzantium(recorded["block"]):
            assert receipts.root != head.receipts_root
            continue
        assert receipts.root == head.receipts_root
        proven += 1
    assert proven >= 7


def test_every_real_header_is_proven_that_was_recorded_whole() -> None:
    for recorded in blocks():
        # Ethereum 22,119,617 was recorded without what Shanghai and Cancun added to the header.
        is_whole = int(recorded["block"]["number"], 16) != 22_119_617
        assert head_of(recorded["block"]).is_hash_proven == is_whole


def test_a_block_s_logs_are_those_of_its_receipts() -> None:
    for recorded in blocks():
        spelled = [log for receipt in recorded["receipts"] for log in receipt["logs"]]
        logs = parse_logs(json.dumps(spelled).encode())
        receipts = read(recorded["receipts"])
        assert receipts.logs == logs
        assert receipts.outside_root == (1 if recorded["receipts"][-1]["from"] == ZERO else 0)
        if not receipts.outside_root:
            assert logs.bloom() == receipts.bloom


def test_what_polygon_s_bridge_sent_is_in_no_root_and_no_filter() -> None:
    [recorded] = [one for one in blocks() if one["receipts"][-1]["from"] == ZERO]
    inside = [log for receipt in recorded["receipts"][:-1] for log in receipt["logs"]]
    assert parse_logs(json.dumps(inside).encode()).bloom() == head_of(recorded["block"]).logs_bloom
    shorter = read(recorded["receipts"][:-1])
    assert shorter.root == read(recorded["receipts"]).root
    assert (shorter.outside_root, len(shorter.logs)) == (0, len(inside))


def test_receipts_may_come_in_any_order() -> None:
    for recorded in blocks():
        turned = read(recorded["receipts"][::-1])
        straight = read(recorded["receipts"])
        assert (turned.root, turned.logs) == (straight.root, straight.logs)


def test_no_receipt_and_no_log_can_be_left_out() -> None:
    for recorded in blocks():
        receipts = [one for one in recorded["receipts"] if one["from"] != ZERO]
        root = read(receipts).root
        for index, receipt in enumerate(receipts):
            assert read(numbered(receipts[:index] + receipts[index + 1 :])).root != root
            if receipt["logs"]:
                fewer = receipt | {"logs": receipt["logs"][1:]}
                assert read(numbered([*receipts[:index], fewer, *receipts[index + 1 :]])).root != root


def _change_digit(text: str, at: int) -> str:
    place = 2 + at % (len(text) - 2)
    return text[:place] + ("0" if text[place] != "0" else "1") + text[place + 1 :]


@given(st.data())
def test_any_byte_of_a_real_log_counts(data: st.DataObject) -> None:
    recorded = data.draw(st.sampled_from(blocks()))
    receipts = [one for one in recorded["receipts"] if one["from"] != ZERO]
    places = [(at, of) for at, receipt in enumerate(receipts) for of in range(len(receipt["logs"]))]
    if not places:
        return
    at, of = data.draw(st.sampled_from(places))
    changed = list(receipts)
    changed[at] = copy.deepcopy(receipts[at])
    log = changed[at]["logs"][of]
    digit = data.draw(st.integers(0, 10_000))
    field = data.draw(st.sampled_from(["address", "topics", "data", "cumulativeGasUsed", "status"]))
    if field == "topics" and log["topics"]:
        log["topics"][-1] = _change_digit(log["topics"][-1], digit)
    elif field == "data" and log["data"] != "0x":
        log["data"] = _change_digit(log["data"], digit)
    elif field == "status":
        changed[at]["status"] = "0x0" if changed[at]["status"] == "0x1" else "0x1"
    elif field == "cumulativeGasUsed":
        changed[at][field] = hex(int(changed[at][field], 16) + 1 + digit)
    else:
        log["address"] = _change_digit(log["address"], digit)
    assert read(changed).root != read(receipts).root


@pytest.mark.parametrize(
    "count", [0, 1, 2, 15, 16, 17, 126, 127, 128, 129, 130, 143, 144, 255, 256, 257, 258, 300]
)
def test_the_root_is_the_plain_definition_s(count: int) -> None:
    receipts = made([index % 3 for index in range(count)])
    assert read(receipts).root == root_of(receipts)


@given(st.lists(st.integers(0, 3), max_size=40))
def test_the_root_of_any_receipts_is_the_plain_definition_s(counts: list[int]) -> None:
    receipts = made(counts)
    assert read(receipts).root == root_of(receipts)


@pytest.mark.parametrize(
    "more",
    [
        {"root": HASH},
        {"status": "0x0"},
        {"type": "0x7e"},
        {"type": "0x7e", "depositNonce": "0x3d3bbf"},
        {"type": "0x7e", "depositNonce": "0x3d3bbf", "depositReceiptVersion": "0x1"},
        {"type": "0x7e", "depositNonce": "0x0", "depositReceiptVersion": "0x1"},
        {"type": None},
    ],
    ids=str,
)
def test_every_kind_of_receipt_is_spelled_as_the_plain_definition_spells_it(more: Json) -> None:
    receipts = [*made([1, 2]), receipt_json(2, **more)]
    assert read(receipts).root == root_of(receipts)


def test_a_null_answer_is_no_block_and_an_empty_one_has_the_empty_root() -> None:
    assert parse_receipts(b"null") is None
    empty = read([])
    assert (empty.count, empty.block_hash, empty.block_number, empty.bloom) == (0, None, None, bytes(256))
    assert len(empty.logs) == 0
    assert empty.root.hex() == "56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda told: told.pop(0), "receipts: expected transaction 0, found 1"),
        (lambda told: told.append(told[0]), "receipts: expected transaction 1, found 0"),
        (lambda told: told[1].update(blockHash="0x" + "cd" * 32), "expected receipts of one block"),
        (lambda told: told[0]["logs"].pop(0), "receipt logs: expected log 0 of the block, found 1"),
        (lambda told: told[0]["logs"][0].update(transactionHash=HASH), "the place of the receipt"),
        (lambda told: told[0].update(status="0x7"), "receipt status: expected 0x0 or 0x1"),
        (lambda told: told[0].pop("cumulativeGasUsed"), "expected the field cumulativeGasUsed, found none"),
        (lambda told: told[0].update(type="0x1ff"), "receipt type: expected a number up to 0x7f"),
    ],
)
def test_what_is_wrong_with_receipts_is_named(change: Callable[[list[Json]], object], message: str) -> None:
    told = made([2, 1, 1])
    change(told)
    with pytest.raises(Malformed, match=message):
        read(told)


@given(st.binary(max_size=300))
def test_random_bytes_are_receipts_or_malformed(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        parse_receipts(data)


@given(st.data())
def test_a_damaged_recording_is_receipts_or_malformed(data: st.DataObject) -> None:
    recorded = data.draw(st.sampled_from(blocks()))
    whole = json.dumps(recorded["receipts"][: data.draw(st.integers(1, 4))]).encode()
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Malformed):
        parse_receipts(bytes(damaged))
    with contextlib.suppress(Malformed):
        parse_receipts(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


def test_an_announced_head_says_what_an_answered_one_says() -> None:
    for recorded in blocks():
        head = head_of(recorded["block"])
        params = {"subscription": "0x1", "result": recorded["block"]}
        frame = json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}).encode()
        [heard] = read_frames([frame])
        assert getattr(heard, "head", None) == head
        assert pickle.loads(pickle.dumps(head)) == head


@pytest.mark.parametrize("field", ["stateRoot", "extraData", "nonce", "logsBloom", "gasUsed", "miner"])
def test_a_header_that_was_changed_is_not_proven(field: str) -> None:
    for recorded in blocks():
        spelled = recorded["block"][field]
        changed = _change_digit(spelled, 0) if len(spelled) > 2 else "0x01"
        assert not head_of(recorded["block"] | {field: changed}).is_hash_proven


def test_a_header_with_every_fork_s_fields_is_proven_and_without_one_it_is_not() -> None:
    # A block of anvil's at the Prague fork: no recording has a header so late and whole.
    block = json.loads((Path(__file__).parent / "prague_head.json").read_bytes())
    assert head_of(block).is_hash_proven
    for field in (
        "baseFeePerGas",
        "withdrawalsRoot",
        "blobGasUsed",
        "excessBlobGas",
        "parentBeaconBlockRoot",
        "requestsHash",
    ):
        assert not head_of(block | {field: None}).is_hash_proven
        assert not head_of({name: value for name, value in block.items() if name != field}).is_hash_proven


def test_a_head_without_root_and_filter_is_read_and_not_proven() -> None:
    [recorded, *_] = blocks()
    bare = {
        name: value for name, value in recorded["block"].items() if name not in ("receiptsRoot", "logsBloom")
    }
    head = head_of(bare)
    assert (head.receipts_root, head.logs_bloom, head.is_hash_proven) == (None, None, False)


def test_a_head_is_made_with_root_and_filter() -> None:
    fields: Json = {"number": 1, "hash": bytes(32), "parent_hash": bytes(32), "timestamp_s": 2}
    fields |= {"gas_used": 3, "gas_limit": 4}
    head = Head(**fields, receipts_root=b"\x01" * 32, logs_bloom=b"\x02" * 256)
    assert (head.receipts_root, head.logs_bloom, head.is_hash_proven) == (b"\x01" * 32, b"\x02" * 256, False)
    assert head != Head(**fields)
    with pytest.raises(ValueError, match="expected a filter of 256 bytes, found 255"):
        Head(**fields, logs_bloom=bytes(255))


def test_logs_are_matched_as_a_node_matches_them() -> None:
    for recorded in blocks():
        logs = read(recorded["receipts"]).logs
        rows = logs.to_arrow().to_pylist()
        first = {row["topics"][0] for row in rows[::3] if row["topics"]}
        some = {row["address"] for row in rows[::2]}
        for addresses in (set[bytes](), some):
            expected = [
                (row["block_hash"], row["log_index"])
                for row in rows
                if row["topics"]
                and row["topics"][0] in first
                and (not addresses or row["address"] in addresses)
            ]
            assert logs.matching(first, addresses).keys() == expected
        assert len(logs.matching(set(), some)) == 0
    assert Logs().matching(set(), set()) == Logs()
    assert Logs().bloom() == bytes(256)
