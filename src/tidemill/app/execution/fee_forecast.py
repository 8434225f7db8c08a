"""How high may a base fee come to be while a transaction waits: told by the forecaster that was trained."""

from pathlib import Path

from tidemill.core.clock import Clock
from tidemill.learn.gas.forecaster import MarketForecaster
from tidemill.learn.gas.model_files import METADATA, chain_folder
from tidemill.schema.faults import Refused

_HIGH = "0.95"
"""Of the distribution that is forecast: one block in twenty is dearer."""
_WEI_PER_GWEI = 10**9


class TrainedBaseFee:
    """Tells one chain's forecaster of its blocks, and what it says in wei."""

    def __init__(self, models: Path, chain: str, clock: Clock) -> None:
        """Load what was trained for `chain`, or for no chain by name.

        Raises: Refused, where nothing was trained; Malformed, where a file is damaged.
        """
        is_own = (chain_folder(models, chain) / METADATA).exists()
        if not is_own and not (models / METADATA).exists():
            raise Refused(
                f"execution.live.is_forecast: expected a forecaster in {models}, found none; `tidemill train`"
                " makes one"
            )
        self._forecaster = MarketForecaster(models, chain=chain if is_own else None, clock=clock)
        self._newest_ns = -1

    def tell_block(self, base_fee_wei: int, gas_used: int, gas_limit: int, event_ns: int) -> None:
        """Take in the newest block; one that was told, or is older, or is for nothing says nothing new."""
        if event_ns > self._newest_ns and base_fee_wei > 0:
            self._newest_ns = event_ns
            self._forecaster.ingest_block(base_fee_wei, gas_used, gas_limit, event_ns)

    def high_wei(self) -> int | None:
        """Return what 19 of 20 forecasts are below; None before enough blocks were told."""
        forecast = self._forecaster.forecast()
        return None if forecast is None else int(forecast.quantiles_gwei[_HIGH] * _WEI_PER_GWEI)
