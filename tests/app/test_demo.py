"""The demo as users run it: in a process of its own, on a real node, to its own proof."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.services import need_node

from .conftest import ROOT


@pytest.fixture(autouse=True)
def _node() -> None:
    need_node()


@pytest.mark.timeout(180)
def test_a_demo_of_five_seconds_is_whole_and_leaves_its_data(cli, tmp_path):
    ended = cli("demo", "--seconds", "5", "--data", "d", "--record", "--json", timeout_s=120)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    summary = json.loads(ended.stdout)
    assert summary["ok"]
    swaps = summary["proof"]["tables"]["swap"]
    assert swaps["on_chain"] == swaps["stored"] == summary["rows"]["swap"] > 100
    assert swaps["missing"] == swaps["double"] == swaps["unknown"] == 0
    assert summary["proof"]["pools"]["checked"] == summary["proof"]["pools"]["equal"] >= 20
    asked = cli(
        "sql",
        "--data",
        "d",
        "--json",
        "SELECT count() AS swaps, uniqExact(pool) AS pools FROM swap_canonical",
    )
    assert json.loads(asked.stdout)["swaps"] == swaps["stored"]
    explains_the_best_of(cli, summary)
    replayed = json.loads(cli("replay", summary["chain"]["recording"], "--json").stdout)
    assert replayed["digest"] == summary["chain"]["digest"]
    assert replayed["faults"] == []
    again = ("replay", summary["chain"]["recording"], "--search", "--into", "again", "--json")
    into = json.loads(cli(*again).stdout)
    assert into["digest"] == replayed["digest"]
    assert into["rows"]["opportunity"] == summary["rows"]["opportunity"]
    for table in ("opportunity", "opportunity_hop", "opportunity_autopsy"):
        assert rows_of(cli, "d", table) == rows_of(cli, "again", table)
    count = "SELECT count() AS swaps FROM swap"
    assert (
        json.loads(cli("sql", "--data", "again", "--json", count).stdout)["swaps"] == replayed["rows"]["swap"]
    )
    twice = cli("replay", summary["chain"]["recording"], "--into", "again")
    assert twice.returncode == 1
    assert "expected a folder without events of sandbox" in twice.stderr


def rows_of(cli, folder: str, table: str) -> list[str]:
    """Return all rows of a table, in an order of their own."""
    return sorted(cli("sql", "--data", folder, "--json", f"SELECT * FROM {table}").stdout.splitlines())


def explains_the_best_of(cli, summary) -> None:
    """Does `explain` tell what is stored of an opportunity, with hops whose amounts follow one another?"""
    assert summary["rows"]["opportunity"] > 0
    best = "SELECT opportunity_hex FROM opportunity ORDER BY gross_profit DESC LIMIT 1"
    found = json.loads(cli("sql", "--data", "d", "--json", best).stdout)["opportunity_hex"]
    told = json.loads(cli("explain", "--data", "d", "--json", found[:18]).stdout)
    assert told["opportunity"] == found
    amounts = [(int(hop["amount_in"]), int(hop["amount_out"])) for hop in told["hops"]]
    assert [paid for paid, _ in amounts[1:]] == [bought for _, bought in amounts[:-1]]
    assert int(told["gross_profit"]) == amounts[-1][1] - amounts[0][0]
    assert told["hops"][0]["token_in"] == told["hops"][-1]["token_out"] == told["token"]
    text = cli("explain", "--data", "d", found).stdout
    assert all(hop["pool"] in text for hop in told["hops"])
    assert told["net_profit_usd"] == pytest.approx(int(told["net_profit"]) * told["usd_per_unit"])
    assert 2_000 < told["usd_per_unit"] * 10**18 < 4_500, "the traders' price of WETH begins at 3,000 dollars"
    assert told["tokens"][told["usd_token_1"]]["symbol"] in {"USDC", "USDT", "DAI"}
    assert f"{told['usd_pool_1']} says what WETH is worth" in text
    assert cli("explain", "--data", "d", "0x" + 64 * "0").returncode == 1
    assert cli("explain", "--data", "d", "0x12").returncode == 2


@pytest.mark.timeout(120)
def test_ctrl_c_ends_a_demo_with_its_proof(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-m", "tidemill.app.cli", "demo", "--seconds", "0", "--data", str(tmp_path / "d")],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "pools" in line and "swaps" in line and " 0 swaps" not in line:
            break
    process.send_signal(signal.SIGINT)
    started_s = time.monotonic()
    rest, _ = process.communicate(timeout=60)
    assert process.returncode == 0, rest
    assert "nothing missing, nothing double, every pool equal" in rest
    assert time.monotonic() - started_s < 10


def test_a_folder_that_holds_something_else_is_left_alone(cli, tmp_path):
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "precious").write_text("mine")
    ended = cli("demo", "--data", "d")
    assert ended.returncode == 1
    assert "expected d to be empty" in ended.stderr.replace(str(tmp_path) + "/", "")
    assert (tmp_path / "d" / "precious").exists()
