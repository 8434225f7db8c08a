"""What a block's transactions were: recorded blocks with their known answers, and a block of a real node."""

import gzip
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from eth_utils.address import is_checksum_address

from tidemill.app.inspecting import inspecting
from tidemill.app.inspecting.inspecting import Report, report_of
from tidemill.app.settings import read_settings
from tidemill.chains.evm.block_parts import block_parts
from tidemill.chains.evm.markets import markets_of
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.sandbox.moves import swap_exact_in
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES
from tidemill.sandbox.world import World
from tidemill.schema.faults import Malformed, Refused, Unknown

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
MAINNET = markets_of(1)
_LEG = ("pool", "from", "to", "token_in", "amount_in", "token_out", "amount_out")


def recorded(pattern: str) -> list[Path]:
    found = sorted(_DATA.glob(pattern))
    if not found:
        pytest.skip(f"needs {pattern} of ../shared/data, which is not there")
    return found


def swaps_of(report: Report) -> Iterator[dict[str, Any]]:
    for tx in report["transactions"]:
        yield from ({"tx_hash": tx["tx_hash"], **swap} for swap in tx.get("swaps", ()))


def expected_of(block: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    number = block.name.partition(".")[0]
    folder = block.parents[1] / "expected"
    swaps = json.loads(gzip.decompress((folder / f"{number}.swaps.json.gz").read_bytes()))
    return swaps, json.loads((folder / f"{number}.json").read_text())


def test_every_recorded_swap_is_told_and_no_other_but_the_stated_order() -> None:
    for block in recorded("mev_blocks/blocks/*.json.gz"):
        report = report_of(gzip.decompress(block.read_bytes()), MAINNET)
        swaps, expected = expected_of(block)
        told = {_key(swap): swap for swap in swaps_of(report)}
        known = {_key(swap): swap["error"] for swap in swaps}
        assert known.keys() <= told.keys(), block.name
        assert all(told[leg]["is_undone"] for leg, error in known.items() if error), block.name
        assert all(told[leg]["protocol"] == "zero_ex" for leg in told.keys() - known.keys()), block.name
        if (count := expected["stated"].get("swap_count")) is not None:
            assert len(told) == count
        for stated in expected["stated"].get("swaps_include", ()):
            names = ("tx_hash", "token_in", "amount_in", "token_out", "amount_out")
            assert any(all(swap[name] == stated[name] for name in names) for swap in swaps_of(report))


def _key(swap: dict[str, Any]) -> tuple[Any, ...]:
    return (swap["tx_hash"], *(swap[name] for name in _LEG), *swap["trace_address"])


def test_every_recorded_arbitrage_is_told_and_others_are_explained_by_value() -> None:
    for block in recorded("mev_blocks/blocks/*.json.gz"):
        report = report_of(gzip.decompress(block.read_bytes()), MAINNET)
        told = {
            (tx["tx_hash"], one["account"], one["profit_token"], one["profit_amount"]): one
            for tx in report["transactions"]
            for one in tx.get("arbitrages", ())
        }
        known = {
            (one["tx_hash"], one["account"], one["profit_token"], one["profit_amount"])
            for one in expected_of(block)[1]["derived_arbitrages"]
        }
        assert known <= set(told), block.name
        assert all(one["confidence"] == 1.0 for one in told.values()), block.name
        assert all(told[more]["verdict"] == "profit" for more in set(told) - known), block.name


def test_the_recorded_sandwiches_are_told_and_no_others() -> None:
    for block in recorded("mev_blocks/blocks/*.json.gz"):
        report = report_of(gzip.decompress(block.read_bytes()), MAINNET)
        pools = {swap["pool"] for swap in swaps_of(report)}
        derived = expected_of(block)[1]["derived_sandwiches"]
        # Whom the published rules name may be the next pool on the way of the one that sandwiches.
        known = [one for one in derived if one["sandwicher"] not in pools]
        names = ("account", "pool", "front_tx", "back_tx", "profit_amount")
        told = [[one[name] for name in names] + one["victim_txs"] for one in report["sandwiches"]]
        names = ("sandwicher", "pool", "frontrun_tx", "backrun_tx", "profit_amount")
        assert sorted(told) == sorted([one[name] for name in names] + one["victim_txs"] for one in known)


def test_the_deltas_of_every_recorded_transaction_sum_to_zero() -> None:
    for block in recorded("mev_blocks/blocks/*.json.gz") + recorded("evm_logs/rpc_blocks/*.json.gz"):
        for tx in report_of(gzip.decompress(block.read_bytes()), MAINNET)["transactions"]:
            sums: dict[str, int] = {}
            for delta in tx.get("deltas", ()):
                sums[delta["token"]] = sums.get(delta["token"], 0) + int(delta["amount"])
            assert not any(sums.values()), tx["tx_hash"]


def test_swaps_are_told_from_logs_alone() -> None:
    for block in recorded("evm_logs/rpc_blocks/*.json.gz"):
        report = report_of(gzip.decompress(block.read_bytes()), MAINNET)
        derived = json.loads(Path(str(block).replace(".json.gz", ".derived.json")).read_text())
        told = {(swap["tx_hash"], swap["log_index"]): swap for swap in swaps_of(report)}
        assert told.keys() == {(swap["tx"], swap["log_index"]) for swap in derived["swaps"]}, block.name
        for swap in derived["swaps"]:
            mine = told[swap["tx"], swap["log_index"]]
            for side in ("token_in", "token_out"):
                assert swap.get(side) in (None, mine[side]), (block.name, mine)


def _swap_of(world: World) -> dict[str, str]:
    pool = next(one for one in world.pools if one.protocol == "uniswap_v2")
    router = next(one.router for one in world.factories if one.address == pool.factory)
    trader = world.accounts.traders[0]
    decimals = next(token.decimals for token in world.tokens if token.address == pool.token0)
    call = swap_exact_in(pool, zero_for_one=True, size_in=10**decimals // 1_000, recipient=trader)
    return {"from": trader, "to": router, "data": call, "gas": hex(1_000_000), **FEES}


async def test_a_nodes_logs_and_its_calls_say_the_same(fresh_world: World) -> None:
    async with Rpc(fresh_world.http_url) as rpc, HttpEndpoint(fresh_world.http_url, SystemClock()) as http:
        await rpc.call("eth_sendTransaction", _swap_of(fresh_world))
        await rpc.call("evm_mine")
        parts = await block_parts(http, "latest")
        assert parts.has_traces
        document = json.loads(parts.document)
        from_both = report_of(parts.document, MAINNET)
        from_calls = report_of(msgspec.json.encode({"traces": document["traces"]}), MAINNET)
        flat = await rpc.call("trace_block", document["block"]["number"])
        from_flat = report_of(msgspec.json.encode(flat), MAINNET)
    said = [[swap[name] for name in _LEG] for swap in swaps_of(from_both)]
    assert len(said) == 1
    assert [[swap[name] for name in _LEG] for swap in swaps_of(from_calls)] == said
    assert [[swap[name] for name in _LEG] for swap in swaps_of(from_flat)] == said
    assert from_both["transactions"][0]["kind"] == "swap"


def test_a_file_that_is_no_block_is_a_fault_and_the_others_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad, torn = tmp_path / "good.json", tmp_path / "bad.json", tmp_path / "torn.json.gz"
    damaged = tmp_path / "damaged.json.gz"
    good.write_text('{"receipts": []}')
    bad.write_text("{}")
    torn.write_bytes(gzip.compress(b"[]" * 1_000)[:-9])
    damaged.write_bytes(gzip.compress(b"[]")[:10] + b"\xff" * 20)
    environment = read_settings(None, tmp_path, {})
    targets = [str(path) for path in (bad, torn, damaged, good)]
    assert inspecting.main(environment, targets, None, 1, is_json=True) == 1
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert told[0]["fault"].startswith("block: expected an object with receipts, traces or transactions")
    assert "expected a file with a block" in told[1]["fault"]
    assert told[2]["fault"].startswith(f"{damaged}: expected a file with a block")
    assert told[3]["transactions"] == []
    with pytest.raises(Malformed, match="expected an object with receipts"):
        inspecting.main(environment, [str(bad)], None, 1, is_json=True)


def test_what_is_neither_block_nor_transaction_nor_file_is_refused(tmp_path: Path) -> None:
    environment = read_settings(None, tmp_path, {})
    with pytest.raises(Refused, match="expected a block's number, a transaction's hash or a file, found 'x'"):
        inspecting.main(environment, ["x"], None, 1, is_json=False)
    with pytest.raises(Refused, match="one of the configured chains"):
        inspecting.main(environment, ["17"], "nowhere", 1, is_json=False)


def test_a_report_reads_for_people() -> None:
    block = recorded("mev_blocks/blocks/13666312.json.gz")[0]
    text = "\n".join(
        inspecting.lines({"target": "x"} | report_of(gzip.decompress(block.read_bytes()), MAINNET))
    )
    assert "block 13666312: 301 transactions" in text
    assert "profit 99275370646050064 of 0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2" in text


def test_a_circle_that_was_undone_reads_as_what_it_would_have_come_to() -> None:
    circle = {"verdict": "loss", "profit_amount": "30", "profit_token": "native", "start_amount": "100"}
    circle |= {"end_amount": "130", "confidence": 0.0, "swaps": [0, 1]}
    circle |= {"profit_native_wei": "30", "net_profit_wei": "-42000"}
    tx = {"tx_hash": "0x1", "kind": "failed_arbitrage", "tip_wei": "0", "arbitrages": [circle]}
    report: Report = {"sandwiches": [], "just_in_time": []}
    failed = list(inspecting.lines(report | {"transactions": [tx | {"is_success": False}]}))
    assert "    undone, would have come to 30 of native" in failed
    assert "    30 wei it would have come to before gas and tip" in failed
    assert "    -42000 wei it came to" in failed
    assert not any("loss" in line for line in failed)
    told = list(inspecting.lines(report | {"transactions": [tx | {"is_success": True}]}))
    assert "    loss 30 of native" in told


def test_one_transaction_of_a_file_is_explained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    block = recorded("mev_blocks/blocks/12914944.json.gz")[0]
    tx = "0x8c0cadab5e50c6df6f0b2b7b2f0c2f6b5d4d1ea1b4b34a8a5cfc7b0f8ab0ec8b"
    environment = read_settings(None, tmp_path, {})
    with pytest.raises(Unknown, match=f"expected {tx} in block 12914944"):
        inspecting.explain_tx(environment, tx, None, (block, 1), is_json=False)
    (most, *_) = (
        one
        for one in report_of(gzip.decompress(block.read_bytes()), MAINNET)["transactions"]
        if one["kind"] == "arbitrage"
    )
    assert inspecting.explain_tx(environment, most["tx_hash"], None, (block, 1), is_json=False) == 0
    told = capsys.readouterr().out
    assert f"{most['tx_hash']}: arbitrage" in told
    assert "wei before gas and tip" in told
    assert "wei less at the block's prices" in told
    assert "0xc02aaa39b223fe8d0a0e5c4f27ead9083c756cc2 has" not in told
    assert f"tip {most['tip_wei']} wei" in told


def test_the_facts_of_chains_are_addresses_whose_checksums_are_right() -> None:
    assert markets_of(1).wrapped == bytes.fromhex("c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2")
    assert markets_of(999_999).wrapped is None
    text = (Path(inspecting.__file__).parents[2] / "chains" / "evm" / "markets.toml").read_text()
    listed = re.findall("0x[0-9a-fA-F]+", text)
    assert len(listed) > 20
    assert all(is_checksum_address(address) for address in listed)
