"""Run a real Prometheus that scrapes one target, and ask it."""

import asyncio
import os
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest

_INSTALLED = Path(__file__).parents[1] / ".services/prometheus/usr/bin/prometheus"
"""Where `make services` puts it."""

Query = Callable[[str], Awaitable[list[dict[str, Any]]]]


def need_prometheus() -> Path:
    """Return the program; skip where servers are left out."""
    if os.environ.get("SERVICES") == "none":
        pytest.skip("needs Prometheus; SERVICES=none was asked for")
    if _INSTALLED.exists():
        return _INSTALLED
    found = shutil.which("prometheus")
    if found is None:
        pytest.skip("needs Prometheus; `make services` installs it")
    return Path(found)


@asynccontextmanager
async def prometheus(
    binary: Path, folder: Path, target: str, rules: Path | None = None
) -> AsyncIterator[Query]:
    """Scrape the URL `target` four times a second while the context is open; yield what answers PromQL.

    `rules` is a file of alert rules, judged as often.
    """
    parts = urlsplit(target)
    config = folder / "prometheus.yml"
    judged = "" if rules is None else f'rule_files: ["{rules}"]\n'
    config.write_text(
        f"global: {{evaluation_interval: 250ms}}\n{judged}"
        "scrape_configs:\n- job_name: tidemill\n  scrape_interval: 250ms\n  scrape_timeout: 250ms\n"
        f'  metrics_path: "{parts.path}"\n  static_configs: [{{targets: ["{parts.netloc}"]}}]\n'
    )
    process = await asyncio.create_subprocess_exec(
        binary,
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        "--web.listen-address=127.0.0.1:0",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    try:
        async with asyncio.timeout(30):
            while not (
                found := re.search(
                    rb'msg="Listening on" address=(\S+)', line := await process.stderr.readline()
                )
            ):
                assert line, "Prometheus ended"
        rest = asyncio.ensure_future(process.stderr.read())
        url = f"http://{found[1].decode()}/api/v1/query"
        async with aiohttp.ClientSession() as session:

            async def query(expression: str) -> list[dict[str, Any]]:
                async with session.get(url, params={"query": expression}) as answer:
                    if answer.status == 503:
                        return []  # it has only begun to listen
                    told = await answer.json()
                assert told["status"] == "success", told
                return told["data"]["result"]

            yield query
        process.terminate()
        async with asyncio.timeout(10):
            await asyncio.gather(rest, process.wait())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
