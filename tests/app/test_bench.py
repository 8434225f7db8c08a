"""Are several runs told as medians, with what each measured, and is what is not there refused by name."""

import json
import sys
from types import ModuleType

import pytest
from benchmarks import __main__ as benchmarks
from benchmarks.row import Row, of_runs

from tidemill.app.operating import bench
from tidemill.schema.faults import Refused


def test_several_runs_are_told_as_medians_and_kept_as_they_were():
    runs = [[Row("swaps", speed, "/s", 5), Row("size", 1, "MB")] for speed in (9.0, 4.0, 7.0)]
    swaps, size = of_runs(runs)
    assert (swaps.measured, swaps.samples, swaps.holds) == (7.0, (9.0, 4.0, 7.0), True)
    assert size.samples == (1, 1, 1)
    assert of_runs(runs[:1]) == runs[0]


def test_what_is_no_benchmark_is_refused_by_name():
    with pytest.raises(Refused, match=r"expected some of .*, reading, .*, found typo"):
        bench.main(["typo"], 1, keep=False)


def test_against_peers_are_those_that_run_one():
    beside = {name for name in benchmarks.names() if benchmarks.has_peer(name)}
    assert {"books", "degenbot"} <= beside
    assert not beside & {"optimiser", "reorg", "features"}


def test_an_installed_one_says_that_it_has_no_benchmarks(monkeypatch, tmp_path):
    monkeypatch.setattr(bench, "ROOT", tmp_path)
    with pytest.raises(Refused, match="expected a checkout"):
        bench.main([], 1, keep=False)


def test_what_is_measured_is_kept_with_its_circumstances(monkeypatch, tmp_path, capsys):
    made = ModuleType("benchmarks.made")
    speeds = iter((9.0, 4.0, 7.0))
    monkeypatch.setattr(made, "run", lambda: [Row("swaps", next(speeds), "/s", 8)], raising=False)
    monkeypatch.setitem(sys.modules, "benchmarks.made", made)
    monkeypatch.setattr(benchmarks, "HERE", tmp_path)
    assert benchmarks.main(["made", "--runs=3"]) == 1, "a limit was not kept"
    assert "| swaps | 7 /s | ≥ 8 /s | NO |" in capsys.readouterr().out
    told = json.loads((tmp_path / "results/latest.json").read_text())
    assert {"commit", "day", "machine", "load"} <= told.keys()
    assert told["rows"][0]["samples"] == [9.0, 4.0, 7.0]
