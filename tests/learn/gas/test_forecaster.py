"""The live forecaster says what the trained one says, nothing too early, and nothing from damaged files."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from tests.learn.made import MINUTE_NS, START_NS, returning, wandering

from tidemill.learn.gas.features import features_at
from tidemill.learn.gas.forecaster import MarketForecaster
from tidemill.learn.gas.model_files import METADATA, MODELS, SCALER, write
from tidemill.learn.gas.models import FitOptions, Learner
from tidemill.learn.gas.series import GasSeries
from tidemill.learn.gas.training import Trained, TrainingOptions, train
from tidemill.learn.gas.trend import Trend
from tidemill.schema.faults import Malformed, Refused

OPTIONS = TrainingOptions(horizon_steps=2, folds=2, fit=FitOptions(trees=10))
NAMES = [METADATA, SCALER, *MODELS.values()]


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(returning(900), OPTIONS)


@pytest.fixture
def models(trained: Trained, tmp_path: Path) -> Path:
    write(tmp_path, trained, None)
    return tmp_path


def clock(at_ns: int) -> SimpleNamespace:
    return SimpleNamespace(now_ns=lambda: at_ns)


def fed(forecaster: MarketForecaster, series: GasSeries) -> MarketForecaster:
    for event_ns, gas_gwei in zip(series.begins_ns.tolist(), series.gas_gwei.tolist(), strict=True):
        forecaster.ingest_gas(gas_gwei, event_ns)
    return forecaster


@pytest.mark.parametrize("learner", Learner)
def test_live_is_as_in_training_to_the_bit(trained: Trained, models: Path, learner: Learner) -> None:
    series = trained.series
    live = fed(MarketForecaster(models, forced=learner, clock=clock(START_NS + 900 * MINUTE_NS)), series)
    forecast = live.forecast()
    assert forecast is not None
    changes = trained.models[learner].predict(features_at(series, np.array([899]), 2))[0]
    assert list(forecast.quantiles_gwei.values()) == (series.gas_gwei[-1] * np.exp(changes)).tolist()
    assert forecast.horizon_ns == 2 * MINUTE_NS
    assert sum(forecast.probabilities.values()) == pytest.approx(1)
    assert forecast.trend is live.predict_gas_trend()


def test_a_high_price_that_returns_is_falling(models: Path) -> None:
    series = returning(200)
    gas = series.gas_gwei.copy()
    gas[-1] = 40 * 1.4
    live = fed(
        MarketForecaster(models, clock=clock(START_NS + 200 * MINUTE_NS)), series._replace(gas_gwei=gas)
    )
    assert live.predictor in list(Learner)
    assert live.predict_gas_trend() is Trend.FALLING


def test_nothing_is_said_before_enough_was_told_nor_from_a_stale_price(models: Path) -> None:
    now = [START_NS]
    live = MarketForecaster(models, clock=SimpleNamespace(now_ns=lambda: now[0]))
    assert live.predict_gas_trend() is None
    for minute in range(54):
        now[0] = START_NS + minute * MINUTE_NS
        live.ingest_gas(40.0)
    assert live.predict_gas_trend() is None
    now[0] += MINUTE_NS
    live.ingest_gas(40.0)
    assert live.predict_gas_trend() is not None
    now[0] += 4 * MINUTE_NS
    assert live.predict_gas_trend() is None


def test_without_training_the_last_value_tells_with_its_own_changes(tmp_path: Path) -> None:
    series = wandering(300)
    live = fed(MarketForecaster(tmp_path, clock=clock(START_NS + 300 * MINUTE_NS)), series)
    forecast = live.forecast()
    assert forecast is not None
    assert forecast.predictor == "last_value"
    assert forecast.gas_gwei == pytest.approx(series.gas_gwei[-1])
    with pytest.raises(Refused, match="expected a trained xgb model"):
        MarketForecaster(tmp_path, forced=Learner.XGB)


def test_a_model_that_does_worse_is_not_used_unless_forced(tmp_path: Path) -> None:
    write(tmp_path, train(wandering(600), OPTIONS), None)
    assert MarketForecaster(tmp_path).predictor == "last_value"
    assert MarketForecaster(tmp_path, forced=Learner.GB).predictor == "gb"


def test_a_block_tells_the_next_base_fee(tmp_path: Path) -> None:
    live = MarketForecaster(tmp_path, clock=clock(START_NS))
    live.ingest_block(40_000_000_000, 30_000_000, 30_000_000)
    live.ingest_price(2_000.0)
    live.ingest_volume(1e9)
    series = live._window.series()
    assert (series.gas_gwei[-1], series.next_base_fee_gwei[-1]) == (40, 45)
    assert (series.price_usd[-1], series.volume_usd[-1]) == (2_000, 1e9)


def test_a_baseline_that_lacks_what_it_goes_by_says_nothing(tmp_path: Path) -> None:
    series = wandering(500)
    fees = np.append(series.gas_gwei[2:], [np.nan, np.nan])
    write(tmp_path, train(series._replace(next_base_fee_gwei=fees), OPTIONS), None)
    live = MarketForecaster(tmp_path, clock=clock(START_NS + 500 * MINUTE_NS))
    assert live.predictor == "eip1559"
    assert fed(live, series).forecast() is None
    live.ingest_block(40_000_000_000, 30_000_000, 30_000_000, START_NS + 500 * MINUTE_NS)
    forecast = live.forecast()
    assert forecast is not None
    assert forecast.gas_gwei == pytest.approx(45)


@pytest.mark.parametrize("chain", ["../x", "", "a/b"])
def test_a_chain_that_is_no_name_is_refused(tmp_path: Path, chain: str) -> None:
    with pytest.raises(Refused, match="chain: expected letters"):
        MarketForecaster(tmp_path, chain=chain)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_malformed(tmp_path: Path, value: float) -> None:
    with pytest.raises(Malformed, match="gas_gwei: expected a positive number"):
        MarketForecaster(tmp_path, clock=clock(START_NS)).ingest_gas(value)


def test_a_time_that_goes_back_is_malformed(tmp_path: Path) -> None:
    live = MarketForecaster(tmp_path, clock=clock(START_NS))
    live.ingest_gas(40.0, START_NS)
    with pytest.raises(Malformed, match="expected a time from"):
        live.ingest_gas(40.0, START_NS - 1)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("damage", ["truncated", "foreign", "empty"])
def test_a_damaged_file_is_malformed_by_its_name(models: Path, name: str, damage: str) -> None:
    path = models / name
    content = path.read_bytes()
    path.write_bytes(
        {"truncated": content[: len(content) // 2], "foreign": b'{"a": 1}', "empty": b""}[damage]
    )
    with pytest.raises(Malformed, match=name):
        MarketForecaster(models, forced=Learner.XGB if name == MODELS[Learner.XGB] else Learner.GB)


def test_a_file_that_is_gone_is_malformed(models: Path) -> None:
    (models / MODELS[Learner.XGB]).unlink()
    with pytest.raises(Malformed, match="found none"):
        MarketForecaster(models, forced=Learner.XGB)


def test_the_same_seed_gives_the_same_files(trained: Trained, tmp_path: Path) -> None:
    write(tmp_path / "one", trained, "made")
    write(tmp_path / "two", train(returning(900), OPTIONS), "made")
    for name in NAMES:
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()
