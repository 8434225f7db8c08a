"""Logs collected by others give the swaps and pool states that their own tools decoded."""

import csv
import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from tidemill.app.chains.importing import import_logs
from tidemill.process.pools import Batches
from tidemill.schema import derive
from tidemill.schema.faults import Malformed, Refused, Unreachable

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data" / "evm_logs"
POOL = bytes.fromhex("8ad599c3a0ff1de082011efddc58f1908eb6e6d8")


def shared(pattern: str) -> list[Path]:
    found = sorted(SHARED.glob(pattern))
    if not found:
        pytest.skip(f"needs {pattern} of ../shared/data/evm_logs, which is not there")
    return found


def rows_of(batches: Batches, topic: str) -> list[dict]:
    return [row for name, batch in batches if name == topic for row in derive.to_rows(topic, batch)]


def decoded(file: Path, form: str, pools: tuple[bytes, ...] = (POOL,)) -> Batches:
    found = list(import_logs(file, form, 1, pools))
    assert not any(isinstance(one, Malformed) for one in found)
    return [one for one in found if not isinstance(one, Malformed)]


def test_recorded_mainnet_swaps_and_states_equal_what_another_tool_decoded():
    for raw in shared("univ3_raw/*.raw.csv.gz"):
        with gzip.open(str(raw).replace(".raw.", ".pool.tick."), "rt") as text:
            expected = [row for row in csv.DictReader(text)]
        batches = decoded(raw, "logs-csv")
        swaps = {(row["block_number"], row["log_index"]): row for row in rows_of(batches, "swap")}
        states = {(row["block_number"], row["log_index"]): row for row in rows_of(batches, "pool_state")}
        theirs = [row for row in expected if row["tx_type"] == "SWAP"]
        assert len(theirs) == len(swaps) == len(states) > 40
        for row in theirs:
            key = (int(row["block_number"]), int(row["log_index"]))
            swap, state = swaps[key], states[key]
            assert swap["amount0_in"] - swap["amount0_out"] == int(row["amount0"])
            assert swap["amount1_in"] - swap["amount1_out"] == int(row["amount1"])
            assert "0x" + swap["sender"].hex() == row["sender"]
            assert "0x" + swap["recipient"].hex() == row["receipt"]
            assert "0x" + swap["tx_hash"].hex() == row["transaction_hash"]
            assert swap["tx_index"] == int(row["tx_index"])
            for ours in (swap, state):
                assert ours["sqrt_price_x96"] == int(row["sqrtPriceX96"])
                assert ours["liquidity"] == int(row["total_liquidity"])
                assert ours["tick"] == int(float(row["current_tick"]))
        changes = rows_of(batches, "liquidity_change")
        theirs = [row for row in expected if row["tx_type"] in {"MINT", "BURN"}]
        assert [(c["block_number"], c["log_index"], c["kind"]) for c in changes] == [
            (int(row["block_number"]), int(row["log_index"]), row["tx_type"].lower()) for row in theirs
        ]


def test_blocks_of_several_chains_give_the_swaps_that_were_stated():
    seen = 0
    for file in shared("rpc_blocks/*.json.gz"):
        stated = json.loads(Path(str(file).replace(".json.gz", ".derived.json")).read_text())
        swaps = {row["log_index"]: row for row in rows_of(decoded(file, "rpc-json", ()), "swap")}
        for row in stated["swaps"]:
            if row["protocol"] not in {"v2", "v3"}:
                continue
            swap = swaps[row["log_index"]]
            assert "0x" + swap["pool"].hex() == row["pool"]
            assert "0x" + swap["tx_hash"].hex() == row["tx"]
            for name in ("amount0_in", "amount1_in", "amount0_out", "amount1_out"):
                if name in row:
                    assert swap[name] == int(row[name]), (file.name, row)
            seen += 1
    assert seen > 30


HEADER = "block_number,block_timestamp,transaction_hash,transaction_index,log_index,topics,data\n"
LINE = f"7,2024-01-05 00:00:01,0x{'aa' * 32},0,1,\"['0x{'bb' * 32}']\",0x\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "expected the columns block_number"),
        ("a,b\n1,2\n", "expected the columns block_number"),
        (HEADER + LINE.replace("7,", "x,", 1), "invalid literal for int"),
        (HEADER + LINE.replace("0xaa", "zzaa"), "expected 0x and hex digits"),
        (HEADER + "1,2\n", "expected logs-csv"),
    ],
)
def test_a_file_that_is_something_else_is_malformed(tmp_path, content, said):
    file = tmp_path / "logs.csv"
    file.write_text(content)
    with pytest.raises(Malformed, match=said):
        list(import_logs(file, "logs-csv", 1, (POOL,)))


def test_a_log_that_only_looks_like_a_swap_is_left_out_and_named(tmp_path):
    swap = "c42079f94a6350d7e6235f29174924f928cc2ac818eb64fed8004e115fbcca67"
    file = tmp_path / "logs.csv"
    file.write_text(HEADER + LINE + LINE.replace("bb" * 32, swap).replace(",0,1,", ",0,2,") + LINE)
    found = list(import_logs(file, "logs-csv", 1, (POOL,)))
    faults = [one for one in found if isinstance(one, Malformed)]
    assert len(faults) == 1
    assert "block 7, log 2" in str(faults[0])
    assert all(isinstance(one[1], pa.RecordBatch) for one in found if not isinstance(one, Malformed))


def test_what_the_file_does_not_say_must_be_given(tmp_path):
    with pytest.raises(Refused, match="--chain-id: expected the chain"):
        list(import_logs(tmp_path / "x", "logs-csv", None, (POOL,)))
    with pytest.raises(Refused, match="--pool: expected the one pool"):
        list(import_logs(tmp_path / "x", "logs-csv", 1, ()))
    with pytest.raises(Unreachable, match="No such file"):
        list(import_logs(tmp_path / "x", "logs-csv", 1, (POOL,)))
