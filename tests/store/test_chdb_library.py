"""How the embedded engine is loaded: its threads give way to those that bring events."""

import subprocess
import sys

import pytest

from tidemill.store.chdb_library import NICE

_TOLD = """
import os
from pathlib import Path
from tidemill.store.chdb_library import Session

session = Session()
session.query("SELECT sum(number) FROM numbers_mt(10000000)")
for task in Path("/proc/self/task").iterdir():
    print((task / "comm").read_text().strip(), os.sched_getscheduler(int(task.name)),
          os.getpriority(os.PRIO_PROCESS, int(task.name)), sep="|")
"""


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a priority is the whole process's")
def test_every_thread_that_merges_gives_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _TOLD], capture_output=True, text=True, check=True, timeout=60
    )
    threads = [line.split("|") for line in done.stdout.splitlines()]
    merging = [(int(policy), int(nice)) for name, policy, nice in threads if "Merge" in name or "Bg" in name]
    assert merging
    assert {policy for policy, _ in merging} == {3}  # SCHED_BATCH
    assert min(nice for _, nice in merging) >= NICE  # more, where all of it was begun to give way
