"""The documentation: its site, its commands by the real command line, and the tutorial as it is written."""

import re
import shlex
import subprocess
import sys

import aiohttp
import pytest
import typer.main
from tests.app.conftest import ROOT
from tests.app.crowd import TradingCrowd
from tests.app.test_api import addresses, trades_are_stored
from tests.app.until import until
from tests.system.program import caught_up, tidemill, up

from tidemill.app.cli import app

PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text()
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_RUNS_ON = {"sandbox", "up"}


def commands(page: str) -> list[list[str]]:
    """Every command of ours in the blocks of a page, without `tidemill`."""
    blocks = [block.replace("\\\n", " ") for kind, block in _BLOCK.findall(page) if not kind]
    lines = [line for block in blocks for line in block.splitlines()]
    ours = [re.sub(r" \| .*$", "", line) for line in lines if line.startswith("tidemill ")]
    return [shlex.split(line, comments=True)[1:] for line in ours]


@pytest.mark.timeout(300)
def test_the_site_is_built_and_every_link_leads_somewhere(tmp_path):
    pytest.importorskip("material", reason="needs mkdocs-material")
    ended = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", tmp_path / "site"],
        cwd=ROOT,
        env={"NO_MKDOCS_2_WARNING": "1", "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (tmp_path / "site/guide/deployment/index.html").exists()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_of_a_page_and_its_options_are_those_of_tidemill(page):
    for words in commands(page.read_text()):
        command = typer.main.get_command(app)
        while isinstance(command, typer.core.TyperGroup):
            assert words[0] in command.commands, words
            command, words = command.commands[words[0]], words[1:]
        options = {name for parameter in command.params for name in parameter.opts} | {"--help"}
        assert {word.partition("=")[0] for word in words if word.startswith("-")} <= options, words


@pytest.mark.timeout(240)
async def test_the_tutorial_does_what_it_says(fresh_world, tmp_path):
    (settings,) = (block for kind, block in _BLOCK.findall(TUTORIAL) if kind == "toml")
    (tmp_path / "tidemill.toml").write_text(settings)
    for factory in re.findall(r'^address = "(\w+)"', settings, re.MULTILINE):
        assert factory in {one.address for one in fresh_world.factories}
    env = {"SANDBOX": fresh_world.http_url.removeprefix("http://")}
    async with up(tmp_path, **env):
        api, metrics = await addresses(tmp_path)
        async with TradingCrowd(fresh_world, swaps_per_s=20, block_ms=150):
            await until(lambda: trades_are_stored(api), 60)
        await caught_up(tmp_path, "sandbox", fresh_world)
        for command in commands(TUTORIAL):
            if command[0] not in _RUNS_ON:
                code, out, complaint = await tidemill(tmp_path, *command, **env)
                assert code == 0, (command, out, complaint)
                assert out, command
        async with aiohttp.ClientSession() as session:
            for port, path in re.findall(r"^curl -s 127.0.0.1:(\d+)(/\w+)$", TUTORIAL, re.MULTILINE):
                at = api if port == "8080" else metrics.removesuffix("/metrics")
                async with session.get(f"{at}{path}") as answer:
                    assert answer.status == 200, path
