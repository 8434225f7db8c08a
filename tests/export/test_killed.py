"""An export in a process that is killed in the middle of its files."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tidemill.export.manifest import FILE_NAME, decode
from tidemill.export.verifying import verify
from tidemill.schema.faults import Refused
from tidemill.store import open_store

from .conftest import World, numbers

ROOT = Path(__file__).resolve().parents[2]

_KILLED = """
import asyncio, sys
from pathlib import Path
from tidemill.export import register
from tidemill.export.formats.ndjson import NdjsonExporter
from tidemill.export.request import ExportRequest
from tidemill.export.running import Maker, run_export
from tidemill.export.targets import target_of
from tidemill.store import open_store

class Slow(NdjsonExporter):
    files = 0
    def export(self, data):
        self.files += 1
        for piece in super().export(data):
            yield piece
            if self.files == int(sys.argv[2]):
                print("in the middle", flush=True)
                sys.stdin.read()

async def main(folder):
    register("slow", Slow())
    async with open_store(f"chdb://{folder}/store") as store:
        asked = ExportRequest(format="slow", table="swap", rows_a_file=30)
        maker = Maker(version="test", now_ns=lambda: 1, final_blocks=2)
        await run_export(store, asked, target_of(f"{folder}/out", Path(folder)), maker)

asyncio.run(main(sys.argv[1]))
"""


def killed(folder: Path, in_file: int) -> int | None:
    """Export in a process that is killed in a file; return its code where it ended by itself."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"}
    with subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(folder), str(in_file)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        cwd=folder,
    ) as process:
        if not process.stdout.readline():
            return process.wait(30)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
    return None


async def test_a_killed_export_leaves_nothing_that_looks_whole_and_goes_on(tmp_path):
    async with open_store(f"chdb://{tmp_path / 'store'}") as store:
        await store.migrate()
        await World(store).swaps(0, 100)
    out = tmp_path / "out"
    assert await asyncio.to_thread(killed, tmp_path, 1) is None
    assert await asyncio.to_thread(killed, tmp_path, 3) is None
    assert not out.exists()
    with pytest.raises(Refused, match="expected a folder, or an archive"):
        verify(out)
    assert await asyncio.to_thread(killed, tmp_path, 10) == 0
    assert numbers(out) == [*range(100)]
    assert verify(out).differences == []
    assert decode((out / FILE_NAME).read_bytes(), "").rows == 100
