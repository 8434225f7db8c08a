"""Every event derives to every layer, and nothing is lost on the way."""

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from tidemill.schema import ddl, derive, generate
from tidemill.schema.events import EVENTS, Swap, Token
from tidemill.schema.types import LOGICAL_TYPES

TAGS = sorted(EVENTS)
ONE_SERVER = ddl.Placement(10)


def swap(**change: object) -> Swap:
    fields: dict[str, object] = {
        "event_ns": 1_700_000_000_000_000_000,
        "recv_ns": 1_700_000_000_123_456_789,
        "source": "sandbox",
        "chain_id": 31337,
        "block_number": 7,
        "block_hash": b"\x01" * 32,
        "tx_hash": b"\x02" * 32,
        "tx_index": 0,
        "log_index": 3,
        "pool": b"\x03" * 20,
        "protocol": "uniswap_v2",
        "dex": "uniswap",
        "sender": b"\x04" * 20,
        "recipient": b"\x05" * 20,
        "amount0_in": 1,
        "amount1_in": 0,
        "amount0_out": 0,
        "amount1_out": 2,
    }
    return Swap(**(fields | change))  # pyright: ignore[reportArgumentType] the fields above are a swap's


@pytest.mark.parametrize("tag", TAGS)
def test_every_event_has_its_times_its_source_and_an_identity(tag: str) -> None:
    names = [column.name for column in derive.columns(tag)]
    assert {"event_ns", "recv_ns", "source"} <= set(names)
    assert derive.identity(tag)
    assert set(derive.identity(tag)) <= set(names)
    assert set(EVENTS[tag].ORDER) <= set(names)


@pytest.mark.parametrize("tag", TAGS)
def test_every_event_says_what_it_is(tag: str) -> None:
    assert (EVENTS[tag].__doc__ or "").strip().endswith(".")


@pytest.mark.parametrize("tag", TAGS)
def test_every_column_has_one_spelling_in_each_layer(tag: str) -> None:
    schema = derive.arrow_schema(tag)
    made, *_ = ddl.table_ddl(tag, ONE_SERVER)
    properties = derive.json_schema(tag)["properties"]
    for column in derive.columns(tag):
        assert schema.field(column.name).nullable == column.is_optional
        assert f"    {column.name} {derive.clickhouse_type(column)} CODEC(" in made
        assert isinstance(properties, dict)
        assert column.name in properties


def test_every_logical_type_has_a_name_of_its_own() -> None:
    assert len({logical.name for logical in LOGICAL_TYPES}) == len(LOGICAL_TYPES)


@given(amount=st.integers(0, 2**256 - 1), liquidity=st.none() | st.integers(0, 2**128 - 1))
def test_wide_integers_come_back_from_arrow_exact(amount: int, liquidity: int | None) -> None:
    batch = derive.to_batch([swap(amount0_in=amount, liquidity=liquidity)])
    row = derive.to_rows("swap", batch)[0]
    assert row["amount0_in"] == amount
    assert row["liquidity"] == liquidity
    assert row["event_ns"] == 1_700_000_000_000_000_000
    assert row["recv_ns"] == 1_700_000_000_123_456_789


@pytest.mark.parametrize("amount", [-1, 2**256])
def test_an_amount_outside_256_bits_is_refused(amount: int) -> None:
    with pytest.raises(OverflowError):
        derive.to_batch([swap(amount0_in=amount)])


def test_no_events_make_no_batch() -> None:
    with pytest.raises(ValueError, match="at least one"):
        derive.to_batch([])


def test_absent_is_null_and_not_zero() -> None:
    token = Token(
        event_ns=1, recv_ns=2, source="s", chain_id=1, block_number=1, token=b"\x01" * 20, decimals=None
    )
    batch = derive.to_batch([token])
    assert batch.column("decimals").to_pylist() == [None]
    assert batch.column("symbol").null_count == 1


def test_a_field_of_a_plain_type_is_refused() -> None:
    class Loose(Struct, tag="loose"):
        """An event with a field that says nothing of its unit."""

        price: float

    with pytest.raises(TypeError, match=r"Loose\.price: use a type of tidemill\.schema\.types"):
        list(derive._columns(Loose))


@pytest.mark.parametrize("tag", TAGS)
def test_only_events_of_a_block_have_a_canonical_view(tag: str) -> None:
    if derive.has_block(tag):
        assert f"FROM {tag}" in ddl.canonical_view_ddl(tag, ONE_SERVER)
    else:
        with pytest.raises(ValueError, match="does not belong to a block"):
            ddl.canonical_view_ddl(tag, ONE_SERVER)


def test_what_is_generated_is_what_is_committed() -> None:
    assert [str(path) for path, content in generate.files() if path.read_text() != content] == []


def test_arrow_batches_need_no_dictionaries() -> None:
    for tag in TAGS:
        assert not any(pa.types.is_dictionary(field.type) for field in derive.arrow_schema(tag))
