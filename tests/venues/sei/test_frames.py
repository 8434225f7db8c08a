"""Is every frame of a CometBFT node read as what it says, or told as a named fault."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.faults import Fault, Malformed, Refused, Unreachable
from tidemill.venues.sei.frames import (
    BLOCK_BEGIN,
    BLOCK_END,
    Answer,
    ContractEvent,
    Encoding,
    Head,
    Listed,
    Tx,
    read_answers,
    read_block,
    read_frame,
    read_status,
    read_time_ns,
)

RECORDED = Path(__file__).resolve().parents[4] / "shared" / "data" / "sei" / "comet_fixtures"
NAMES = sorted(path.name for path in RECORDED.glob("*.json"))
EXPECTED = {
    "subscribe_newblock_": Head,
    "subscribe_txs_broadcast_tx_": Answer,
    "subscribe_txs_": Tx,
    "subscribe_txs.": Answer,
    "block_results": Answer,
    "tx_search": Answer,
    "subscribe_malformed": Refused,
    "subscribe_newblock.": Malformed,  # `{}`: the recorder kept no answer
}


def encoding_of(name):
    """Return how a recorded node writes attributes."""
    is_old = any(word in name for word in ("v0_34", "gaia", "osmosis"))
    return Encoding.BASE64 if is_old else Encoding.PLAIN


def recorded(name):
    if not NAMES:
        pytest.skip("needs ../shared/data/sei, which is not there")
    return (RECORDED / name).read_bytes()


def read(frame, encoding=Encoding.PLAIN):
    return read_frame(frame if isinstance(frame, bytes) else json.dumps(frame).encode(), encoding, "node")


@pytest.mark.parametrize("name", NAMES or [""])
def test_every_recorded_frame_is_read_or_a_named_fault(name):
    frame = recorded(name)
    expected = next(kind for word, kind in EXPECTED.items() if word in name)
    try:
        found = read(frame, encoding_of(name))
    except Fault as fault:
        found = fault
    assert type(found) is expected
    if isinstance(found, Tx):
        assert found.events[0] == ContractEvent(
            "app",
            (
                ("creator", "Cosmoshi Netowoko"),
                ("key", f"tx{name[-6]}"),
                ("index_key", "index is working"),
                ("noindex_key", "index is working"),
            ),
        )
    if isinstance(found, Refused):
        assert "failed to parse query" in str(found)


@pytest.mark.parametrize(
    "name", [name for name in NAMES if "subscribe_txs_" in name and "cast" not in name] or [""]
)
def test_attributes_that_are_not_as_stated_are_malformed(name):
    frame = recorded(name)
    other = Encoding.PLAIN if encoding_of(name) is Encoding.BASE64 else Encoding.BASE64
    with pytest.raises(Malformed, match=f"expected {other} attributes, as stated"):
        read(frame, other)


def test_a_recorded_blocks_results_are_read_to_the_last_event():
    results = read(recorded("osmosis_fixtures__incoming__block_results_at_height_10499831.json")).result
    txs = ["AA=="] * len(results["txs_results"])
    header = {"height": "10499831", "time": "2023-07-12T00:00:00.5Z", "chain_id": "osmosis-1"}
    block = read_block({"block": {"header": header, "data": {"txs": txs}}}, results, Encoding.BASE64)
    swaps = [
        dict(event.attributes)
        for tx in block.txs
        if tx.tx_index not in (BLOCK_BEGIN, BLOCK_END)
        for event in tx.events
        if event.type == "token_swapped"
    ]
    assert len(swaps) == 7
    assert swaps[0]["pool_id"].isdigit()
    assert {BLOCK_BEGIN} <= {tx.tx_index for tx in block.txs}, "what a block did beside its transactions"
    indexes = [tx.tx_index for tx in block.txs]
    assert indexes == sorted(indexes)


def tx_frame(**changes):
    result = {"code": 0, "events": [{"type": "wasm", "attributes": [{"key": "a", "value": "1"}]}]}
    tx = {
        "height": "5",
        "index": 2,
        "tx": "AA==",
        "result": {**result, **changes.pop("result", {})},
        **changes,
    }
    data = {"type": "tendermint/event/Tx", "value": {"TxResult": tx}}
    return {"id": 1, "result": {"query": "q", "data": data, "events": {"wasm.a": ["1"]}}}


def test_a_number_that_is_also_base64_is_not_taken_for_it():
    frame = tx_frame()
    event = frame["result"]["data"]["value"]["TxResult"]["result"]["events"][0]
    event["attributes"] = [{"key": "size", "value": "1000"}]
    frame["result"]["events"] = {"wasm.size": ["1000"]}
    assert read(frame).events[0].attributes == (("size", "1000"),)
    with pytest.raises(Malformed, match="expected base64 attributes"):
        read(frame, Encoding.BASE64)


def test_what_a_failed_transaction_tells_did_not_happen():
    assert read(tx_frame(result={"code": 32})).events == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"height": "-1"},
        {"height": 5},
        {"height": str(1 << 63)},
        {"index": -1},
        {"index": 1 << 31},
        {"tx": "?"},
        {"result": {"code": "0"}},
        {"result": {"events": [{"type": 1}]}},
    ],
)
def test_a_transaction_that_cannot_be_is_malformed(changes):
    with pytest.raises(Malformed):
        read(tx_frame(**changes))


@pytest.mark.parametrize(
    ("code", "data", "kind"),
    [
        (-32603, "max_subscriptions_per_client 5 reached", Refused),
        (-32603, "max_subscription_clients 100 reached", Unreachable),
        (
            -32000,
            "subscription was cancelled (reason: client is not pulling messages fast enough)",
            Unreachable,
        ),
        (-32601, "Method not found", Refused),
    ],
)
def test_an_error_of_the_node_is_a_fault_by_its_remedy(code, data, kind):
    with pytest.raises(kind, match=r"node: expected an answer, found error -32"):
        read({"id": 1, "error": {"code": code, "message": "Internal error", "data": data}})


def test_messages_of_gateways_have_no_block():
    attributes = [{"key": "market_id", "value": "SEI/USDC"}]
    event = {"type": "OrderBookUpdate", "attributes": attributes, "data": {"bids": [["0.042", "1"]]}}
    pairs = (("market_id", "SEI/USDC"), ("bids", '[["0.042","1"]]'))
    assert read({"id": 1, "result": {"events": [event]}}) == Listed(
        (ContractEvent("OrderBookUpdate", pairs),)
    )
    assert read(event) == Listed((ContractEvent("OrderBookUpdate", pairs),))


@pytest.mark.parametrize(
    ("text", "time_ns"),
    [
        ("1970-01-02T00:00:00Z", 86_400 * 10**9),
        ("2023-05-17T14:14:50.081741308Z", 1684332890_081741308),
        ("2023-05-17T16:14:50.08+02:00", 1684332890_080000000),
    ],
)
def test_times_are_exact_to_the_nanosecond(text, time_ns):
    if text.startswith("1970"):
        with pytest.raises(Malformed):
            read_time_ns(text)
    else:
        assert read_time_ns(text) == time_ns


@pytest.mark.parametrize(
    "text", ["", "2023-05-17T14:14:50", "yesterday", "2023-05-17T14:14:50.0817413081Z", None]
)
def test_what_is_no_time_is_malformed(text):
    with pytest.raises(Malformed):
        read_time_ns(text)


def test_a_status_says_network_and_height():
    answers = read_answers(
        b'{"id":0,"result":{"node_info":{"network":"atlantic-2"},"sync_info":{"latest_block_height":"7",'
        b'"earliest_block_height":"2","catching_up":false}}}',
        "node",
    )
    assert read_status(answers["0"]) == ("atlantic-2", 7, 2, False)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(block=JSON, results=JSON, encoding=st.sampled_from(list(Encoding)))
def test_any_answer_for_a_block_is_a_block_or_malformed(block, results, encoding):
    try:
        read_block({"block": block}, {"height": "1", "txs_results": results}, encoding)
    except Malformed:
        pass


@given(value=JSON)
def test_any_status_is_read_or_malformed(value):
    try:
        read_status({"node_info": value, "sync_info": value})
    except Malformed:
        pass


@given(body=st.binary(max_size=100) | JSON.map(lambda value: json.dumps(value).encode()))
def test_any_answers_are_read_or_a_fault(body):
    try:
        read_answers(body, "node")
    except Fault:
        pass
