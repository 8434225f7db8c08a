import json
import os
import subprocess
import sys
import time

import pytest
from tests.services import needs_node

from .conftest import ROOT

COMMANDS = (
    "up",
    "demo",
    "sandbox",
    "doctor",
    "status",
    "logs",
    "record",
    "replay",
    "sql",
    "coverage",
    "config",
)


def test_help_names_every_command_and_comes_at_once(cli):
    cli("--help")  # compiles the modules
    started_s = time.monotonic()
    ended = cli("--help")
    took_s = time.monotonic() - started_s
    assert ended.returncode == 0
    for command in COMMANDS:
        assert f" {command} " in ended.stdout
    load = os.getloadavg()[0] / (os.cpu_count() or 1)
    assert took_s < 0.4 * max(1, 2 * load)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(cli, command):
    ended = cli(command, "--help")
    assert ended.returncode == 0
    assert "Usage" in ended.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["frobnicate"], "No such command 'frobnicate'"),
        (["sql"], "Missing argument 'QUERY'"),
        (["sql", "SELECT 1", "--format", "xml"], "'xml' is not one of 'table', 'json', 'csv', 'arrow'"),
        (
            ["demo", "--seconds", "soon"],
            "unable to parse string as a number; found 'soon'",
        ),
        (["demo", "--seconds=-1"], "Input should be greater than or equal to 0; found '-1'"),
        (
            ["replay", "x", "--speed", "fast"],
            "--speed: expected max or a multiple such as 1x or 10x, found 'fast'",
        ),
        (["replay", "x", "--pool", "0x12"], "--pool: expected 0x and 40 hex digits, found '0x12'"),
    ],
)
def test_a_bad_command_line_ends_with_2_and_says_what_was_expected(cli, arguments, said):
    ended = cli(*arguments, env={"COLUMNS": "200"})
    assert ended.returncode == 2
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("toml", "env", "said"),
    [
        (
            "[bus]\nurll = 'x'\n",
            {},
            "tidemill: tidemill.toml: bus.urll: unknown setting; did you mean 'url'?",
        ),
        ("[store.writer]\nrows_max = 0\n", {}, "store.writer.rows_max = 0: expected `int` >= 1"),
        ("[chains.eth]\nchain_id = 'x'\n", {}, "chains.eth.chain_id = 'x': expected `int`, got `str`"),
        ("", {"LOG_LEVEL": "LOUD"}, "environment LOG_LEVEL: log.level = 'LOUD': invalid enum value 'LOUD'"),
        ("[data]\ndir = '~nobody-here/x'\n", {}, "data.dir = '~nobody-here/x': expected a folder"),
        ("", {"TIDEMILL_CONFIG": "nowhere.toml"}, "nowhere.toml: expected a settings file, found none"),
    ],
)
def test_a_bad_setting_ends_with_2_and_one_clear_line(cli, tmp_path, toml, env, said):
    (tmp_path / "tidemill.toml").write_text(toml)
    ended = cli("config", env=env)
    assert ended.returncode == 2
    assert said in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up"], "chains: expected at least one section [chains.NAME] in tidemill.toml, found none"),
        (["logs"], "`tidemill up` writes it"),
        (["sql", "SELECT 1"], "found none; `tidemill up` or `tidemill demo` makes one"),
        (["replay", "nowhere.tidemill"], "nowhere.tidemill"),
        (["record", "out.tidemill"], "--chain: expected one of"),
    ],
)
def test_what_cannot_be_done_ends_with_1_and_one_clear_line(cli, arguments, said):
    ended = cli(*arguments)
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr


def test_config_shows_values_with_their_origin_and_no_secret(cli, tmp_path):
    (tmp_path / "tidemill.toml").write_text(
        "[chains.eth]\nchain_id = 1\nws_url = 'wss://node.example/v2/${KEY}'\ndexes = ['uniswap_v2']\n"
    )
    (tmp_path / ".env").write_text("KEY=0123456789abcdef0123\nLOG_LEVEL=DEBUG\n")
    ended = cli("config", "--json", "--data", "elsewhere", env={"TIDEMILL_BUS_SYNC": "interval"})
    shown = json.loads(ended.stdout)
    assert shown["chains.eth.ws_url"] == {
        "value": "wss://node.example/v2/***",
        "origin": "tidemill.toml:chains.eth.ws_url with KEY",
    }
    assert shown["bus.sync"] == {"value": "interval", "origin": "environment TIDEMILL_BUS_SYNC"}
    assert shown["log.level"] == {"value": "DEBUG", "origin": "environment LOG_LEVEL"}
    assert shown["data.dir"] == {"value": "elsewhere", "origin": "command line"}
    assert shown["store.url"]["origin"] == "default"
    assert "0123456789abcdef0123" not in ended.stdout + cli("config").stdout


def test_status_says_that_nothing_runs(cli):
    assert cli("status").returncode == 1
    assert json.loads(cli("status", "--json").stdout)["running"] is False


def test_doctor_says_what_is_wrong_and_goes_on(cli, tmp_path):
    (tmp_path / "tidemill.toml").write_text(
        "[chains.eth]\nchain_id = 1\ndexes = ['uniswap_v2']\n"
        "http_url = 'http://127.0.0.1:9/secretsecretsecret'\n"
    )
    ended = cli("doctor", "--json")
    checks = {check["name"]: check for check in json.loads(ended.stdout)}
    assert ended.returncode == 1
    assert not checks["chain eth"]["is_ok"]
    assert "Unreachable: http://127.0.0.1:9/***" in checks["chain eth"]["detail"]
    assert all(checks[name]["is_ok"] for name in ("python", "rust module", "config", "bus", "store"))
    assert "secretsecret" not in ended.stdout


def test_logs_prints_the_end_of_the_log(cli, tmp_path):
    (tmp_path / "data" / "logs").mkdir(parents=True)
    (tmp_path / "data" / "logs" / "tidemill.log").write_text("".join(f"line {n}\n" for n in range(100)))
    assert cli("logs", "-n", "2").stdout == "line 98\nline 99\n"
    assert len(cli("logs").stdout.splitlines()) == 20


@needs_node
def test_sandbox_says_where_everything_is_and_ends_in_time(cli):
    ended = cli("sandbox", "--seconds", "1", "--swaps-per-s", "50", "--json")
    assert ended.returncode == 0, ended.stderr
    world, counts = (json.loads(line) for line in ended.stdout.splitlines())
    assert world["ws_url"].startswith("ws://127.0.0.1:")
    assert len(world["pools"]) >= 20
    assert counts["swaps"] > 0
    assert not os.path.exists(f"/proc/{world['node_pid']}")


@needs_node
def test_venues_are_emulated_beside_the_chain_and_their_settings_are_said(cli, tmp_path):
    asked = ("--venue", "polymarket", "--venue", "sei")
    ended = cli("sandbox", "--seconds", "1", "--swaps-per-s", "1", "--json", *asked)
    assert ended.returncode == 0, ended.stderr
    world = json.loads(ended.stdout.splitlines()[0])
    assert world["venues"].keys() == {"polymarket", "sei"}
    (tmp_path / "tidemill.toml").write_text("\n".join(world["venues"].values()))
    assert "ws://127.0.0.1:" in cli("config").stdout


@pytest.mark.parametrize("command", ["sandbox", "demo"])
def test_a_venue_that_is_not_emulated_is_refused(cli, command):
    refused = cli(command, "--venue", "binance")
    assert refused.returncode == 2
    assert "expected one of polymarket, sei" in " ".join(refused.stderr.split())


CHAIN = "chain_id = {id}\nhttp_url = '{url}'\ndexes = ['uniswap_v2']\n"


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("[chains.a]\n", 2, "chains.a.chain_id: expected a value"),
        ("[chains.'a/../b']\n" + CHAIN.format(id=1, url="http://n"), 1, "name: expected at most 64 letters"),
        (
            "[chains.a]\n" + CHAIN.format(id=1, url="http://n:99999"),
            1,
            "http_url: expected a host, and a port",
        ),
        ("[chains.a]\n" + CHAIN.format(id=10**30, url="http://n"), 2, "chains.a.chain_id"),
        (
            "[chains.a]\n"
            + CHAIN.format(id=1, url="http://n")
            + "[chains.b]\n"
            + CHAIN.format(id=1, url="http://m"),
            1,
            "chains.b.chain_id: expected another one than chains.a has",
        ),
    ],
)
def test_bad_chains_are_refused_in_one_line_that_names_the_key(cli, tmp_path, text, code, words):
    (tmp_path / "tidemill.toml").write_text(text)
    ended = cli("up")
    assert (ended.returncode, ended.stderr.count("\n")) == (code, 1), ended.stderr
    assert words in ended.stderr


def test_an_output_that_cannot_be_written_is_one_line(tmp_path):
    ended = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m tidemill.app.cli config > /dev/full"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1), ended.stderr
    assert "expected to read or write: No space left on device" in ended.stderr


def test_a_number_that_is_none_is_refused(cli):
    for text in ("inf", "nan"):
        ended = cli("demo", "--swaps-per-s", text)
        assert ended.returncode == 2
        assert f"found '{text}'" in ended.stderr
