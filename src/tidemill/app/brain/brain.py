"""`tidemill brain`: judge every opportunity, write down why, and tell the execution server which to trade."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from tidemill.app.brain.config import BrainSettings
from tidemill.app.brain.decide import WEI_PER_GWEI, Facts, Refuse, Send, decide
from tidemill.app.brain.feed import BrainFeed
from tidemill.app.brain.journal import Journal, OpenSignal, open_journal
from tidemill.app.brain.market import Market
from tidemill.app.brain.retrain import retrain_regularly
from tidemill.app.brain.sender import Sender
from tidemill.app.brain.signal import Found, Terms, lender_of, signal_of_opportunity, why_unspellable
from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.bus import open_bus
from tidemill.core.clock import NS_PER_S, Clock, SystemClock
from tidemill.core.log import logging_to
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.signal import body_of
from tidemill.learn.config import MlSettings
from tidemill.learn.gas.model_files import METADATA
from tidemill.learn.parameters.agent import Agent
from tidemill.learn.parameters.chosen import chosen_agent
from tidemill.schema.events import Decision, DecisionState, ExecutionMode
from tidemill.schema.faults import Refused

_log = logging.getLogger("tidemill.brain")
_WAIT_MS = 50
_MINUTE_NS = 60 * NS_PER_S


class BrainOptions(Struct, frozen=True, kw_only=True):
    """What the command line says."""

    mode: ExecutionMode = ExecutionMode.PAPER
    is_live_confirmed: bool = False
    server: str | None = None
    """The setting brain.server where absent."""


class BrainParts(NamedTuple):
    """What a brain works with."""

    feed: BrainFeed
    journal: Journal
    sender: Sender
    limits: BrainSettings
    ml: MlSettings
    data: Path
    clock: Clock
    mode: ExecutionMode


def main(environment: Environment, options: BrainOptions) -> int:
    """Run until a signal; return the exit code.

    Raises: Refused, where LIVE was not said twice, trained models are wanted and absent, the folder has no
    bus, or the server is in another mode.
    """
    if options.mode is ExecutionMode.LIVE and not options.is_live_confirmed:
        raise Refused("brain: expected --confirm-live beside --mode LIVE; without, nothing is sent")
    settings = environment.settings
    with logging_to(environment.paths.logs, settings.log, environment.redactor, console=True):
        run(_run(environment, options))
    return 0


async def _run(environment: Environment, options: BrainOptions) -> None:
    settings, data, clock = environment.settings, environment.paths.data, SystemClock()
    limits, server = settings.brain, options.server or settings.brain.server
    async with (
        open_bus(environment.bus_url, settings.bus, is_reader=True, kafka=settings.kafka) as bus,
        open_journal(data) as journal,
        Sender(
            server,
            options.mode,
            journal,
            clock=clock,
            max_age_ms=limits.max_age_ms,
            api_key=limits.api_key,
        ) as sender,
    ):
        brain = Brain(
            BrainParts(
                BrainFeed(bus), journal, sender, limits, settings.ml, data, clock, ExecutionMode(options.mode)
            ),
            tell=_logged,
        )
        _log.info("%s: opportunities of %s to %s", options.mode, environment.redactor(bus.identity), server)
        await brain.start()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(brain.run(), name="brain")
            if settings.ml.enabled and settings.ml.auto_retrain:
                tasks.create_task(retrain_regularly(environment, brain.load), name="retrain")


class Brain:
    """The loop; `tell` gets every decision once it is durable."""

    def __init__(self, parts: BrainParts, *, tell: Callable[[Decision], None]) -> None:
        """Load what was learned. Raises: Refused, where that is wanted and absent; Malformed."""
        self._feed, self._journal, self._sender = parts.feed, parts.journal, parts.sender
        self._limits, self._ml, self._data, self._clock = parts.limits, parts.ml, parts.data, parts.clock
        self._mode, self._tell = parts.mode, tell
        self._markets: dict[str, Market] = {}
        self._waiting: list[Found] = []
        self._sent_ns: deque[int] = deque()
        self._agent: Agent | None = None
        self.load()

    def load(self) -> None:
        """Load what was learned, again. Raises: as the making."""
        models = self._data / "models"
        if self._ml.models_trained and not any(models.glob(f"**/{METADATA}")):
            raise Refused(
                f"{models}: ml.models_trained (ML_MODELS_TRAINED) is set: expected a trained forecaster, "
                "found none; `tidemill train` makes one"
            )
        if self._ml.enabled:
            self._agent = chosen_agent(self._data, is_live=self._mode is ExecutionMode.LIVE)
            for market in self._markets.values():
                market.load()

    async def start(self) -> None:
        """Begin where the bus is now. Raises: Unreachable."""
        await self._feed.start()

    async def run(self) -> None:
        """Judge what comes after `start` until cancelled. Raises: Refused, Unreachable, Malformed."""
        async with asyncio.TaskGroup() as tasks:
            for signal in await self._journal.opened():
                tasks.create_task(self._sender.send(signal, self._tell), name=signal.decision.idempotency_key)
            while True:
                for signal in await self._judged():
                    name = signal.decision.idempotency_key
                    tasks.create_task(self._sender.send(signal, self._tell), name=name)

    async def _judged(self) -> list[OpenSignal]:
        """Return signals that are to be sent, already written down."""
        found = await self._feed.take(wait_ms=_WAIT_MS)
        for block in self._feed.blocks:
            self._market(block["source"]).tell_block(block)
        self._feed.blocks.clear()
        now_ns = self._clock.now_ns()
        ready, waiting = list[Found](), list[Found]()
        for one in [*self._waiting, *found]:
            (ready if self._is_ready(one, now_ns) else waiting).append(one)
        self._waiting = waiting
        return [signal for one in ready if (signal := await self._judge(one)) is not None]

    def _is_ready(self, found: Found, now_ns: int) -> bool:
        """Return whether its risk was told, or was waited for long enough."""
        has_risk, _ = self._feed.risk_of(found)
        waited_ms = (now_ns - found.opportunity["recv_ns"]) / 1_000_000
        return has_risk or waited_ms >= self._limits.risk_wait_ms

    async def _judge(self, found: Found) -> OpenSignal | None:
        market = self._market(found.opportunity["source"])
        market.tell_price(found.opportunity["token"], found.opportunity["usd_per_unit"])
        now_ns = self._clock.now_ns()
        while self._sent_ns and now_ns - self._sent_ns[0] > _MINUTE_NS:
            self._sent_ns.popleft()
        facts = self._facts(found, market)
        verdict = decide(facts, self._limits, now_ns, len(self._sent_ns))
        decision = _decision(found, facts, verdict, self._mode, now_ns)
        if isinstance(verdict, Refuse):
            await self._journal.refuse(decision)
            self._tell(decision)
            return None
        self._sent_ns.append(now_ns)
        signal = signal_of_opportunity(
            found,
            Terms(
                loan_source=lender_of(found, LoanSource[self._limits.loan_source.upper()]),
                min_profit=verdict.min_profit,
                priority_fee_wei=round(facts.params["priority_fee"] * WEI_PER_GWEI),
                expected_profit_usd=verdict.expected_profit_usd,
            ),
        )
        opened = OpenSignal(decision, msgspec.json.encode(body_of(signal)), facts.found_ns)
        await self._journal.choose(opened)
        self._tell(decision)
        return opened

    def _facts(self, found: Found, market: Market) -> Facts:
        row = found.opportunity
        _, risk_score = self._feed.risk_of(found)
        return Facts(
            found_ns=row["recv_ns"],
            risk_score=risk_score,
            base_fee_gwei=market.base_fee_gwei,
            forecast=market.forecast(),
            params=market.params(self._agent),
            market_state=market.state(),
            unspellable=why_unspellable(found),
            **{name: row[name] for name in _TAKEN},
        )

    def _market(self, source: str) -> Market:
        if source not in self._markets:
            self._markets[source] = Market(
                source, self._data / "models", clock=self._clock, is_learned=self._ml.enabled
            )
        return self._markets[source]


_TAKEN = (
    "amount_in",
    "gross_profit",
    "flash_premium",
    "gas",
    "gas_price_wei",
    "net_profit",
    "net_profit_wei",
    "net_profit_usd",
    "usd_per_unit",
)
"""Of an opportunity, as it is."""


def _decision(
    found: Found, facts: Facts, verdict: Send | Refuse, mode: ExecutionMode, now_ns: int
) -> Decision:
    row, forecast = found.opportunity, facts.forecast
    return Decision(
        event_ns=now_ns,
        recv_ns=row["recv_ns"],
        source=row["source"],
        chain_id=row["chain_id"],
        block_number=row["block_number"],
        opportunity=row["opportunity"],
        sequence=0,
        mode=mode,
        state=DecisionState.CHOSEN if isinstance(verdict, Send) else DecisionState.REFUSED,
        reason=verdict.reason,
        idempotency_key=found.key,
        net_profit_usd=row["net_profit_usd"],
        expected_profit_usd=verdict.expected_profit_usd,
        min_profit=verdict.min_profit if isinstance(verdict, Send) else None,
        risk_score=facts.risk_score,
        gas_trend=str(forecast.trend) if forecast else None,
        gas_forecast_gwei=forecast.gas_gwei if forecast else None,
        gas_high_gwei=forecast.quantiles_gwei["0.95"] if forecast else None,
        predictor=forecast.predictor if forecast else None,
        market_state=facts.market_state,
        slippage_percent=facts.params["slippage"],
        priority_fee_gwei=facts.params["priority_fee"],
    )


def _logged(decision: Decision) -> None:
    _log.info(
        "%s block %s 0x%s %s: %s",
        decision.source,
        decision.block_number,
        decision.opportunity.hex()[:16],
        decision.state,
        decision.reason,
    )
