"""Make the picture of the page for the README: `python -m tests.page.screenshot FILE` looks at a demo."""

import asyncio
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.app.until import until
from tests.servers.programs import free_port

from .program import browser, is_answering

_SIZE = {"width": 1400, "height": 860}
_WAIT_MS = 120_000


async def main(file: Path) -> None:
    """Run a demo until it has something to show, and take the picture."""
    async with _demo() as url, browser() as opened:
        page = await opened.new_page(viewport=_SIZE)
        page.set_default_timeout(_WAIT_MS)
        await page.goto(f"{url}/#/arbitrages?last=15m")
        await page.get_by_text(re.compile(r"^[2-9]\d\d rows")).wait_for()
        await page.screenshot(path=file)


@asynccontextmanager
async def _demo() -> AsyncIterator[str]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tidemill.app.cli", "demo", "--seconds", "0", "--data", folder),
            env={**os.environ, "TIDEMILL_API_PORT": str(port), "PROMETHEUS_PORT": "0"},
            stdout=asyncio.subprocess.DEVNULL,
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await until(lambda: is_answering(url), 60)
            yield url
        finally:
            process.terminate()
            await process.wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
