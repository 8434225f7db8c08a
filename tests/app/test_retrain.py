"""Does a challenger take the champion's place only where it is better, and does the one before come back?"""

import json
import sys
from pathlib import Path

import msgspec
import pytest
from tests.learn.made import MINUTE_NS, returning, wandering
from typer.testing import CliRunner

from tidemill.app.brain.retrain import commands, is_replaced
from tidemill.app.cli import app
from tidemill.app.settings import read_settings
from tidemill.app.training.retrain import challenged
from tidemill.app.training.train import TrainOptions, trained
from tidemill.learn.gas.model_files import METADATA
from tidemill.learn.gas.model_registry import REGISTRY, Registry, read_registry, roll_back
from tidemill.learn.gas.series import GasSeries
from tidemill.schema.faults import Refused

OPTIONS = TrainOptions(horizon_steps=1, folds=2, trees=8)


def part(series: GasSeries, steps: int) -> GasSeries:
    """The first steps of a series."""
    return series._replace(
        **{
            name: column[:steps]
            for name, column in series._asdict().items()
            if hasattr(column, "__len__") and len(column) == len(series.gas_gwei)
        }
    )


def versions(folder: Path) -> list[tuple[int, str]]:
    kept = read_registry(folder)
    assert isinstance(kept, Registry)
    return [(one.number, one.standing) for one in kept.versions]


def test_a_champion_of_other_times_is_beaten_and_comes_back_by_a_roll_back(tmp_path: Path) -> None:
    environment = read_settings(None, tmp_path, {})
    models = tmp_path / "models"
    whole = returning(900)
    gas = whole.gas_gwei.copy()
    gas[:400] = wandering(400).gas_gwei  # what the champion learns from is not how it goes on
    changed = whole._replace(gas_gwei=gas)
    trained(tmp_path, part(changed, 400), OPTIONS)
    first = (models / METADATA).read_bytes()
    answer = challenged(environment, changed, OPTIONS, is_if_needed=True)
    assert answer.need.has_drifted
    assert answer.contest is not None
    assert answer.contest.challenger_mae_gwei < answer.contest.champion_mae_gwei
    assert answer.champion == 2
    assert versions(models) == [(1, "retired"), (2, "champion")]
    assert "beat the champion" in read_registry(models).champion.why  # type: ignore[union-attr]
    said = CliRunner().invoke(app, ["train", "--roll-back", "--data-dir", str(tmp_path), "--json"])
    assert json.loads(said.stdout)["number"] == 1
    assert (models / METADATA).read_bytes() == first
    assert versions(models) == [(1, "champion"), (2, "rolled_back")]
    with pytest.raises(Refused, match="expected a version before"):
        roll_back(models)


def test_nothing_changes_where_no_need_is_or_the_challenger_is_not_better(tmp_path: Path) -> None:
    environment = read_settings(None, tmp_path, {"TIDEMILL_ML_DRIFT_RATIO": "50"})
    whole = returning(900)
    trained(tmp_path, part(whole, 700), OPTIONS)
    before = (tmp_path / "models" / METADATA).read_bytes()
    calm = challenged(environment, whole, OPTIONS, is_if_needed=True)
    assert (calm.need.is_needed, calm.contest, calm.champion) == (False, None, 1)
    assert calm.need.age_ns == 200 * MINUTE_NS
    due = read_settings(None, tmp_path, {"TIDEMILL_ML_RETRAIN_INTERVAL_S": "3600"})
    asked = challenged(due, whole, OPTIONS, is_if_needed=True)
    assert asked.need.is_due
    assert asked.contest is not None
    if not asked.contest.is_won:
        assert (tmp_path / "models" / METADATA).read_bytes() == before
    assert asked.champion == 1 + asked.contest.is_won


async def test_the_loop_challenges_each_forecaster_and_a_failure_changes_none(tmp_path: Path) -> None:
    environment = read_settings(None, tmp_path, {})
    assert commands(environment) == []
    trained(tmp_path, returning(300), OPTIONS)
    trained(tmp_path, returning(300), msgspec.structs.replace(OPTIONS, chain="polygon"))
    one, other = commands(environment)
    assert other == [*one, "--chain", "polygon"]
    told = json.dumps({"champion": 2, "files": ["a"]})
    assert await is_replaced([sys.executable, "-c", f"print('{told}')"])
    assert not await is_replaced([sys.executable, "-c", "raise SystemExit(1)"])


def test_too_few_newer_steps_and_no_champion_are_said(tmp_path: Path) -> None:
    environment = read_settings(None, tmp_path, {})
    whole = returning(420)
    with pytest.raises(Refused, match="expected a trained forecaster"):
        challenged(environment, whole, OPTIONS, is_if_needed=False)
    trained(tmp_path, whole, OPTIONS)
    with pytest.raises(Refused, match="expected 60 steps at least after the champion's data, found 0"):
        challenged(environment, whole, OPTIONS, is_if_needed=False)


def test_the_same_training_again_is_no_new_version(tmp_path: Path) -> None:
    for _ in range(2):
        trained(tmp_path, returning(300), OPTIONS)
    assert versions(tmp_path / "models") == [(1, "champion")]
    kept = msgspec.json.decode((tmp_path / "models" / REGISTRY).read_bytes(), type=Registry)
    assert kept.champion.why == "it was trained"
