"""What Solana transactions were: recorded ones with their known balances, and circles made by hand."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.app.made_solana import MINT, WSOL, circle

from tidemill._rust import inspect_solana
from tidemill.app.inspecting import inspecting
from tidemill.app.settings import read_settings
from tidemill.schema.faults import Malformed

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "solana"
_BROKEN = ("txparser_broken_data_0.json", "txparser_broken_data_1.json")


def report(document: object) -> dict[str, Any]:
    return json.loads(inspect_solana(json.dumps(document).encode()))


def recorded() -> dict[str, dict[str, Any]]:
    if not _DATA.exists():
        pytest.skip("needs ../shared/data/solana, which is not there")
    expected = json.loads((_DATA / "expected_balance_deltas.json").read_text())
    return {name: known for name, known in expected.items() if (_DATA / "tx" / name).exists()}


def test_every_recorded_balance_is_told_to_the_unit() -> None:
    names = [name for name in recorded() if name not in _BROKEN]
    assert len(names) > 30
    for name in names:
        (tx,) = json.loads(inspect_solana((_DATA / "tx" / name).read_bytes()))["transactions"]
        known = recorded()[name]
        assert tx["signature"] == known["signature"], name
        assert tx["payer"] == known["payer"], name
        assert tx["slot"] == known["slot"], name
        assert tx["token_deltas"] == known["token_deltas"], name
        assert tx["lamports_delta"] == known["lamports_delta"], name
        assert tx["fee_lamports"] == known["fee"], name
        assert tx["is_success"] == (known["err"] is None), name


def test_broken_answers_are_faults() -> None:
    recorded()
    for name in _BROKEN:
        with pytest.raises(Malformed, match="expected"):
            inspect_solana((_DATA / "tx" / name).read_bytes())


def test_recorded_swaps_are_told_by_their_exchange() -> None:
    for name, exchange in {
        "txparser_raydiumLiquidityPoolV4_swap_0.json": "raydium_v4",
        "txparser_raydiumLiquidityPoolV4_swap_1.json": "raydium_v4",
        "txparser_raydiumLiquidityPoolV4_swap_2.json": "raydium_v4",
        "txparser_pumpfun_buy_0.json": "pump_fun",
        "txparser_pumpfun_sell_0.json": "pump_fun",
    }.items():
        known = recorded()[name]
        (tx,) = json.loads(inspect_solana((_DATA / "tx" / name).read_bytes()))["transactions"]
        assert tx["kind"] == "swap", name
        assert {swap["exchange"] for swap in tx["swaps"]} == {exchange}, name
        (mint, delta) = next(iter(known["token_deltas"].items()))
        bought = sum(int(swap["amount_out"]) for swap in tx["swaps"] if swap["mint_out"] == mint)
        sold = sum(int(swap["amount_in"]) for swap in tx["swaps"] if swap["mint_in"] == mint)
        assert bought - sold == int(delta), name


def test_a_circle_that_paid_is_an_arbitrage_net_of_its_fee() -> None:
    for document in (circle(1_000, 9_000), {"result": circle(1_000, 9_000)}, [circle(1_000, 9_000)]):
        (tx,) = report(document)["transactions"]
        assert tx["kind"] == "arbitrage"
        assert tx["arbitrage"]["path"] == [WSOL, MINT, WSOL]
        assert tx["arbitrage"]["profit_amount"] == "8000"
        assert tx["arbitrage"]["net_profit_lamports"] == str(8_000 - 5_100)
        assert tx["arbitrage"]["confidence"] == 1.0
        assert tx["priority_fee_lamports"] == 100
        assert [swap["exchange"] for swap in tx["swaps"]] == ["raydium_v4", "orca_whirlpool"]
        assert tx["token_deltas"] == {WSOL: "8000"}


def test_a_circle_that_lost_is_none_and_one_that_failed_is_an_attempt() -> None:
    assert report(circle(1_000, 999))["transactions"][0]["kind"] == "losing_circle"
    failed = circle(1_000, 9_000)
    failed["meta"]["err"] = {"InstructionError": [0, "Custom"]}
    assert report(failed)["transactions"][0]["kind"] == "failed_swap"


def test_the_command_tells_solana_by_its_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "block.json"
    file.write_text(json.dumps(circle(1_000, 9_000)))
    assert inspecting.main(read_settings(None, tmp_path, {}), [str(file)], None, 1, is_json=False) == 0
    told = capsys.readouterr().out
    assert "one: arbitrage" in told
    assert "2900 lamports after fee and tip" in told


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(Malformed):
        json.loads(inspect_solana(data))


@given(st.integers(0, 10_000), st.sampled_from([0, 34, 48, 57, 91, 92, 123, 125, 255]))
def test_an_answer_that_was_changed_is_read_or_refused(at: int, byte: int) -> None:
    document = bytearray(json.dumps(circle(1_000, 9_000)).encode())
    document[at % len(document)] = byte
    with contextlib.suppress(Malformed):
        json.loads(inspect_solana(bytes(document)))
