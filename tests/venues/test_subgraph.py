"""Are a subgraph's rows read exactly, and refused where they cannot be."""

import gzip
import json
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.schema.events import SubgraphBalance, SubgraphPool, SubgraphSwap
from tidemill.schema.faults import Malformed, Refused, Unknown, Unreachable
from tidemill.venues.base import Origin
from tidemill.venues.subgraph import (
    Window,
    bell_query,
    map_frame,
    pools_of,
    read_head,
    swaps_query,
)
from tidemill.venues.subgraph_dialects import DIALECTS
from tidemill.venues.subgraph_values import fraction_e18, raw_units

CAPTURES = Path(__file__).resolve().parents[1] / "captures" / "subgraph"
REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "evm_logs" / "subgraph"
WETH, USDC = b"\xa1" * 20, b"\xb2" * 20
ORIGIN = Origin(source="s", chain_id=137, dex="d", decimals={WETH: 18, USDC: 6})
BLOCK = {"number": 5, "hash": "0x" + "11" * 32, "timestamp": 1_700_000_000}
META = {"block": BLOCK, "hasIndexingErrors": False}


def captured(channel):
    return (CAPTURES / f"{channel}.json").read_bytes()


def changed(channel, entity, **changes):
    """Return a captured frame with its first row changed; `a__b` is a path."""
    frame = json.loads(captured(channel))
    for path, value in changes.items():
        at = frame["data"][entity][0]
        *above, last = path.split("__")
        for name in above:
            at = at[name]
        at[last] = value
    return json.dumps(frame).encode()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_tells_the_same_swaps_in_raw_units(dialect):
    mapped = map_frame(f"{dialect}.swaps", captured(f"{dialect}.swaps"), ORIGIN, 7)
    assert mapped.faults == []
    swaps = {swap.swap_id.partition("#")[2] + str(swap.event_ns): swap for swap in mapped.events}
    assert len(swaps) == mapped.row_count == 6
    for swap in swaps.values():
        assert isinstance(swap, SubgraphSwap)
        index = int(swap.swap_id.partition("#")[2])
        number = (swap.event_ns // 10**9 - 1_700_000_000) // 2
        weth, usdc = 10**18 + 7 * number + index, 2 * 10**9 + index
        if index % 2:
            assert (swap.token_in, swap.token_out) == (USDC, WETH)
            assert (swap.amount_in, swap.amount_out) == (usdc, weth)
        else:
            assert (swap.token_in, swap.token_out) == (WETH, USDC)
            assert (swap.amount_in, swap.amount_out) == (weth, usdc)
        assert swap.pool == bytes([0xC1 + index % 3]) * 20
        assert swap.block_number in ((None,) if dialect == "balancer_v2" else (number,))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_tells_the_same_pools_in_raw_units(dialect):
    mapped = map_frame(f"{dialect}.pools", captured(f"{dialect}.pools"), ORIGIN, 7)
    pools = [event for event in mapped.events if isinstance(event, SubgraphPool)]
    balances = [event for event in mapped.events if isinstance(event, SubgraphBalance)]
    assert [pool.pool for pool in pools] == [bytes([number]) * 20 for number in (0xC1, 0xC2, 0xC3)]
    assert [(one.token, one.decimals, one.balance) for one in balances[:2]] == [
        (WETH, 18, 10**24 + 1 + 2 * 10**18 + 7 * 201),
        (USDC, 6, 2 * 10**15 + 1 - 4 * 10**9),
    ]
    fees = {"uniswap_v2": None, "messari": 4 * 10**14, "uniswap_v3": 3 * 10**15, "algebra": 3 * 10**15}
    assert {pool.fee_e18 for pool in pools} == {fees.get(dialect, 3 * 10**15 + 10**8)}
    has_ticks = dialect in ("uniswap_v3", "algebra")
    assert {pool.tick for pool in pools} == {-200345 if has_ticks else None}


AMOUNTS = st.integers(0, 10**33 - 1)


@given(AMOUNTS, st.integers(0, 30), st.booleans())
def test_a_decimal_is_read_to_the_last_unit(raw, decimals, is_negative):
    raw = -raw if is_negative else raw
    sign, digits, _ = Decimal(raw).as_tuple()
    text = format(Decimal((sign, digits, -decimals)), "f")
    assert raw_units(text, decimals, "x") == raw
    assert raw_units(format(Decimal((sign, digits, -decimals)), "E"), decimals, "x") == raw


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1",
        "1_0",
        "0x1",
        "NaN",
        "Infinity",
        "1.",
        ".5",
        "1e999",
        "٣",
        "1.0000001",
        None,
        1,
        1.5,
        True,
        [],
    ],
)
def test_what_is_no_exact_amount_is_malformed(text):
    with pytest.raises(Malformed):
        raw_units(text, 6, "x")


def test_an_amount_of_more_digits_than_indexers_keep_may_be_rounded_and_is_refused():
    # what a linear pool has of its own token, as Balancer's subgraph tells it: 2^112 - 1 - 10^20
    assert raw_units("5192296858534727.628530496329220095", 18, "x") == 2**112 - 1 - 10**20
    with pytest.raises(Malformed, match=r"less than 10\^34 raw units, as more may be rounded"):
        raw_units("1" + "0" * 16, 18, "x")


def test_a_fee_that_is_no_whole_number_of_its_unit_is_malformed():
    assert fraction_e18("0.04", 100, "x") == 4 * 10**14
    with pytest.raises(Malformed):
        fraction_e18("0.0000000000000000001", 1, "x")


@pytest.mark.parametrize(
    ("channel", "changes", "said"),
    [
        ("uniswap_v3.swaps", {"amount0": "1.0000000000000000001"}, "expected at most 18 decimals as amount0"),
        (
            "uniswap_v3.swaps",
            {"token0__decimals": None},
            "expected a whole number of 8 bits as token0.decimals",
        ),
        ("uniswap_v3.swaps", {"token0__decimals": "200"}, "expected at most 77 as token0.decimals"),
        ("uniswap_v3.swaps", {"amount1": "5"}, "expected one token in and one out"),
        ("uniswap_v3.swaps", {"transaction": None}, "expected 0x and 64 hex digits as transaction.id"),
        ("uniswap_v3.swaps", {"sender": "0xzz"}, "expected 0x and 40 hex digits as sender"),
        ("balancer_v2.swaps", {"tokenIn": "0x" + "99" * 20}, "expected the pool to have token 0x9999"),
        ("messari.swaps", {"amountIn": "1.5"}, "expected a whole number of 256 bits as amountIn"),
        (
            "uniswap_v2.swaps",
            {"amount0In": "1", "amount1In": "1", "amount1Out": "0"},
            "one token in and one",
        ),
        ("messari.pools", {"inputTokenBalances": ["1"]}, "expected 2 balances, found 1"),
        ("uniswap_v3.pools", {"totalValueLockedToken0": "-1"}, "expected a balance, found '-1'"),
        ("balancer_v2.pools", {"id": "0x12"}, "expected 0x and 40 or 64 hex digits as a pool"),
    ],
)
def test_a_row_that_cannot_be_read_exactly_is_told_and_the_others_are_read(channel, changes, said):
    kind = channel.partition(".")[2]
    dialect = DIALECTS[channel.partition(".")[0]]
    entity = "swaps" if kind == "swaps" else dialect.pool.entity
    mapped = map_frame(channel, changed(channel, entity, **changes), ORIGIN, 7)
    (fault,) = mapped.faults
    assert isinstance(fault, Malformed)
    assert said in str(fault)
    ids = {event.swap_id if kind == "swaps" else event.pool_id for event in mapped.events}
    assert len(ids) == mapped.row_count - 1


def test_a_token_without_known_decimals_is_unknown_until_its_pool_was_read():
    origin = Origin(source="s", chain_id=137, dex="d", decimals={})
    frame = captured("balancer_v3.swaps")
    mapped = map_frame("balancer_v3.swaps", frame, origin, 7)
    assert mapped.events == []
    assert {type(fault) for fault in mapped.faults} == {Unknown}
    assert set(pools_of(DIALECTS["balancer_v3"], frame).values()) == {
        "0x" + f"{number:02x}" * 20 for number in (0xC1, 0xC2, 0xC3)
    }


def test_what_comes_back_of_the_same_token_is_taken_off():
    frame = changed("uniswap_v2.swaps", "swaps", amount0In="3", amount0Out="1", amount1In="0", amount1Out="2")
    swap = map_frame("uniswap_v2.swaps", frame, ORIGIN, 7).events[0]
    assert isinstance(swap, SubgraphSwap)
    assert (swap.token_in, swap.amount_in, swap.amount_out) == (WETH, 2 * 10**18, 2 * 10**6)


@pytest.mark.parametrize(
    ("answer", "fault", "said"),
    [
        ({"errors": [{"message": "auth error: missing authorization header"}]}, Refused, "auth error"),
        ({"errors": [{"message": "indexing_error"}]}, Unreachable, "indexing_error"),
        ({"data": {"_meta": None}}, Malformed, "expected a whole number of 63 bits as _meta.block.number"),
        (
            {"data": {"_meta": META | {"block": BLOCK | {"hash": None}}}},
            Malformed,
            "_meta.block.hash",
        ),
        ({"data": {}}, Malformed, "expected _meta.block.number, found nothing there"),
    ],
)
def test_an_answer_without_a_head_is_a_fault(answer, fault, said):
    with pytest.raises(fault, match=said):
        read_head(json.dumps(answer).encode())


def test_only_a_plain_no_means_no_indexing_errors():
    for told, expected in ((False, False), (True, True), (None, True)):
        frame = json.dumps({"data": {"_meta": META | {"hasIndexingErrors": told}}}).encode()
        assert read_head(frame).has_indexing_errors is expected


def test_what_is_asked_is_pinned_to_a_block_and_to_the_pools():
    window = Window(b"\x11" * 32, 10, 20)
    query = swaps_query(DIALECTS["balancer_v2"], window, after='a"b', page_rows=5, pools=("0xab",))
    assert 'block: {hash: "0x1111' in query
    assert 'where: {timestamp_gte: 10, timestamp_lte: 20, id_gt: "a\\"b", poolId_in: ["0xab"]}' in query
    assert "poolId { id tokens { address decimals } }" in query
    assert bell_query(DIALECTS["uniswap_v2"], ("0xab",)).startswith("subscription { swaps(first: 1")


@pytest.mark.skipif(not REAL.exists(), reason="needs ../shared/data/evm_logs/subgraph")
@pytest.mark.parametrize(
    ("name", "count", "unreadable"),
    [("balancer_pools_14717479", 372, 0), ("balancer_all_pools_0xa7a3cf", 1255, 1)],
)
def test_real_answers_of_balancers_subgraph_are_read_to_the_last_unit(name, count, unreadable):
    (path,) = REAL.glob(f"{name}*.json.gz")
    with gzip.open(path) as file:
        content = json.load(file)
    rows = content["pools"] if isinstance(content, dict) else content
    for row in rows:
        for token in row["tokens"]:
            token.setdefault("symbol", None)  # it was not asked for
    frame = json.dumps({"data": {"_meta": META, "pools": rows}}).encode()
    mapped = map_frame("balancer_v2.pools", frame, ORIGIN, 7)
    assert len(rows) == mapped.row_count == count
    balances = {}
    for event in mapped.events:
        if isinstance(event, SubgraphBalance):
            balances.setdefault(event.pool_id, []).append(Fraction(event.balance, 10**event.decimals))
    assert len(balances) + len(mapped.faults) == count
    assert len(mapped.faults) == unreadable, mapped.faults[:3]
    for row in rows:
        if row["id"] in balances:
            assert balances[row["id"]] == [Fraction(token["balance"]) for token in row["tokens"]]
