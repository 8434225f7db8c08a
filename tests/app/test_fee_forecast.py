"""Does what was trained say how high a base fee may come to be, and nothing where it cannot?"""

from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.learn.made import MINUTE_NS, START_NS, returning

from tidemill.app.execution.fee_forecast import TrainedBaseFee
from tidemill.learn.gas.forecaster import MarketForecaster
from tidemill.learn.gas.model_files import write
from tidemill.learn.gas.models import FitOptions
from tidemill.learn.gas.training import TrainingOptions, train
from tidemill.schema.faults import Refused

BLOCKS = 200
LIMIT = 30_000_000
CLOCK = SimpleNamespace(now_ns=lambda: START_NS + BLOCKS * MINUTE_NS)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return where a forecaster of no chain by name lies."""
    folder = tmp_path_factory.mktemp("models")
    options = TrainingOptions(horizon_steps=2, folds=2, fit=FitOptions(trees=10))
    write(folder, train(returning(600), options), None)
    return folder


def test_it_says_what_the_forecaster_says_of_the_same_blocks(models: Path) -> None:
    series = returning(BLOCKS)
    fees, other = TrainedBaseFee(models, "polygon", CLOCK), MarketForecaster(models, clock=CLOCK)
    assert fees.high_wei() is None, "before it has seen enough"
    for event_ns, gas_gwei in zip(series.begins_ns.tolist(), series.gas_gwei.tolist(), strict=True):
        base_fee_wei = int(gas_gwei * 10**9)
        for _ in range(2):  # a node is asked more often than it has blocks
            fees.tell_block(base_fee_wei, LIMIT // 2, LIMIT, event_ns)
        other.ingest_block(base_fee_wei, LIMIT // 2, LIMIT, event_ns)
    fees.tell_block(1, 0, LIMIT, START_NS)  # another endpoint may be behind
    forecast = other.forecast()
    assert forecast is not None
    assert fees.high_wei() == int(forecast.quantiles_gwei["0.95"] * 10**9)


def test_where_nothing_was_trained_it_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="tidemill train"):
        TrainedBaseFee(tmp_path, "polygon", CLOCK)
