"""What the data API and the metrics see of a running engine: its parts' counts, read into plain structs."""

import asyncio
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

import msgspec
import pyarrow as pa

from tidemill.app.chains.gains import Gains
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.engine import Engine
from tidemill.app.venues.markets import venue_state
from tidemill.bus.base import Entry
from tidemill.core.clock import NS_PER_S, Clock, SystemClock
from tidemill.core.latency import Latency
from tidemill.process.features.words import ASKED
from tidemill.schema.events import EVENTS
from tidemill.serve.alerting.alerting import Alerting
from tidemill.serve.program import (
    BOUNDS_S,
    ArbitrageCounts,
    AutopsyCounts,
    ChainState,
    CoverageCounts,
    EndpointState,
    ProgramState,
    SinkState,
    Times,
    Told,
    TopicState,
    WhaleState,
)
from tidemill.store import Page, TableSize
from tidemill.store.ledger import summary
from tidemill.store.tail import TailCounts

_BOUNDS_NS = [round(bound_s * NS_PER_S) for bound_s in BOUNDS_S]


class Observed:
    """An engine as `tidemill.serve` has it: nothing is counted for it that the engine does not count."""

    def __init__(
        self, engine: Engine, clock: Clock | None = None, *, alerting: Alerting | None = None
    ) -> None:
        self._engine = engine
        self._alerting = alerting
        self._clock = clock or SystemClock()
        self.version = running_version()
        """None where it is not known."""

    async def state(self) -> ProgramState:
        """Return how everything fares, at one moment: nothing else runs on the loop meanwhile."""
        engine, now_ns = self._engine, self._clock.now_ns()
        return ProgramState(
            version=self.version,
            now_ns=now_ns,
            uptime_s=engine.uptime_s,
            is_bus_up=all(pipeline.is_bus_up for pipeline in engine.pipelines.values()),
            is_store_up=engine.is_store_up,
            store_faults=engine.store_fault_count,
            has_store=engine.has_store,
            to_bus=_times(engine.flow.to_bus),
            to_store=_times(engine.flow.to_store),
            memory=engine.memory.parts(),
            tasks=len(asyncio.all_tasks()),
            memory_budget_bytes=engine.memory_budget_bytes,
            topics={topic: self._topic(topic) for topic in EVENTS},
            chains=tuple(self._chain(source, now_ns) for source in engine.statuses),
            whales=WhaleState(
                watched=engine.whales.watched,
                trades=dict(engine.whales.told.trades),
                last_trades_ns=dict(engine.whales.told.last_ns),
                latency=_times(engine.whales.told.latency),
            ),
            venues=tuple(venue_state(source, run.status()) for source, run in engine.markets.items()),
            arbitrages=_arbitrages(engine.gains, now_ns),
            kafka_sent_per_s=engine.bus.sent_per_s,
            processors=self._processors(),
            sinks=tuple(_sink(name, counts) for name, counts in engine.beside.counts().items()),
            alert_routes=() if self._alerting is None else self._alerting.states(),
            alerts_suppressed=0 if self._alerting is None else self._alerting.suppressed,
        )

    async def query(self, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
        """Return the store's answer. Raises: Refused."""
        return await self._engine.query(sql, params)

    async def sizes(self) -> list[TableSize]:
        """Return how much each table holds."""
        return await self._engine.sizes()

    async def page(self, tag: str, page: Page) -> pa.Table:
        """Return a page of stored events. Raises: Refused."""
        return await self._engine.store.page(tag, page)

    @property
    def bus_identity(self) -> str:
        """Names the bus."""
        return self._engine.bus.identity

    async def span(self, topic: str) -> tuple[int, int]:
        """Return the lowest offset of a topic that can be read, and that after the last."""
        bus = self._engine.bus
        return await bus.first(topic), await bus.head(topic)

    async def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        """Return batches from `offset` on. Raises: Gap, Poison, Refused."""
        return await self._engine.bus.read(topic, offset, batches_max=batches_max)

    def listen(self, told: Told) -> None:
        """Call `told` with all that is committed from now on."""
        self._engine.flow.listeners.append(told)

    def ignore(self, told: Told) -> None:
        """Call it no longer."""
        self._engine.flow.listeners.remove(told)

    def _processors(self) -> dict[str, dict[str, int]]:
        engine = self._engine
        told, reached = dict(engine.lags.waiting), engine.features.next_offset
        if reached is not None:
            told["features"] = {ASKED: max(engine.flow.heads.get(ASKED, reached) - reached, 0)}
        return told

    def _topic(self, topic: str) -> TopicState:
        flow, stored = self._engine.flow, self._engine.stored(topic)
        if stored is None:
            return TopicState(events=flow.rows[topic], stored=0, inserts=0, insert_s=0, waiting_batches=0)
        return TopicState(
            events=flow.rows[topic],
            stored=stored.rows,
            inserts=stored.inserts,
            insert_s=stored.insert_ns_sum / NS_PER_S,
            waiting_batches=max(flow.heads.get(topic, 0) - stored.next_offset, 0),
        )

    def _chain(self, source: str, now_ns: int) -> ChainState:
        engine = self._engine
        told = engine.chain_status(source)
        shell, pipeline = engine.shells.get(source), engine.pipelines.get(source)
        cards = shell.told(now_ns) if shell is not None else {}
        return ChainState(
            source=source,
            chain_id=told["chain_id"],
            state=told["state"],
            tip=told["tip"],
            pools=told["pools"],
            faults=told["faults"],
            last_fault=told["last_fault"],
            inbox_batches=shell.inbox_batches if shell is not None else 0,
            inbox_waits=shell.inbox_wait_count if shell is not None else 0,
            coverage=msgspec.convert(summary(pipeline.ledger), CoverageCounts) if pipeline else None,
            autopsy=_autopsy(pipeline),
            endpoints={number: msgspec.convert(card, EndpointState) for number, card in cards.items()},
        )


def _autopsy(pipeline: ChainPipeline | None) -> AutopsyCounts | None:
    if pipeline is None or pipeline.pursuit is None:
        return None
    return msgspec.convert(pipeline.pursuit.counts, AutopsyCounts)


def _arbitrages(gains: Gains, now_ns: int) -> ArbitrageCounts:
    return ArbitrageCounts(
        transactions=dict(gains.transactions),
        per_s={source: rate.per_s(now_ns) for source, rate in gains.rates.items()},
        net_sol=gains.net_sol,
    )


def running_version() -> str | None:
    """Return which version runs; None where it was not installed as a package."""
    try:
        return version("tidemill")
    except PackageNotFoundError:
        return None


def _times(latency: Latency) -> Times:
    return Times(
        counts=tuple(latency.counts_below(_BOUNDS_NS)),
        count=latency.count,
        sum_s=latency.sum_ns / NS_PER_S,
        max_s=latency.max_ns / NS_PER_S,
    )


def _sink(name: str, counts: TailCounts) -> SinkState:
    return SinkState(
        name=name,
        is_up=counts.is_up,
        rows=counts.rows,
        dropped_batches=counts.dropped_batches,
        retries=counts.retries,
        last_fault=counts.last_fault,
    )
