"""What is known of a chain's market when an opportunity is judged: gas, its forecast, how prices move."""

from collections import deque
from math import log
from pathlib import Path

from tidemill.app.brain.signal import Row
from tidemill.chains.evm.base_fee import next_base_fee_wei
from tidemill.core.clock import Clock
from tidemill.learn.gas.forecaster import MarketForecaster
from tidemill.learn.gas.model_files import METADATA, chain_folder
from tidemill.learn.gas.trend import Forecast
from tidemill.learn.parameters.agent import DEFAULT, ActionParams, Agent
from tidemill.learn.parameters.q_learning import state_of

SEEN_BLOCKS = 60
"""Of so many, the thirds of a market's state are made."""
KEPT_BLOCKS = 2_000
"""For a forecaster that is loaded anew: more than it needs in steps of a block."""
_WEI_PER_GWEI = 10**9


class Market:
    """One chain's; what it is told of goes in the order in which it happened."""

    def __init__(self, source: str, models: Path, *, clock: Clock, is_learned: bool) -> None:
        """`is_learned`: forecasts are wanted. Raises: Malformed, where a model's file is damaged."""
        self.source = source
        self._models, self._clock = models, clock
        self._blocks: deque[Row] = deque(maxlen=KEPT_BLOCKS)
        self._forecaster: MarketForecaster | None = None
        if is_learned:
            self.load()
        self._gas_gwei: deque[float] = deque(maxlen=SEEN_BLOCKS)
        self._moves: deque[float] = deque(maxlen=SEEN_BLOCKS)
        self._prices: dict[bytes, float] = {}
        self.base_fee_gwei: float | None = None
        """Of the next block, by EIP-1559; None before a block was told, and on a chain without."""

    def load(self) -> None:
        """Load the chain's forecaster, or that of no chain by name; it is told the last blocks."""
        is_own = (chain_folder(self._models, self.source) / METADATA).exists()
        self._forecaster = MarketForecaster(
            self._models, chain=self.source if is_own else None, clock=self._clock
        )
        for block in self._blocks:
            self._tell_forecaster(block)

    def tell_block(self, block: Row) -> None:
        """Take in a block; one from before the newest, by a reorg or a repaired gap, is passed over."""
        fee_wei = block["base_fee_wei"]
        if fee_wei is None or (self._blocks and block["event_ns"] < self._blocks[-1]["event_ns"]):
            return
        following_wei = next_base_fee_wei(fee_wei, block["gas_used"], block["gas_limit"])
        self.base_fee_gwei = following_wei / _WEI_PER_GWEI
        self._gas_gwei.append(self.base_fee_gwei)
        self._blocks.append(block)
        self._tell_forecaster(block)

    def _tell_forecaster(self, block: Row) -> None:
        # Where gas has no base fee but 0, as on BNB Chain, there is no change of it to forecast.
        if self._forecaster is not None and block["base_fee_wei"] > 0:
            self._forecaster.ingest_block(
                block["base_fee_wei"], block["gas_used"], block["gas_limit"], block["event_ns"]
            )

    def tell_price(self, token: bytes, usd: float | None) -> None:
        """Take in what a unit of a token is worth."""
        if usd is None or usd <= 0:
            return
        before = self._prices.get(token)
        self._prices[token] = usd
        if before is not None:
            self._moves.append(abs(log(usd / before)))

    def state(self) -> str:
        """Return the state's name: gas by thirds of the last blocks, and how far prices moved likewise."""
        return state_of(self.source, self._gas_gwei or (0.0,), self._moves or (0.0,))

    def forecast(self) -> Forecast | None:
        """Return where gas goes; None where that cannot be said."""
        return None if self._forecaster is None else self._forecaster.forecast()

    def params(self, agent: Agent | None) -> ActionParams:
        """Return what a trade is made with; the defaults without an agent."""
        return DEFAULT if agent is None else agent.get_action(self.state())
