"""A model is used where it beats the baselines on later time, and is said not to be where it does not."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from tests.learn.made import returning, wandering
from threadpoolctl import threadpool_limits

from tidemill.learn.gas.models import FitOptions
from tidemill.learn.gas.observations import read_series
from tidemill.learn.gas.scores import score
from tidemill.learn.gas.training import Report, TrainingOptions, examples_of, train, walk_forward
from tidemill.learn.gas.trees import ForestWalker, forest_of
from tidemill.learn.gas.trend import QUANTILES, trend_shares
from tidemill.schema.faults import Refused

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "prices_gas"
FEW = FitOptions(trees=12)


def report_of(series: object, horizon_steps: int = 1, folds: int = 2) -> Report:
    options = TrainingOptions(horizon_steps=horizon_steps, folds=folds, fit=FEW)
    return walk_forward(examples_of(series, horizon_steps), options)


def test_a_model_that_beats_every_baseline_is_used() -> None:
    report = report_of(returning(900))
    assert report.is_model_used
    assert report.chosen == report.lines[0].predictor
    assert "is used" in report.verdict


def test_a_model_that_does_worse_than_a_baseline_is_not_used_and_it_is_said() -> None:
    report = report_of(wandering(700))
    assert report.best_baseline == "last_value"
    assert not report.is_model_used
    assert report.chosen == "last_value"
    assert report.verdict.startswith("No model is used")


def test_a_baseline_without_forecasts_is_left_out_by_name() -> None:
    report = report_of(wandering(700))
    assert set(report.not_compared) == {"eip1559", "seasonal_naive"}


def test_the_next_base_fee_beats_the_last_value_where_it_is_what_comes() -> None:
    series = wandering(700)
    fees = np.append(series.gas_gwei[1:], np.nan)
    report = report_of(series._replace(next_base_fee_gwei=fees))
    assert report.best_baseline == "eip1559"
    assert next(line for line in report.lines if line.predictor == "eip1559").mean.mae_gwei < 1e-9


@pytest.mark.parametrize(
    ("file", "samples"), [("demeter_gas_price.csv.gz", 1_500), ("eth_basefee_21527387.csv", None)]
)
def test_on_real_series_what_is_chosen_does_no_worse_than_the_best_baseline(
    file: str, samples: int | None
) -> None:
    if not (_DATA / file).exists():
        pytest.skip(f"needs {file} of ../shared/data/prices_gas, which is not there")
    report = report_of(read_series([_DATA / file], samples))
    errors = {line.predictor: line.mean.mae_gwei for line in report.lines}
    assert errors[report.chosen] <= errors[report.best_baseline]
    assert {"xgb", "gb", "last_value"} <= set(errors)


def test_trees_as_arrays_say_what_scikit_learn_says() -> None:
    dice = np.random.default_rng(1)
    rows = dice.normal(size=(400, 4))
    rows[dice.random(rows.shape) < 0.1] = np.nan
    values = np.nan_to_num(rows[:, 0]) + np.nan_to_num(rows[:, 1]) ** 2
    model = HistGradientBoostingRegressor(loss="quantile", quantile=0.7, max_iter=20, random_state=0)
    with threadpool_limits(1):  # on a busy machine its threads wait for each other
        model.fit(rows, values)
        expected = model.predict(rows)
    np.testing.assert_allclose(ForestWalker([forest_of(model)], 4).predict(rows)[:, 0], expected, rtol=1e-12)


def test_probabilities_follow_from_the_quantiles() -> None:
    changes = np.log1p(0.05)
    certain = np.full((1, len(QUANTILES)), 2 * changes) + np.arange(len(QUANTILES)) * 1e-9
    even = np.array([[-1.8, -1.0, 0.0, 1.0, 1.8]]) * changes
    assert trend_shares(certain, 0.05)[0].tolist() == pytest.approx([0, 0, 1])
    falling, stable, rising = trend_shares(even, 0.05)[0]
    assert rising == pytest.approx(0.25)
    # 5 % down is a little further in logarithms than 5 % up: beyond the quartile, towards 0.05.
    assert falling == pytest.approx(0.25 - 0.2 * (-np.log1p(-0.05) / changes - 1) / 0.8)
    assert falling + stable + rising == pytest.approx(1)


def test_a_forecast_that_is_right_has_no_error() -> None:
    changes = np.array([0.1, -0.1, 0.0])
    right = np.tile(changes[:, None], len(QUANTILES)) + np.arange(-2, 3) * 1e-12
    scores = score(np.full(3, 40.0), changes, right, 0.05)
    assert scores.mae_gwei < 1e-9
    assert scores.r2 == pytest.approx(1)
    assert (scores.accuracy, scores.coverage_90) == (1, 1)
    assert scores.brier < 1e-6


def test_a_series_that_is_too_short_is_refused() -> None:
    with pytest.raises(Refused, match="expected 100 steps at least"):
        train(returning(50), TrainingOptions())
