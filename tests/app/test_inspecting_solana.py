"""What Solana transactions were: recorded ones with their known balances, and circles made by hand."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill._rust import inspect_solana
from tidemill.app import inspecting
from tidemill.app.settings import read_settings
from tidemill.schema.faults import Malformed

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "solana"
_BROKEN = ("txparser_broken_data_0.json", "txparser_broken_data_1.json")
_WSOL = "So11111111111111111111111111111111111111112"
_TOKEN = "TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA"
_RAYDIUM = "675kPX9MHTjS2zt1qfr1NYHuzeLXfQM9H24wFSUt1Mp8"
_WHIRLPOOL = "whirLbMiicVdio4qvUfM5KAg6Ct8VwpYzGff3uctyCc"
_MINT = "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v"
_DIGITS = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


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


def base58(data: bytes) -> str:
    number, text = int.from_bytes(data, "big"), ""
    while number:
        number, digit = divmod(number, 58)
        text = _DIGITS[digit] + text
    return "1" * (len(data) - len(data.lstrip(b"\0"))) + text


def address(byte: int) -> str:
    return base58(bytes([byte] * 32))


def circle(amount_in: int, amount_out: int) -> dict[str, Any]:
    """A payer swaps WSOL for a token in one pool and the token for WSOL in another."""
    keys = [address(byte) for byte in range(1, 9)] + [_TOKEN, _RAYDIUM, _WHIRLPOOL]
    held = {
        1: (_WSOL, keys[0], 100_000, 100_000 - amount_in + amount_out),
        2: (_MINT, keys[0], 0, 0),
        3: (_WSOL, address(50), 0, amount_in),
        4: (_MINT, address(50), 700, 0),
        5: (_MINT, address(51), 0, 700),
        6: (_WSOL, address(51), amount_out, 0),
    }

    def balances(side: int) -> list[dict[str, Any]]:
        return [
            {
                "accountIndex": at,
                "mint": mint,
                "owner": owner,
                "uiTokenAmount": {"amount": str(amounts[side])},
            }
            for at, (mint, owner, *amounts) in held.items()
        ]

    def transfer(source: int, target: int, amount: int) -> dict[str, Any]:
        data = base58(bytes([3]) + amount.to_bytes(8, "little"))
        return {"programIdIndex": 8, "accounts": [source, target, 0], "data": data, "stackHeight": 2}

    swap = {"accounts": [1, 2, 3, 4], "data": "A"}
    return {
        "slot": 7,
        "transaction": {
            "signatures": ["one"],
            "message": {
                "accountKeys": keys,
                "instructions": [{"programIdIndex": 9, **swap}, {"programIdIndex": 10, **swap}],
            },
        },
        "meta": {
            "err": None,
            "fee": 5_100,
            "preBalances": [10_000] * len(keys),
            "postBalances": [4_900] + [10_000] * (len(keys) - 1),
            "preTokenBalances": balances(0),
            "postTokenBalances": balances(1),
            "innerInstructions": [
                {"index": 0, "instructions": [transfer(1, 3, amount_in), transfer(4, 2, 700)]},
                {"index": 1, "instructions": [transfer(2, 5, 700), transfer(6, 1, amount_out)]},
            ],
        },
    }


def test_a_circle_that_paid_is_an_arbitrage_net_of_its_fee() -> None:
    for document in (circle(1_000, 9_000), {"result": circle(1_000, 9_000)}, [circle(1_000, 9_000)]):
        (tx,) = report(document)["transactions"]
        assert tx["kind"] == "arbitrage"
        assert tx["arbitrage"]["path"] == [_WSOL, _MINT, _WSOL]
        assert tx["arbitrage"]["profit_amount"] == "8000"
        assert tx["arbitrage"]["net_profit_lamports"] == str(8_000 - 5_100)
        assert tx["priority_fee_lamports"] == 100
        assert [swap["exchange"] for swap in tx["swaps"]] == ["raydium_v4", "orca_whirlpool"]
        assert tx["token_deltas"] == {_WSOL: "8000"}


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
