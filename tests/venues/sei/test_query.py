"""Are queries read, and evaluated, as a node does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.faults import Malformed
from tidemill.venues.sei.query import parse

EVENTS = {
    "tm.event": ["Tx"],
    "tx.height": ["12"],
    "wasm._contract_address": ["sei1a", "sei1b"],
    "transfer.amount": ["500usei"],
    "block.time": ["2024-05-01T12:00:00Z"],
}


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("tm.event='Tx'", True),
        ("tm.event = 'NewBlock'", False),
        ("tm.event='Tx' AND wasm._contract_address='sei1b'", True),
        ("tm.event='Tx' AND wasm._contract_address='sei1c'", False),
        ("tx.height > 11 AND tx.height<=12", True),
        ("tx.height >= 13", False),
        ("tx.height < 12", False),
        ("transfer.amount = 500", True),
        ("wasm._contract_address CONTAINS 'i1a'", True),
        ("wasm._contract_address EXISTS", True),
        ("wasm.action EXISTS", False),
        ("block.time >= TIME 2024-05-01T12:00:00Z", True),
        ("block.time < DATE 2024-05-02", True),
        ("tx.height = TIME 2024-05-01T12:00:00Z", False),
    ],
)
def test_a_query_matches_as_a_node_says(text, holds):
    assert parse(text).matches(EVENTS) is holds


@pytest.mark.parametrize(
    "text",
    [
        "",
        "malformed",
        "tm.event='Tx' OR tm.event='NewBlock'",
        "(tm.event='Tx')",
        "tm.event='Tx' AND",
        "tm.event>'Tx'",
        "tm.event='it''s'",
        "tx.height CONTAINS 5",
        "block.time > DATE 2024-13-01",
        "block.time > TIME 2024-05-01T12:00:00",
        "tm.event='" + "x" * 512 + "'",
    ],
)
def test_what_a_node_would_refuse_is_malformed(text):
    with pytest.raises(Malformed, match="query: expected"):
        parse(text)


@given(text=st.text(max_size=60) | st.from_regex(r"[a-z.]{1,4} ?(=|>|<=|CONTAINS|EXISTS) ?.{0,12}"))
def test_any_text_is_a_query_or_malformed(text):
    try:
        parse(text).matches(EVENTS)
    except Malformed:
        pass
