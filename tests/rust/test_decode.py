"""Columns of raw logs become the events that others decoded from them, or a fault."""

import ast
import contextlib
import csv
import gzip
import io
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rust import made
from tests.rust.recorded import recorded

from tidemill._rust import decode_logs
from tidemill.schema import derive
from tidemill.schema.faults import Malformed

POOLS = ("0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8", "0x82c427adfdf2d245ec51d8046b41c4ee87f0d29c")
_TIME = pa.timestamp("ns", tz="UTC")


def _table(name: str) -> list[dict[str, str]]:
    with gzip.open(recorded(f"evm_logs/univ3_raw/{name}")) as file:
        return list(csv.DictReader(io.TextIOWrapper(file)))


def _columns(rows: list[tuple[int, int, bytes, list[bytes], bytes]]) -> pa.RecordBatch:
    """Make columns of block number, log index, address, topics and data."""
    count = len(rows)
    return pa.record_batch(
        {
            "event_ns": pa.array([row[0] * 10**9 for row in rows], _TIME),
            "recv_ns": pa.array([row[0] * 10**9 + 5 for row in rows], _TIME),
            "block_number": pa.array([row[0] for row in rows], pa.uint64()),
            "block_hash": pa.array([row[0].to_bytes(32, "big") for row in rows], pa.binary(32)),
            "tx_hash": pa.array([bytes(32)] * count, pa.binary(32)),
            "tx_index": pa.array([0] * count, pa.uint32()),
            "log_index": pa.array([row[1] for row in rows], pa.uint32()),
            "address": pa.array([row[2] for row in rows], pa.binary(20)),
            "topics": pa.array([row[3] for row in rows], pa.list_(pa.binary(32))),
            "data": pa.array([row[4] for row in rows], pa.binary()),
        }
    )


def _number(value: bytes) -> int:
    return int.from_bytes(value, "little")


def _decode(batch: pa.RecordBatch) -> dict[str, list[dict[str, Any]]]:
    batches = decode_logs(batch, source="made", chain_id=1, dex="uniswap_v3")
    for topic, rows in batches.items():
        assert rows.schema.equals(derive.arrow_schema(topic)), topic
        rows.validate(full=True)
    return {topic: rows.to_pylist() for topic, rows in batches.items()}


@pytest.mark.parametrize("pool", POOLS)
def test_a_real_day_of_a_pool_is_what_others_decoded(pool: str) -> None:
    raw = _table(f"ethereum-{pool}-2024-01-05.raw.csv.gz")
    decoded = _table(f"ethereum-{pool}-2024-01-05.pool.tick.csv.gz")
    address = bytes.fromhex(pool[2:])
    topics = [[bytes.fromhex(one[2:]) for one in ast.literal_eval(row["topics"])] for row in raw]
    batch = _columns(
        [
            (int(row["block_number"]), int(row["log_index"]), address, of_row, bytes.fromhex(row["data"][2:]))
            for row, of_row in zip(raw, topics, strict=True)
        ]
    )
    rows = _decode(batch)
    swaps = [row for row in decoded if row["tx_type"] == "SWAP"]
    assert len(rows["swap"]) == len(swaps) > 40
    for ours, theirs in zip(rows["swap"], swaps, strict=True):
        assert (ours["block_number"], ours["log_index"]) == (
            int(theirs["block_number"]),
            int(theirs["log_index"]),
        )
        deltas = [_number(ours[f"amount{i}_in"]) - _number(ours[f"amount{i}_out"]) for i in (0, 1)]
        assert deltas == [int(theirs["amount0"]), int(theirs["amount1"])]
        assert _number(ours["sqrt_price_x96"]) == int(theirs["sqrtPriceX96"])
        assert _number(ours["liquidity"]) == int(theirs["total_liquidity"])
        assert ours["tick"] == int(float(theirs["current_tick"]))
        assert (ours["sender"].hex(), ours["recipient"].hex()) == (
            theirs["sender"][2:],
            theirs["receipt"][2:],
        )
    changes = [row for row in decoded if row["tx_type"] in ("MINT", "BURN")]
    for ours, theirs in zip(rows["liquidity_change"], changes, strict=True):
        assert ours["kind"] == theirs["tx_type"].lower()
        assert [_number(ours["amount0"]), _number(ours["amount1"])] == [
            int(theirs["amount0"]),
            int(theirs["amount1"]),
        ]
        assert [ours["tick_lower"], ours["tick_upper"]] == [
            int(float(theirs["tick_lower"])),
            int(float(theirs["tick_upper"])),
        ]
        assert _number(ours["liquidity"]) == int(theirs["liquidity"])
    states = [(row["log_index"], row["tick"]) for row in rows["pool_state"]]
    assert states == [(row["log_index"], row["tick"]) for row in rows["swap"]]


@given(st.tuples(*[st.integers(0, 2**256 - 1)] * 4), st.tuples(*[st.integers(0, 2**112 - 1)] * 2))
def test_amounts_of_any_width_are_exact(
    amounts: tuple[int, int, int, int], reserves: tuple[int, int]
) -> None:
    batch = _columns([(1, 0, *made.synced(*reserves)), (1, 1, *made.pair_swapped(amounts))])
    rows = _decode(batch)
    [state], [swap] = rows["pool_state"], rows["swap"]
    assert (_number(state["reserve0"]), _number(state["reserve1"])) == reserves
    assert swap["protocol"] == "uniswap_v2"
    names = ("amount0_in", "amount1_in", "amount0_out", "amount1_out")
    assert tuple(_number(swap[name]) for name in names) == amounts


@given(
    st.tuples(*[st.integers(-(2**255), 2**255 - 1)] * 2),
    st.integers(0, 2**160 - 1),
    st.integers(0, 2**128 - 1),
    st.integers(-(2**23), 2**23 - 1),
)
def test_signed_amounts_are_split_by_direction(
    deltas: tuple[int, int], price: int, liquidity: int, tick: int
) -> None:
    [swap] = _decode(_columns([(1, 0, *made.pool_swapped(*deltas, price, liquidity, tick))]))["swap"]
    for index, delta in enumerate(deltas):
        assert _number(swap[f"amount{index}_in"]) == max(delta, 0)
        assert _number(swap[f"amount{index}_out"]) == max(-delta, 0)
    assert (_number(swap["sqrt_price_x96"]), _number(swap["liquidity"]), swap["tick"]) == (
        price,
        liquidity,
        tick,
    )


@given(st.data())
def test_logs_of_any_shape_are_decoded_passed_over_or_malformed(data: st.DataObject) -> None:
    known = [made.synced(1, 2), made.pool_swapped(1, -1, 1, 1, 1), made.minted(-1, 1, 1), made.pair_created()]
    address, topics, body = data.draw(st.sampled_from(known))
    topics = data.draw(st.sampled_from([topics, topics[:1], [], [*topics, bytes(32)], [bytes(32)]]))
    body = data.draw(st.one_of(st.just(body), st.binary(max_size=200), st.binary(min_size=160, max_size=160)))
    batch = _columns([(9, 3, address, topics, body)])
    with contextlib.suppress(Malformed):
        assert set(_decode(batch)) <= {"swap", "pool_state", "liquidity_change"}


def test_a_malformed_log_is_named() -> None:
    address, topics, body = made.synced(1, 2)
    batch = _columns([(8, 0, address, topics, body), (9, 3, address, topics, body[:-1])])
    with pytest.raises(Malformed, match="block 9, log 3: Sync: expected 64 bytes of data, found 63"):
        _decode(batch)


def test_a_slice_of_columns_is_decoded_as_what_it_holds() -> None:
    batch = _columns([(number, 0, *made.synced(number, number + 1)) for number in range(50)])
    rows = _decode(batch.slice(20, 10))["pool_state"]
    assert [row["block_number"] for row in rows] == list(range(20, 30))
    assert [_number(row["reserve0"]) for row in rows] == list(range(20, 30))


def test_a_missing_column_is_named() -> None:
    batch = _columns([(1, 0, *made.synced(1, 2))])
    with pytest.raises(ValueError, match="expected a column recv_ns, found none"):
        decode_logs(batch.drop_columns(["recv_ns"]), source="made", chain_id=1, dex="x")
