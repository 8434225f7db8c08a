"""Learning: a large table made ready, gas and parameters trained, one forecast, and what those earn.

The table's numbers are drawn, the gas prices are those of tests/learn's made series: what they are does not
matter to the time. The episodes are transactions on a sandbox that is started for them.
"""

import asyncio
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.learn.made import returning

from benchmarks.row import Row
from tidemill.app.training.train import TrainOptions, trained
from tidemill.app.training.training_episodes import SANDBOX, learned
from tidemill.learn import DataPreparation, MarketForecaster
from tidemill.learn.gas.series import GasSeries
from tidemill.learn.parameters.episodes import JUDGED_EPISODES, EpisodesReport, Learned

_TABLE_ROWS, _FEATURES = 1_000_000, 75
_SAMPLES = _EPISODES = 10_000
_PREDICTIONS = 2_000
_SEED = 0
_JUDGED_SEEDS = 5
_BYTES_PER_GB = 1_000_000_000
_KB = 1_024


def run() -> list[Row]:
    """Measure each."""
    return [*_prepared(), *_trained()]


def prepare() -> float:
    """Return how long a table of the full size takes, seconds; it lies in memory before."""
    dice = np.random.default_rng(_SEED)
    columns = {f"f{at}": dice.normal(size=_TABLE_ROWS) for at in range(_FEATURES)}
    table = pa.table({"event_ns": np.arange(_TABLE_ROWS), **columns})
    columns.clear()
    started = time.perf_counter()
    prepared = DataPreparation(train_size=0.7, embargo_rows=60)
    scaled = prepared.normalize(table, method="robust", handle_outliers=True)
    prepared.split_temporal(scaled, train_size=0.7, val_size=0.15, test_size=0.15)
    return time.perf_counter() - started


def _prepared() -> list[Row]:
    """Run it in a process of its own, whose memory is nothing else's."""
    command = [sys.executable, "-m", "benchmarks.optimiser"]
    told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    what = (
        f"a table of {_TABLE_ROWS:,} rows and {_FEATURES} features scaled (robust, outliers cut) and parted"
    )
    note = "of PyArrow's memory; reading it is left out"
    return [
        Row(what, told["seconds"], "s", 10, "lower", note),
        Row(
            f"{what}: most memory",
            told["gigabytes"],
            "GB",
            2,
            "lower",
            "the process, its 0.6 GB of table too",
        ),
    ]


def _trained() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        started, begun_s = time.perf_counter(), time.process_time()
        made = _played(1)
        episodes_s = time.perf_counter() - started
        series = returning(_SAMPLES)
        trained(Path(folder), series, TrainOptions(seed=_SEED), made)
        whole_s, busy_s = time.perf_counter() - started, time.process_time() - begun_s
        took_ms, busy_ms = _forecasts(Path(folder), series)
    note = f"{episodes_s:.0f} s of it {_EPISODES:,} episodes and {JUDGED_EPISODES} to judge by"
    note += f"; {busy_s:.0f} s of processor time"
    return [
        Row(f"{_SAMPLES:,} gas prices and {_EPISODES:,} episodes trained", whole_s, "s", 60, "lower", note),
        Row("a single gas forecast by a model, median", statistics.median(took_ms), "ms"),
        Row(
            "a single gas forecast by a model, p99",
            statistics.quantiles(took_ms, n=100)[98],
            "ms",
            2,
            "lower",
            f"{statistics.quantiles(busy_ms, n=100)[98]:.2f} ms of processor time",
        ),
        *_gains(_played(_JUDGED_SEEDS).report),  # the same once more, and judged longer: not in the time
    ]


def _played(seeds: int) -> Learned:
    return asyncio.run(learned(_EPISODES, JUDGED_EPISODES, seeds, seed=_SEED, chain=None, is_shown=False))


def _gains(report: EpisodesReport) -> list[Row]:
    """Return what each policy earns more than fixed parameters, by paired bootstrap; it has no limit."""
    alone = {
        line.policy: "; ".join(
            f"seed {one.seed}: {gain.mean:.3g} ({gain.low_95:.3g} to {gain.high_95:.3g})"
            for one in report.seeds
            if (gain := one.gains.get(line.policy))
        )
        for line in report.lines
    }
    return [
        Row(
            f"{line.policy} over fixed parameters, {report.judged_episodes} episodes of the {SANDBOX}",
            line.gain.mean,
            "USD an episode",
            note=f"95 %: {line.gain.low_95:.3g} to {line.gain.high_95:.3g}; {alone[line.policy]}",
        )
        for line in report.lines
        if line.gain is not None
    ]


class _At:
    """The clock of a series that has just ended."""

    def __init__(self, now_ns: int) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns


def _forecasts(data: Path, series: GasSeries) -> tuple[list[float], list[float]]:
    """Return how long each took, and of that the processor's time."""
    end_ns = series.first_ns + len(series.gas_gwei) * series.step_ns
    forecaster = MarketForecaster(data / "models", clock=_At(end_ns))
    for at_ns, gas_gwei in zip(
        series.begins_ns[-2_000:].tolist(), series.gas_gwei[-2_000:].tolist(), strict=True
    ):
        forecaster.ingest_gas(gas_gwei, at_ns)
    assert forecaster.forecast() is not None
    took_ms: list[float] = []
    busy_ms: list[float] = []
    for _ in range(_PREDICTIONS):
        started, begun_s = time.perf_counter(), time.thread_time()
        forecaster.predict_gas_trend()
        took_ms.append((time.perf_counter() - started) * 1_000)
        busy_ms.append((time.thread_time() - begun_s) * 1_000)
    return took_ms, busy_ms


if __name__ == "__main__":
    seconds = prepare()
    most_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KB
    print(json.dumps({"seconds": seconds, "gigabytes": most_bytes / _BYTES_PER_GB}))
