"""Does `tidemill sandbox --faults` put a misbehaving endpoint beside the honest one, and say so."""

import json
import os

import pytest
from tests.services import needs_node


@needs_node
def test_both_endpoints_and_what_was_injected_are_said_as_json(cli):
    scenario = "slow_ms=5,reorg=2/1s"
    ended = cli(
        "sandbox", "--seconds", "4", "--block-ms", "100", "--faults", scenario, "--seed", "9", "--json"
    )
    assert ended.returncode == 0, ended.stderr
    world, counts = (json.loads(line) for line in ended.stdout.splitlines())
    assert world["faulty"]["scenario"] == scenario
    assert world["faulty"]["seed"] == 9
    assert world["faulty"]["ws_url"].startswith("ws://127.0.0.1:")
    assert world["faulty"]["http_url"] != world["http_url"]
    assert counts["injected"]["reorg"] >= 1
    assert counts["swaps"] > 0
    assert not os.path.exists(f"/proc/{world['node_pid']}")


@needs_node
def test_both_endpoints_are_said_as_text(cli):
    ended = cli("sandbox", "--seconds", "1", "--faults", "lossy")
    assert ended.returncode == 0, ended.stderr
    lines = dict(line.split(maxsplit=1) for line in ended.stdout.splitlines())
    assert lines["http"].startswith("http://127.0.0.1:")
    assert "faulty http       http://127.0.0.1:" in ended.stdout
    assert "faulty websocket  ws://127.0.0.1:" in ended.stdout
    assert "faults            drop_log=1/100,drop=1/200, seed 1" in ended.stdout
    assert "faults injected: none" in ended.stdout


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        ("dropp=1/2", "scenario dropp='1/2': expected a kind of drop_log, drop,"),
        ("drop=2", "scenario drop='2': expected drop=1/N, found '2'"),
        ("awful", "scenario 'awful': expected kind=value items joined by commas, or a preset of lossy,"),
    ],
)
def test_what_is_no_scenario_ends_with_2_and_says_what_was_expected(cli, scenario, said):
    ended = cli("sandbox", "--faults", scenario, env={"COLUMNS": "200"})
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
