"""Does what our pages show work: each command against a running tidemill, each piece of settings and code."""

import ast
import asyncio
import importlib
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import typer.main
import yaml
from tests.app.crowd import TradingCrowd
from tests.app.test_api import addresses, trades_are_stored
from tests.app.until import until
from tests.system.program import caught_up, chain_section, environment, up

from tidemill.app.cli import app
from tidemill.app.control import ask_sql
from tidemill.app.settings import read_settings
from tidemill.schema.faults import Refused

from .documented import PAGES, Command, blocks, commands

_RUNS_ON = "it runs until stopped; tests of its own start it"
_NOT_RUN = {
    "tidemill up": _RUNS_ON,
    "tidemill record": _RUNS_ON,
    "tidemill ingest": _RUNS_ON,
    "tidemill sandbox": _RUNS_ON,
    "tidemill demo": _RUNS_ON,
    "tidemill brain": _RUNS_ON,
    "tidemill execute": _RUNS_ON,
    "tidemill pool-server": _RUNS_ON,
    "tidemill replay FILE": "a recording of yours; tests/app/test_kill.py replays one",
    "tidemill sql --data data/demo": "the demo's data; tests/app/test_demo.py asks them",
    "tidemill alerts test": "it tells channels of yours; tests/serve/alerting has servers for them",
    "tidemill ledger": "trades that were asked for; tests/app/test_execute.py asks for some",
    "tidemill train": "thousands of blocks; tests/app/test_train.py has them",
    "tidemill inspect blocks/*.json.gz": "files of yours; tests/app/test_inspect_blocks.py has some",
    "tidemill explain 0xfcf4…bffc --file": "a file of yours; tests/app/test_inspect_blocks.py has some",
    "tidemill explain 5Uh…9tQ --chain solana": "another chain; tests/app/test_inspecting_solana.py reads one",
    "tidemill whales scorecard [": "a synopsis",
    "tidemill schedule list": "a synopsis from its second word on; tests/export/test_schedules.py",
    "tidemill whales import": "a file of yours; tests/app/test_whales.py has some",
    "curl localhost:8545": "the execution server; tests/app/test_execution.py asks it",
    "curl http://localhost:3000": "the pool server; tests/app/test_pool_server.py asks it",
    "curl -X POST http://localhost:3000": "as above",
    "curl -H": "a host of yours; tests/serve/auth asks with keys",
}
"""The lines that begin so are not run, and why."""
_SHOWS_OTHERS = {"tidemill coverage", "curl http://127.0.0.1:8080/coverage"}
"""The page shows a chain with a gap, which this one has not; tests/app/test_coverage.py has one."""
_IN_ONE_PROCESS = """
import contextlib, io, json, os, re, sys
from tidemill.app.cli import main
lines, told = json.load(sys.stdin), []
key = None
for words, env in lines:
    said, complained = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    sys.argv = ["tidemill", *(key if key and word == "5f0c9a1b2c3d" else word for word in words)]
    os.environ.update(env)
    code = 0
    print(*words, file=sys.__stderr__, flush=True)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            main()
        except SystemExit as end:
            code = end.code
    for name in env:
        del os.environ[name]
    out, complaint = (one.buffer.getvalue().decode() for one in (said, complained))
    made = re.search("tidemill_([0-9a-f]{12})_", out)
    key = made[1] if made else key
    told.append((code or 0, out, complaint))
json.dump(told, sys.stdout)
"""
_IN_PART = re.compile("expected a value, found none")
ALL = [command for page in PAGES for command in commands(page)]


def _reason(command: Command) -> str | None:
    if command.output and command.words == ("up",):
        return None  # it is refused, as the page says
    line = str(command)
    return next((why for begin, why in _NOT_RUN.items() if line.startswith(begin)), None)


def test_what_is_not_run_is_on_a_page():
    for begin in _NOT_RUN:
        assert any(str(command).startswith(begin) for command in ALL), begin


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_and_its_options_are_those_of_tidemill(page):
    for line in commands(page):
        command, words = typer.main.get_command(app), list(line.words)
        if line.program != "tidemill" or _reason(line) == "a synopsis":
            continue
        while isinstance(command, typer.core.TyperGroup):
            assert words[0] in command.commands, words
            command, words = command.commands[words[0]], words[1:]
        options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options, words


def _shape(text: str) -> str:
    """Return a text without what differs from run to run."""
    return re.sub(r"(?:0x)?[0-9a-f]*[0-9][0-9a-f,.]*", "#", " ".join(text.split()))


def _agrees(shown: str, said: str) -> bool:
    pattern = ".*".join(re.escape(part) for part in _shape(shown).split("…"))
    return re.match(pattern, _shape(said)) is not None


def _said_by_tidemill(lines: list[Command], names: dict[str, str], folder: Path) -> list[Any]:
    """Run commands one after the other in one process, as its start is what takes long."""
    asked = [([names.get(word, word) for word in one.words], one.env) for one in lines]
    ended = subprocess.run(
        [sys.executable, "-c", _IN_ONE_PROCESS],
        input=json.dumps(asked),
        cwd=folder,
        env=environment({}),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ended.returncode == 0, ended.stderr[-3_000:]
    return json.loads(ended.stdout)


def _keys(value: Any) -> set[str]:
    return set(value) if isinstance(value, dict) else set()


async def _ask(command: Command, places: dict[str, str], names: dict[str, str]) -> None:
    (url,) = (word for word in command.words if ":" in word)
    for written, there in {**places, **names}.items():
        url = url.replace(written, there)
    url = url if url.startswith("http") else f"http://{url}"  # as curl takes it
    async with aiohttp.ClientSession() as session, session.get(url) as answer:
        assert answer.status == 200, (command, await answer.text())
        shown = re.findall(r'^.?"(\w+)":', command.output, re.MULTILINE)
        if shown and str(command).partition("?")[0] not in _SHOWS_OTHERS:
            assert set(shown) <= _keys(await answer.json()), command


@pytest.mark.timeout(500)
async def test_every_command_does_what_its_page_shows(fresh_world, tmp_path):
    world = fresh_world
    settings = chain_section("ethereum", world, proof="receipts_root", inspection="receipts")
    settings += f'[search.ethereum]\nstart_tokens = ["{world.weth}"]\ngas_token = "{world.weth}"\n'
    (tmp_path / "tidemill.toml").write_text(settings)
    _make_keys(tmp_path)
    async with up(tmp_path):
        api, metrics = await addresses(tmp_path)

        async def one(sql: str) -> Any:
            told = await ask_sql(tmp_path / "data", sql)
            return told.column(0)[0].as_py() if told is not None and told.num_rows else None

        opportunity = "SELECT opportunity_hex FROM opportunity_autopsy_canonical LIMIT 1"
        async with TradingCrowd(world, swaps_per_s=20, block_ms=150):
            await until(lambda: trades_are_stored(api), 60)
            await until(lambda: _is_told(one, opportunity), 60)
        await caught_up(tmp_path, "ethereum", world)
        swap = "SELECT {} FROM swap_canonical ORDER BY block_number DESC LIMIT 1"
        block = str(await one(swap.format("block_number")))
        transaction = "0x" + (await one(swap.format("lower(hex(tx_hash))")))
        names = {
            "0x91f0270287": await one(opportunity),
            "0xfcf4…bffc": transaction,
            "0x2d1f…4c2c": transaction,
            "17000000": block,
            "21000000": "1",
            "21006000": block,
            "0x1f2d…": "0x" + "1f" * 20,
            "SELECT …": "SELECT 1 AS one",
            "2026-01-01": "2020-01-01",
            "2026-01-31": "2100-01-01",
            "2026-02-01": "2100-01-01",
        }
        run = [command for command in ALL if _reason(command) is None]
        ours = [command for command in run if command.program == "tidemill"]
        told = await asyncio.to_thread(_said_by_tidemill, ours, names, tmp_path)
        for command, (code, said, complained) in zip(ours, told, strict=True):
            is_refused = command.words == ("up",)
            assert code == (1 if is_refused else 0), (command, said, complained)
            assert said or complained, command
            if command.output and str(command) not in _SHOWS_OTHERS:
                assert _agrees(command.output, said or complained.removeprefix("tidemill: Refused: ")), (
                    command,
                    said,
                    complained,
                )
        places = {"127.0.0.1:8080": api.removeprefix("http://")}
        places["127.0.0.1:9090"] = metrics.removeprefix("http://").removesuffix("/metrics")
        for command in run:
            if command.program == "curl":
                await _ask(command, places, names)


async def _is_told(one: Any, sql: str) -> bool:
    return await one(sql) is not None


def _make_keys(folder: Path) -> None:
    """Make the keys that signed exports need, as the page says."""
    shown = [line for page in PAGES for block in blocks(page) for line in block.text.splitlines()]
    (line,) = (line.removeprefix("$ ") for line in shown if line.startswith("$ openssl "))
    subprocess.run(["bash", "-c", line], cwd=folder, check=True, capture_output=True, timeout=30)


def _of_kind(*kinds: str) -> list[Any]:
    found = [block for page in PAGES for block in blocks(page) if block.kind in kinds]
    return [pytest.param(block, id=f"{block.page}:{number}") for number, block in enumerate(found)]


@pytest.mark.parametrize("block", _of_kind("toml"))
def test_settings_are_taken(block, tmp_path):
    text = re.sub(r'(pool_id = ")?0x\w*…|…', _filled, block.text)
    secrets = {name: "https://made.example/and/a/secret" for name in re.findall(r"\$\{(\w+)\}", text)}
    if block.text.startswith("proof = "):
        text = f"[chains.ethereum]\nchain_id = 1\n{text}"  # it goes on with what the page shows before
    (tmp_path / "tidemill.toml").write_text(text)
    try:
        read_settings(tmp_path / "tidemill.toml", tmp_path, secrets)
    except Refused as refused:  # a section that is shown in part
        if not _IN_PART.search(str(refused)):
            raise


def _filled(found: re.Match[str]) -> str:
    if found[1]:
        return found[1] + "0x" + "1f" * 32
    return "0x" + "1f" * 20 if found[0].startswith("0x") else "made.example"


@pytest.mark.parametrize("block", _of_kind("json", "yaml"))
def test_json_and_yaml_can_be_read(block):
    read = json.loads if block.kind == "json" else yaml.safe_load
    assert read(block.text)


@pytest.mark.parametrize("block", _of_kind("python"))
def test_code_is_python_and_what_it_imports_of_ours_is_there(block):
    text = re.sub(r"(?<=[=\[])…", "...", block.text)
    tree = compile(text, block.page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | ast.PyCF_ONLY_AST)
    compile(tree, block.page, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "tidemill":
            module = importlib.import_module(node.module or "")
            assert all(hasattr(module, name.name) for name in node.names), ast.unparse(node)
