"""Run the stages in one process: a reader for each chain, the bus, the store and its writer."""

import asyncio
import logging
import secrets
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
from msgspec import Struct

from tidemill._rust import BookSet
from tidemill.app.beside import Beside
from tidemill.app.brain.journal_relay import relay_journal
from tidemill.app.chains.chain import kept_state, make_book, make_follower
from tidemill.app.chains.dex_feed import members_by_name
from tidemill.app.chains.gains import Gains
from tidemill.app.chains.pipeline import ChainPipeline, Flow
from tidemill.app.chains.searching import begin_search, make_finders
from tidemill.app.chains.token_watch import TokenWatch
from tidemill.app.execution.ledger_relay import LedgerRelay
from tidemill.app.insisting import commit_surely
from tidemill.app.inspecting.inspections import Inspections
from tidemill.app.memory import MemoryWatch
from tidemill.app.recording.digest import Digest
from tidemill.app.settings import Environment
from tidemill.app.streams.feature_run import FeatureRun
from tidemill.app.streams.lag_watch import LagWatch
from tidemill.app.streams.risk_run import RiskRun
from tidemill.app.venues.book_feed import BookFeed
from tidemill.app.venues.markets import MarketRun, OpenMarket, depth_of, markets_of
from tidemill.app.venues.subgraphs import SubgraphRun, subgraphs_of
from tidemill.app.whales.whale_run import WhaleRun
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import State
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import Clock, SystemClock
from tidemill.core.pauses import avoid_pauses
from tidemill.core.recording import Recorder
from tidemill.core.redact import Redactor
from tidemill.process.opportunities import SearchConfig
from tidemill.process.pools import Batches
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Fault, Refused, Unreachable, leaves
from tidemill.store import Store, TableSize, TopicStored, Writer, open_store
from tidemill.store.latest import Depth
from tidemill.store.ledger import summary
from tidemill.venues.subgraph_config import SubgraphConfig

_log = logging.getLogger("tidemill.engine")


class ChainStatus(Struct):
    """How one chain fares."""

    chain_id: int
    state: str = "connecting"
    tip: int | None = None
    pools: int = 0
    faults: int = 0
    last_fault: str = ""
    digest: str = ""
    recording: str = ""


class Engine:
    """Everything that `up` runs; use it as an async context manager, then `run` it.

    `chains` are read until cancelled; one that is Refused or Unsafe ends alone.
    """

    def __init__(
        self,
        environment: Environment,
        chains: Mapping[str, EvmConfig],
        *,
        record: bool = False,
        clock: Clock | None = None,
        search: Mapping[str, SearchConfig] | None = None,
        on_batches: Callable[[Batches], None] | None = None,
        with_store: bool = True,
        markets: Mapping[str, OpenMarket] | None = None,
    ) -> None:
        """Make one; without a store all ends at the bus. `markets` are those of the settings by default."""
        self.flow = Flow(is_stored=with_store)
        self.pipelines: dict[str, ChainPipeline] = {}
        self.shells: dict[str, Shell] = {}
        """What reads each chain, by source."""
        self.statuses = {source: ChainStatus(config.chain_id) for source, config in chains.items()}
        self.store_faults: deque[str] = deque(maxlen=20)
        """The last ones."""
        self.memory = MemoryWatch(self._engine_bytes)
        self.store_fault_count = 0
        self.is_store_up = True
        """Whether what the writer tried last worked."""
        self.bus: Bus
        self.beside: Beside
        """The stores that stand beside the main one."""
        self.markets: dict[str, MarketRun] = {}
        """What reads each venue, by source."""
        self.subgraphs: dict[str, SubgraphRun] = {}
        """What reads each subgraph, by source."""
        self.inspections: Inspections
        """What looks for arbitrages in blocks."""
        self.whales: WhaleRun
        """What watches wallets, where a chain has exchanges."""
        self.gains = Gains(environment.settings.solana)
        self.features: FeatureRun
        """What makes the records of arbitrage transactions."""
        self.lags: LagWatch
        """What knows how far processors are behind."""
        self.ledgers: LedgerRelay
        """What brings execution's ledgers to the bus."""
        self._store: Store | None = None
        self._writer: Writer | None = None
        self.has_store = with_store
        self._open_markets = markets_of(environment.settings) if markets is None else dict(markets)
        self._environment = environment
        self._chains = dict(chains)
        self._search = environment.settings.search if search is None else search
        self._finders = make_finders(self._search, chains)
        self._book_feed = BookFeed(self._finders, self.pipelines, self.markets)
        self._record = record
        self._clock = clock or SystemClock()
        self._on_batches = on_batches
        self._opened = AsyncExitStack()
        self._started_s = time.monotonic()

    async def __aenter__(self) -> Self:
        """Open the bus and the store. Raises: Refused, where another process owns them."""
        settings = self._environment.settings
        if self.has_store or not self._environment.bus_url.startswith("memory:"):
            self._environment.paths.data.mkdir(parents=True, exist_ok=True)
        async with AsyncExitStack() as opened:
            self.bus = await opened.enter_async_context(
                open_bus(self._environment.bus_url, settings.bus, kafka=settings.kafka)
            )
            if self.has_store:
                self._store = await opened.enter_async_context(
                    open_store(self._environment.store_url, settings.store)
                )
                await self._store.migrate()
                self._writer = self._make_writer(self._store)
            self.flow.heads.update(await self.bus.heads(EVENTS))
            self.beside = await opened.enter_async_context(Beside(settings, self.bus, self._kept))
            for source, open_market in self._open_markets.items():
                self.markets[source] = open_market(self.bus, self._clock, self._committed)
            told = self._clock, self._committed
            self.inspections = Inspections(self._chains, self._search, settings.solana, self.bus, told)
            await self.inspections.start()
            self.whales = WhaleRun(self._environment, self._chains, self.bus, self._clock, self._committed)
            self.features = FeatureRun(self.bus, settings.features)
            self.lags = LagWatch(self.bus, settings.kafka.consumer.group_id)
            self.ledgers = LedgerRelay(self._environment.paths.data, self.bus)
            self._opened = opened.pop_all()
        return self

    def _make_writer(self, store: Store) -> Writer:
        return Writer(
            self.bus,
            store,
            settings=self._environment.settings.store.writer,
            now_ns=self._clock.now_ns,
            on_stored=self._stored,
            on_fault=self._store_fault,
        )

    async def __aexit__(self, *exc: object) -> None:
        """Close the store and the bus."""
        await self._opened.aclose()

    async def run(self) -> None:
        """Read and write until cancelled, or until all chains and venues ended; the first bug ends all."""
        avoid_pauses()
        async with asyncio.TaskGroup() as tasks:
            writing = [
                tasks.create_task(self.beside.run(name), name=f"sink {name}") for name in self.beside.tails
            ]
            if self._writer is not None:
                writing.append(tasks.create_task(self._writer.run(), name="store writer"))
            reading = [
                tasks.create_task(self._read(source, config), name=f"chain {source}")
                for source, config in self._chains.items()
            ]
            reading += [
                tasks.create_task(run.run(), name=f"venue {source}") for source, run in self.markets.items()
            ]
            reading += [tasks.create_task(run, name=name) for name, run in self.inspections.reading()]
            beside = [
                tasks.create_task(self._subgraph(source, config).run(), name=f"subgraph {source}")
                for source, config in subgraphs_of(self._environment.settings.subgraphs, self._chains).items()
            ]
            beside += [tasks.create_task(run, name=name) for name, run in self.whales.tasks()]
            beside += [tasks.create_task(run, name=name) for name, run in self.inspections.beside()]
            beside.append(tasks.create_task(self._book_feed.run(), name="books"))
            beside.append(tasks.create_task(self.memory.run(), name="memory"))
            beside.append(tasks.create_task(self.features.run(self._commit), name="features"))
            beside.append(tasks.create_task(self.lags.run(), name="lags"))
            beside.append(tasks.create_task(self.ledgers.run(self._commit), name="ledgers"))
            decisions = relay_journal(self._environment.paths.data, self.bus, self._commit)
            beside.append(tasks.create_task(decisions, name="decisions"))
            if self._finders:
                risks = RiskRun(self.bus, self.features)
                beside.append(tasks.create_task(risks.run(self._commit), name="risks"))
            await asyncio.wait(reading)
            for task in beside:
                task.cancel()
            if self._writer is not None:
                await self._writer.drain()
            for task in writing:
                task.cancel()

    async def _engine_bytes(self) -> int | None:
        return None if self._store is None else await self._store.engine_bytes()

    @property
    def memory_budget_bytes(self) -> int | None:
        """How much the process may hold; None where nobody said."""
        mb = self._environment.settings.memory.mb
        return None if mb is None else mb << 20

    def _subgraph(self, source: str, config: SubgraphConfig) -> SubgraphRun:
        chain = self._chains[config.chain]

        def number() -> int | None:
            """Return the newest block that the chain's endpoints have told."""
            shell = self.shells.get(config.chain)
            heads = [] if shell is None else [card.head_number for card in shell.links.cards]
            return max((head for head in heads if head is not None), default=None)

        def is_alive() -> bool:
            """Say whether the exchange is read from the chain now."""
            members = members_by_name(chain).get(config.dex, frozenset())
            tracked = {*chain.dexes, *(factory.dex for factory in chain.factories)}
            told = _told(
                self.statuses[config.chain],
                self.pipelines.get(config.chain),
                self._environment.redactor,
            )
            return bool(members) and members <= tracked and told["state"] == "running"

        run = self.subgraphs[source] = SubgraphRun(
            config,
            chain,
            self.bus,
            self._clock,
            chain_number=number,
            chain_alive=is_alive,
            on_batches=self._committed,
        )
        return run

    def depth(self, source: str, instrument: str, levels_max: int) -> Depth | None:
        """Return the book that a venue's reader keeps; None where none is live."""
        run = self.markets.get(source)
        return None if run is None else depth_of(run, instrument, levels_max)

    def _kept(self, source: str) -> BookSet | None:
        run = self.markets.get(source)
        return None if run is None else run.books.kept

    async def _read(self, source: str, config: EvmConfig) -> None:
        status = self.statuses[source]
        try:
            async with AsyncExitStack() as opened:
                recorder = await self._recorder(opened, source)
                run_id, state = secrets.token_hex(8), await kept_state(self.bus, source)
                follower = make_follower(config, state, run_id)
                book, finder = make_book(config, state.items()), self._finders.get(source)
                search = None if finder is None else await begin_search(finder, self.bus, book, config)
                watch = None if finder is None else TokenWatch(config, self._clock)
                whales = await self.whales.book(config)
                pipeline = ChainPipeline(
                    book,
                    self.bus,
                    self._clock,
                    flow=self.flow,
                    digest=Digest() if recorder else None,
                    pursuit=None if search is None else search.pursuit,
                    whales=whales,
                    on_batches=self._told,
                    on_untried=None if watch is None else watch.want,
                )
                number, _ = follower.tip
                pipeline.tip = number if number >= 0 else None  # what an earlier run committed counts
                self.pipelines[source] = pipeline
                status.state = "running"
                shell = Shell(
                    follower, pipeline.take, self._clock, recorder=recorder, on_recorder_fault=pipeline.note
                )
                self.shells[source] = shell
                begun = state if search is None else {**state, **search.state}
                async with asyncio.TaskGroup() as tasks:
                    beside = [
                        tasks.create_task(self.whales.follow_venues(pipeline, source), name="matches"),
                        tasks.create_task(pipeline.pursue(), name="pursuit"),
                    ]
                    await _run(shell, run_id, begun, watch)
                    for task in beside:
                        task.cancel()
        except* Fault as faults:  # a kept state that cannot be read, too: the other chains go on
            fault = next(leaves(faults))
            status.state = "refused" if isinstance(fault, Refused) else "stopped"
            status.last_fault = str(fault)
            _log.error("chain %s ended, the others go on: %s", source, fault)

    async def _commit(self, batches: Batches, state: State) -> None:
        self._committed(batches, await commit_surely(self.bus, batches, state))

    def _committed(self, batches: Batches, offsets: list[int]) -> None:
        self.flow.committed(batches, offsets, self._clock.now_ns())
        self._told(batches)

    def _told(self, batches: Batches) -> None:
        self.whales.told.take(batches, self._clock.now_ns())
        self.gains.take(batches, self._clock.now_ns())
        self._book_feed.take(batches)
        if self._on_batches is not None:
            self._on_batches(batches)

    async def _recorder(self, opened: AsyncExitStack, source: str) -> Recorder | None:
        if not self._record:
            return None
        folder = self._environment.paths.recordings
        folder.mkdir(parents=True, exist_ok=True)
        path = recording_path(folder, source, self._clock.now_ns())
        recorder = Recorder(path, on_last_fault=lambda fault: self._recorder_fault(source, fault))
        try:
            await opened.enter_async_context(recorder)
        except (Refused, Unreachable) as fault:
            self._recorder_fault(source, fault)
            return None
        self.statuses[source].recording = str(path)
        return recorder

    def _recorder_fault(self, source: str, fault: Fault) -> None:
        """Tell that a recording could not be begun or ended; the chain goes on without it."""
        self.statuses[source].last_fault = str(fault)
        _log.error("chain %s: %s", source, fault)

    def _stored(self, topic: str, last_offset: int, stored_ns: int) -> None:
        self.is_store_up = True
        self.flow.stored(topic, last_offset, stored_ns)

    def _store_fault(self, fault: Fault) -> None:
        self.is_store_up = False
        self.store_fault_count += 1
        self.store_faults.append(str(fault))
        _log.error("store: %s", fault)

    async def query(self, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
        """Return the answer to a statement that only reads. Raises: Refused, also where nothing is stored."""
        return await self.store.query(sql, params=params)

    @property
    def store(self) -> Store:
        """What its events are stored in. Raises: Refused, where nothing is stored."""
        if self._store is None:
            raise Refused("sql: expected a process that stores its events, found one that only reads them")
        return self._store

    def stream(self, sql: str) -> AsyncGenerator[pa.RecordBatch]:
        """Yield the answer to a statement that only reads. Raises: Refused, also where nothing is stored."""
        if self._store is None:
            raise Refused("sql: expected a process that stores its events, found one that only reads them")
        return self._store.stream(sql)

    async def is_stored(self) -> bool:
        """Say whether all that is on the bus now can be queried."""
        if self._writer is None:
            return True
        try:
            return await self._writer.is_drained()
        except Unreachable:  # the bus is on a server: what cannot be told is not known to be so
            return False

    def stored(self, topic: str) -> TopicStored | None:
        """Return what the store has of a topic; None where nothing is stored."""
        return None if self._writer is None else self._writer.stored[topic]

    async def sizes(self) -> list[TableSize]:
        """Return how much each table holds."""
        return [] if self._store is None else await self._store.stats()

    async def rows(self) -> dict[str, int]:
        """Return the rows of every table, as stored."""
        return {size.table: size.rows for size in await self.sizes()}

    @property
    def uptime_s(self) -> float:
        """How long it has been there."""
        return time.monotonic() - self._started_s

    def chain_status(self, source: str) -> dict[str, Any]:
        """Return how one chain fares, as JSON has it, without scorecards and coverage."""
        status, pipeline = self.statuses[source], self.pipelines.get(source)
        if pipeline is not None:
            status.tip = pipeline.tip
            status.pools = len(pipeline.book.pools)
            status.faults = pipeline.fault_count
            status.digest = pipeline.digest.hex() if pipeline.digest else ""
        return _told(status, pipeline, self._environment.redactor)

    async def status(self) -> dict[str, Any]:
        """Return how everything fares, as JSON has it."""
        chains: dict[str, Any] = {}
        redact = self._environment.redactor
        for source in self.statuses:
            chains[source] = self.chain_status(source)
            pipeline, shell = self.pipelines.get(source), self.shells.get(source)
            if pipeline is not None and pipeline.pursuit is not None:
                chains[source]["autopsy"] = pipeline.pursuit.counts
            chains[source] |= self.inspections.chain_status(source, redact)
            chains[source]["coverage"] = {} if pipeline is None else summary(pipeline.ledger)
            if shell is not None:
                chains[source]["scorecards"] = shell.told(self._clock.now_ns())
                chains[source]["inbox"] = {"batches": shell.inbox_batches, "waits": shell.inbox_wait_count}
            if source in self._finders:
                left_out = self._finders[source].unpriced
                chains[source]["unpriced"] = {f"0x{pool.hex()}": why for pool, why in left_out.items()}
        return {
            "uptime_s": round(self.uptime_s, 1),
            "data": str(self._environment.paths.data),
            "events": self.flow.events,
            "frame_to_bus": self.flow.to_bus.summary_ms(),
            "frame_to_stored": self.flow.to_store.summary_ms(),
            "chains": chains,
            "solana": self.inspections.status(redact),
            "whales": self.whales.status(redact),
            "subgraphs": {source: _redacted(run.status(), redact) for source, run in self.subgraphs.items()},
            "venues": {source: _redacted(run.status(), redact) for source, run in self.markets.items()},
            "sinks": self.beside.status(redact),
            "store": {
                "is_stored": await self.is_stored(),
                "faults": [redact(fault) for fault in self.store_faults],
            },
        }


async def _run(shell: Shell, run_id: str, state: Mapping[bytes, bytes], watch: TokenWatch | None) -> None:
    """Follow a chain, and try tokens beside it."""
    if watch is None:
        await shell.run(run_id, state)
        return
    async with asyncio.TaskGroup() as tasks:
        trying = tasks.create_task(watch.run(shell.tell), name="tokens")
        try:
            await shell.run(run_id, state)
        finally:
            trying.cancel()


def _redacted(told: dict[str, Any], redact: Redactor) -> dict[str, Any]:
    return told | {name: redact(told[name]) for name in ("detail", "last_fault") if name in told}


def _told(status: ChainStatus, pipeline: ChainPipeline | None, redact: Redactor) -> dict[str, Any]:
    """Return a chain's status as JSON has it: it runs where one of its endpoints answers."""
    told: dict[str, Any] = {name: getattr(status, name) for name in status.__struct_fields__}
    heard = pipeline.endpoints if pipeline is not None else {}
    if status.state == "running" and not any(health.state.is_alive for health in heard.values()):
        told["state"] = "connecting"
    told["endpoints"] = {
        endpoint: redact(" ".join(filter(None, (health.state, health.detail))))
        for endpoint, health in heard.items()
    }
    newest = str(pipeline.faults[-1]) if pipeline is not None and pipeline.faults else ""
    told["last_fault"] = redact(status.last_fault or newest)
    return told


def recording_path(folder: Path, source: str, now_ns: int) -> Path:
    """Return the name of a new recording of `source`: its time keeps names apart."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime(now_ns // 1_000_000_000))
    return folder / f"{source}-{stamp}-{now_ns % 1_000_000_000:09d}.tidemill"
