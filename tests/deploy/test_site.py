"""The documentation: its site, its commands by the real command line, and the tutorial as it is written."""

import re
import subprocess
import sys

import aiohttp
import pytest
from tests.app.conftest import ROOT
from tests.app.crowd import TradingCrowd
from tests.app.test_api import addresses, trades_are_stored
from tests.app.until import until
from tests.system.program import caught_up, tidemill, up

from .documented import commands

PAGE = ROOT / "docs/tutorial.md"
TUTORIAL = PAGE.read_text()
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_RUNS_ON = {"sandbox", "up"}


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
        for command in commands(PAGE):
            if command.program == "tidemill" and command.words[0] not in _RUNS_ON:
                code, out, complaint = await tidemill(tmp_path, *command.words, **env)
                assert code == 0, (command, out, complaint)
                assert out, command
        async with aiohttp.ClientSession() as session:
            for port, path in re.findall(r"^curl -s 127.0.0.1:(\d+)(/\w+)$", TUTORIAL, re.MULTILINE):
                at = api if port == "8080" else metrics.removesuffix("/metrics")
                async with session.get(f"{at}{path}") as answer:
                    assert answer.status == 200, path
