"""Logs keep the chain's order whatever way they came, and are the same on both sides of the boundary."""

import json
import pickle

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.rust.test_frames import log_json

from tidemill._rust import Logs, parse_logs
from tidemill.schema.faults import Malformed

_NOTHING = Logs()

_placed = st.lists(st.tuples(st.integers(1, 5), st.integers(0, 9)), unique=True, max_size=20)


def logs_at(places: list[tuple[int, int]]) -> Logs:
    return parse_logs(json.dumps([log_json(index, block=block) for block, index in places]).encode())


@given(_placed)
def test_the_order_is_the_chain_s(places: list[tuple[int, int]]) -> None:
    logs = logs_at(places)
    assert [(int.from_bytes(block), index) for block, index in logs.keys()] == sorted(places)
    blocks = sorted({block for block, _ in places})
    assert [number for number, _, _ in logs.blocks()] == blocks
    for number, block_hash, count in logs.blocks():
        of_block = logs.of_block(block_hash)
        assert len(of_block) == count == sum(block == number for block, _ in places)
        assert of_block.blocks() == [(number, block_hash, count)]


@given(_placed, st.integers(0, 20))
def test_parts_make_the_whole(places: list[tuple[int, int]], cut: int) -> None:
    whole = logs_at(places)
    assert Logs.concat([logs_at(places[cut:]), logs_at(places[:cut]), whole, _NOTHING]) == whole


@given(_placed)
def test_columns_give_the_logs_back(places: list[tuple[int, int]]) -> None:
    logs = logs_at(places)
    batch = logs.to_arrow()
    batch.validate(full=True)
    assert Logs.from_arrow(batch) == logs
    assert Logs.from_arrow(batch.slice(1)) == logs_at(sorted(places)[1:])
    assert pickle.loads(pickle.dumps(logs)) == logs


def test_two_logs_that_claim_one_place_are_malformed() -> None:
    other = parse_logs(json.dumps([log_json(3, data="0xff")]).encode())
    with pytest.raises(Malformed, match="log 3 of block 16 twice"):
        Logs.concat([logs_at([(16, 3)]), other])


def test_a_block_without_logs_has_none() -> None:
    assert len(logs_at([(1, 1)]).of_block(bytes(32))) == 0


def test_columns_that_are_not_logs_are_named() -> None:
    batch = logs_at([(1, 1)]).to_arrow()
    with pytest.raises(ValueError, match="expected a column data, found none"):
        Logs.from_arrow(batch.drop_columns(["data"]))
    wrong = batch.set_column(0, "block_number", pa.array(["1"]))
    with pytest.raises(ValueError, match="column block_number: expected "):
        Logs.from_arrow(wrong)
    absent = batch.set_column(0, "block_number", pa.array([None], pa.uint64()))
    with pytest.raises(ValueError, match="column block_number: expected a value in each row, found null"):
        Logs.from_arrow(absent)
    narrow = batch.set_column(1, "block_hash", pa.array([b"x"], pa.binary(1)))
    with pytest.raises(ValueError, match="column block_hash: expected values of 32 bytes, found 1"):
        Logs.from_arrow(narrow)
    with pytest.raises(TypeError, match="expected an Arrow array or record batch"):
        Logs.from_arrow(7)  # pyright: ignore[reportArgumentType] what a caller may do
