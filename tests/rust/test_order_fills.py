"""Fills of exchanges' orders, checked against logs that an independent library encoded."""

from decimal import ROUND_DOWN, Decimal, localcontext

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from tests.rust.orders import (
    EXCHANGE,
    MAKER,
    OTHER,
    TAKER,
    TOKEN,
    UNIT,
    Emitted,
    filled_v1,
    filled_v2,
    head,
    logs_of,
    matched_v1,
    transferred,
)

from tidemill._rust import Logs, OrderFills, read_transfers
from tidemill.schema import derive

TX = b"\x77" * 32
amounts = st.integers(0, 2**80)


def read(*emissions: Emitted) -> tuple[list[dict[str, object]], list[str]]:
    block = head(5)
    reader = OrderFills("polygon", 137, [(EXCHANGE, "ctf_exchange")])
    batch, wrong = reader.read(block, logs_of(block, [(TX, one) for one in emissions]), 9)
    assert batch.schema.equals(derive.arrow_schema("wallet_trade"))
    return derive.to_rows("wallet_trade", pa.Table.from_batches([batch])), wrong


def test_a_match_gives_each_wallet_one_row_and_its_volume_once() -> None:
    rows, wrong = read(
        filled_v1(MAKER, TAKER, gives=(TOKEN, 60 * UNIT), gets=(0, 30 * UNIT)),
        filled_v1(OTHER, TAKER, gives=(TOKEN, 40 * UNIT), gets=(0, 21 * UNIT)),
        filled_v1(TAKER, EXCHANGE, gives=(0, 51 * UNIT), gets=(TOKEN, 100 * UNIT), fee=2 * UNIT),
        matched_v1(TAKER),
    )
    assert not wrong
    told = [(row["wallet"], row["side"], row["role"], row["size"], row["price"]) for row in rows]
    assert told == [
        (MAKER, "sell", "maker", Decimal(60), Decimal("0.5")),
        (OTHER, "sell", "maker", Decimal(40), Decimal("0.525")),
        (TAKER, "buy", "taker", Decimal(100), Decimal("0.51")),
    ]
    takers = [row for row in rows if row["role"] == "taker"]
    assert sum(row["amount"] for row in takers) == sum(r["amount"] for r in rows if r["role"] == "maker")  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert (takers[0]["fee"], takers[0]["fee_size"], takers[0]["counterparty"]) == (None, Decimal(2), None)
    assert [row["counterparty"] for row in rows[:2]] == [TAKER, TAKER]
    assert [row["row"] for row in rows] == [0, 1, 2]
    assert {row["instrument"] for row in rows} == {str(TOKEN)}


def test_a_mint_tells_each_wallet_in_the_token_of_its_own_order() -> None:
    rows, wrong = read(
        filled_v2(MAKER, TAKER, is_buy=True, size=10 * UNIT, amount=4 * UNIT, token=7),
        filled_v2(TAKER, EXCHANGE, is_buy=True, size=10 * UNIT, amount=6 * UNIT, token=8, fee=UNIT),
    )
    assert not wrong
    assert [(row["side"], row["instrument"], row["price"]) for row in rows] == [
        ("buy", "7", Decimal("0.4")),
        ("buy", "8", Decimal("0.6")),
    ]
    assert (rows[1]["fee"], rows[1]["fee_size"]) == (Decimal(1), None)


@given(size=amounts.filter(bool), amount=amounts, is_buy=st.booleans(), version=st.sampled_from([1, 2]))
def test_price_and_sizes_are_exact_in_both_versions(
    size: int, amount: int, is_buy: bool, version: int
) -> None:
    if version == 2:
        emitted = filled_v2(MAKER, TAKER, is_buy=is_buy, size=size, amount=amount)
    else:
        shares, quote = (TOKEN, size), (0, amount)
        gives, gets = (quote, shares) if is_buy else (shares, quote)
        emitted = filled_v1(MAKER, TAKER, gives=gives, gets=gets)
    rows, wrong = read(emitted)
    if not rows:
        assert amount * 10**18 // size >= 10**38, "only a price that no column holds is refused"
        assert "OrderFilled: expected" in wrong[0]
        return
    [row] = rows
    with localcontext() as exact:
        exact.prec, exact.rounding = 80, ROUND_DOWN
        wanted = (Decimal(amount) / Decimal(size)).quantize(Decimal("1e-18"))
    assert row["price"] == wanted
    assert (row["size"], row["amount"]) == (Decimal(size).scaleb(-6), Decimal(amount).scaleb(-6))
    assert row["side"] == ("buy" if is_buy else "sell")


def test_what_is_no_fill_is_told_and_left_out() -> None:
    neither = filled_v1(MAKER, TAKER, gives=(1, UNIT), gets=(2, UNIT))
    no_shares = filled_v2(MAKER, TAKER, is_buy=True, size=0, amount=UNIT)
    address, topics, data = filled_v2(MAKER, TAKER, is_buy=True, size=UNIT, amount=UNIT)
    short = (address, topics, data[:-32])
    side = (address, topics, (2).to_bytes(32, "big") + data[32:])
    rows, wrong = read(neither, no_shares, short, side, matched_v1(TAKER))
    assert rows == []
    assert len(wrong) == 5
    assert "expected 224 bytes of data, found 192" in wrong[2]
    assert "expected the taker's order" in wrong[4]


@given(st.binary(max_size=400), st.integers(0, 3))
def test_any_bytes_give_a_row_or_a_sentence(data: bytes, kept: int) -> None:
    address, topics, _ = filled_v2(MAKER, TAKER, is_buy=True, size=1, amount=1)
    rows, wrong = read((address, topics[: 1 + kept], data))
    assert len(rows) + len(wrong) == 1


def test_logs_of_other_contracts_are_passed_over() -> None:
    _, topics, data = filled_v2(MAKER, TAKER, is_buy=True, size=1, amount=1)
    assert read((OTHER, topics, data)) == ([], [])
    reader = OrderFills("polygon", 137, [(EXCHANGE, "ctf_exchange")])
    assert reader.read(head(1), Logs(), 1)[0].num_rows == 0


def test_transfers_are_read_of_the_tokens_asked_for() -> None:
    block = head(3)
    sent, other = (
        transferred(OTHER, MAKER, TAKER, 2**200),
        transferred(EXCHANGE, MAKER, TAKER, 1),
    )
    found = read_transfers(block, logs_of(block, [(TX, other), (TX, sent)]), {OTHER})
    assert found == [(OTHER, (1, TX, MAKER, TAKER, 2**200))]
