"""Does a budget lower what exceeds its share, and nothing else, and does a process stay below it."""

import json
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.app.memory import MemoryWatch
from tidemill.app.memory_budget import MIB, shares
from tidemill.app.settings import read_settings
from tidemill.store import StoreSettings, open_store

from .conftest import ROOT

EVENTS = int(os.environ.get("SOAK_EVENTS", "200000"))
BUDGET_MB = 768 if EVENTS <= 1_000_000 else 1_500


@given(st.integers(768, 1_000_000), st.integers(1, 64))
def test_the_shares_leave_room_for_the_program_and_are_all_some(mb, readers):
    parts = {share.key: share.most for share in shares(mb, readers)}
    assert min(parts.values()) > 0
    taken = (
        parts["store.engine_max_bytes"]
        + parts["store.limits.result_max_bytes"] * readers
        + parts["bus.read_bytes_max"] * 32 * 4
        + parts["api.cache_max_bytes"] * 2
    )
    assert taken <= (mb - 384) * MIB * 7 // 8


def test_what_a_budget_lowers_is_told_with_its_reason_and_what_is_below_it_stays(tmp_path):
    variables = {"TIDEMILL_MEMORY_MB": "1408", "TIDEMILL_API_CACHE_MAX_BYTES": "70000"}
    environment = read_settings(None, tmp_path, variables)
    shown = {row.key: (row.value, row.origin) for row in environment.loaded.rows()}
    assert shown["store.engine_max_bytes"] == (str(512 * MIB), "memory.mb = 1408")
    assert shown["store.limits.result_max_bytes"] == (str(64 * MIB), "memory.mb = 1408")
    assert shown["api.cache_max_bytes"] == ("70000", "environment TIDEMILL_API_CACHE_MAX_BYTES")
    without = read_settings(None, tmp_path, {}).settings
    assert without.store.engine_max_bytes is None
    assert read_settings(None, tmp_path, {"TIDEMILL_MEMORY_MB": "1000000"}).settings.bus == without.bus


async def test_the_engine_is_opened_with_its_share_and_says_what_it_has(tmp_path):
    settings = StoreSettings(engine_max_bytes=300_000_000)
    async with open_store(f"chdb://{tmp_path}/store", settings) as store:
        sql = "SELECT value FROM system.server_settings WHERE name = 'max_server_memory_usage'"
        told = await store._own(sql)
        assert told["value"].to_pylist() == ["300000000"]
        await store._execute("CREATE TABLE held ENGINE = Memory AS SELECT number FROM numbers(2000000)")
        watch = MemoryWatch(store.engine_bytes)
        watch._engine = await store.engine_bytes()
        parts = watch.parts()
    assert parts.keys() == {"mapped", "arrow", "engine", "other"}
    assert 1_000_000 < parts["engine"] < 300_000_000
    assert 50_000_000 < sum(parts.values()) < 10_000_000_000


@pytest.mark.timeout(3_000)
def test_a_process_stays_below_its_budget_whatever_it_is_asked(tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.system.soaked", tmp_path, str(EVENTS), str(BUDGET_MB)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
        timeout=2_900,
    )
    assert ended.returncode == 0, ended.stderr
    told = json.loads(ended.stdout)
    print(told)
    assert (told["rows"], told["faults"]) == (EVENTS, [])
    assert "MEMORY_LIMIT_EXCEEDED" in str(told["refused"]), "its question takes more than one query may"
    assert told["engine_bytes"] < (BUDGET_MB - 384) * MIB // 2
    assert told["anonymous_max_mb"] < BUDGET_MB - 100
    if EVENTS >= 50_000_000:  # of fewer, warming up is a part that counts
        assert told["slope_mb_per_10m_events"] <= 1 + 2 * told["slope_error_mb"]
