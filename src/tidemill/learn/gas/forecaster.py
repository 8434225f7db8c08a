"""Where is a chain's gas price going: told live, by what was trained, or by what is known without that."""

from pathlib import Path

import numpy as np

from tidemill.chains.evm.base_fee import next_base_fee_wei
from tidemill.core.clock import Clock, SystemClock
from tidemill.learn.arrays import Floats
from tidemill.learn.gas.baselines import Baseline, SpreadBaseline, fit_baseline, known_share
from tidemill.learn.gas.features import LOOKBACK, features_at
from tidemill.learn.gas.model_files import Metadata, baseline_of, chain_folder, read_metadata, read_model
from tidemill.learn.gas.models import Learner, Predictor
from tidemill.learn.gas.series import DAY_NS, GasSeries
from tidemill.learn.gas.training import TrainingOptions
from tidemill.learn.gas.trend import Forecast, Trend, told
from tidemill.learn.gas.window import GasWindow, Measure
from tidemill.schema.faults import Refused

WARM_UP_STEPS = LOOKBACK + 1
KNOWN_SHARE_MIN = 0.9
"""Of the last `WARM_UP_STEPS` steps, this share must have a gas price before anything is forecast."""
STALE_STEPS = 2
"""Nothing is forecast from a gas price that is older than this."""
UNTRAINED_STEP_NS = 60_000_000_000
_WEI_PER_GWEI = 1_000_000_000


class MarketForecaster:
    """Forecasts one chain's gas price from what it is told of gas, price and volume.

    It loads what `tidemill train` left in `models`. A model that did not beat the baselines is not used: the
    best baseline tells, unless `forced` names one. Where nothing was trained, the last value tells, and its
    changes in the last day say how probable what is. Before enough was told, and from a stale price,
    nothing is.
    """

    def __init__(
        self,
        models: Path | str = Path("data/models"),
        *,
        chain: str | None = None,
        forced: Learner | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Load the forecaster of `chain` (`models/CHAIN`), or of no chain by name.

        Raises: Malformed, where its files are not what was written; Refused, where `forced` is absent.
        """
        folder = chain_folder(Path(models), chain)
        self._clock = clock or SystemClock()
        self._metadata = read_metadata(folder)
        if self._metadata is None and forced is not None:
            raise Refused(
                f"{folder}: expected a trained {forced} model, found none; `tidemill train` makes one"
            )
        self._name, self._predictor = str(Baseline.LAST_VALUE), None
        if self._metadata is not None:
            self._name = str(forced or self._metadata.chosen)
            self._predictor = load_predictor(folder, self._metadata, forced)
        self._options = self._metadata.options if self._metadata else TrainingOptions()
        self._step_ns = self._metadata.step_ns if self._metadata else UNTRAINED_STEP_NS
        steps = max(DAY_NS // self._step_ns, LOOKBACK) + 1
        self._window = GasWindow(self._step_ns, steps)

    @property
    def predictor(self) -> str:
        """Return what tells: a model, a baseline, or the last value where nothing was trained."""
        return self._name

    def ingest_gas(self, gas_gwei: float, event_ns: int | None = None) -> None:
        """Take in a gas price, of now where no time is told. Raises: Malformed."""
        self._tell(Measure.GAS_GWEI, gas_gwei, event_ns)

    def ingest_price(self, price_usd: float, event_ns: int | None = None) -> None:
        """Take in the price of the chain's coin. Raises: Malformed."""
        self._tell(Measure.PRICE_USD, price_usd, event_ns)

    def ingest_volume(self, volume_usd: float, event_ns: int | None = None) -> None:
        """Take in a trading volume. Raises: Malformed."""
        self._tell(Measure.VOLUME_USD, volume_usd, event_ns)

    def ingest_block(
        self, base_fee_wei: int, gas_used: int, gas_limit: int, event_ns: int | None = None
    ) -> None:
        """Take in a block: its base fee, and the next one's, which follows from it. Raises: Malformed."""
        following_wei = next_base_fee_wei(base_fee_wei, gas_used, gas_limit)
        self._tell(Measure.GAS_GWEI, base_fee_wei / _WEI_PER_GWEI, event_ns)
        self._tell(Measure.NEXT_BASE_FEE_GWEI, following_wei / _WEI_PER_GWEI, event_ns)

    def predict_gas_trend(self) -> Trend | None:
        """Return rising, stable or falling; None before enough was told and from a stale price."""
        forecast = self.forecast()
        return None if forecast is None else forecast.trend

    def forecast(self) -> Forecast | None:
        """Return the distribution of the gas price a horizon later; None as `predict_gas_trend`."""
        series = self._window.series()
        place = _newest(series, self._clock.now_ns())
        quantiles = None if place is None else self._quantiles(series, place)
        if place is None or quantiles is None:
            return None
        return told(
            gas_gwei=float(series.gas_gwei[place]),
            quantiles=quantiles,
            threshold=self._options.threshold,
            horizon_ns=self._options.horizon_steps * self._step_ns,
            predictor=self._name,
        )

    def _quantiles(self, series: GasSeries, place: int) -> Floats | None:
        """Return quantiles of the change; None where the baseline that tells has no forecast of its own."""
        horizon = self._options.horizon_steps
        features = features_at(series, np.array([place]), horizon)
        if isinstance(self._predictor, SpreadBaseline) and not known_share(
            self._predictor.baseline, features
        ):
            return None
        if self._predictor is not None:
            return self._predictor.predict(features)[0]
        gas = series.gas_gwei
        changes = np.log(gas[horizon:] / gas[:-horizon])
        changes = changes[np.isfinite(changes)]
        return fit_baseline(Baseline.LAST_VALUE, np.empty((len(changes), 0)), changes).predict(features)[0]

    def _tell(self, measure: Measure, value: float, event_ns: int | None) -> None:
        self._window.tell(measure, value, self._clock.now_ns() if event_ns is None else event_ns)


def load_predictor(folder: Path, metadata: Metadata, forced: Learner | None = None) -> Predictor:
    """Return what tells by a folder's description, or the model that is `forced`. Raises: Malformed."""
    name = str(forced or metadata.chosen)
    if name in list(Learner):
        return read_model(folder, metadata, Learner(name))
    return baseline_of(metadata, Baseline(name))


def _newest(series: GasSeries, now_ns: int) -> int | None:
    """Return the newest step with a gas price; None where it is stale, or too few before it have one."""
    is_known = np.isfinite(series.gas_gwei)
    known = np.flatnonzero(is_known)
    if len(known) == 0:
        return None
    place = int(known[-1])
    age_ns = now_ns - (series.first_ns + (place + 1) * series.step_ns)
    recent = is_known[max(place + 1 - WARM_UP_STEPS, 0) : place + 1]
    if age_ns > STALE_STEPS * series.step_ns or recent.sum() < KNOWN_SHARE_MIN * WARM_UP_STEPS:
        return None
    return place
