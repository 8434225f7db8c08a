"""`tidemill serve`: the data API in a process of its own, over a store and a bus that others write."""

import asyncio
import logging
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing

import pyarrow as pa

from tidemill.app.api.additions import additions_of
from tidemill.app.api.api_protection import protecting_api
from tidemill.app.api.workers import ALONE, Share, supervise
from tidemill.app.control import ask_status, is_running
from tidemill.app.observed import running_version
from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.app.tracing import tracing_of
from tidemill.bus import Bus, open_bus
from tidemill.bus.base import Entry
from tidemill.core.clock import SystemClock
from tidemill.core.log import logging_to
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Gap, Malformed, Refused, Unreachable
from tidemill.serve.ports import Ports, take_ports
from tidemill.serve.program import BOUNDS_S, ProgramState, Times, Told, WhaleState
from tidemill.serve.server import answering
from tidemill.store import Page, Store, TableSize, open_store

_log = logging.getLogger("tidemill.serve")
_POLL_S = 0.1
"""How often it is looked what others put on the bus."""
_BATCHES = 64
_NO_TIMES = Times(counts=(0,) * len(BOUNDS_S), count=0, sum_s=0.0)


class Served:
    """A store and a bus that others write, as `tidemill.serve` sees a program."""

    def __init__(self, store: Store, bus: Bus) -> None:
        self.version = running_version()
        self._store, self._bus = store, bus
        self._clock = SystemClock()
        self._began_s = time.monotonic()
        self._is_bus_up = True
        self._listeners: list[Told] = []

    async def state(self) -> ProgramState:
        """Return how it fares; of who reads and writes it knows nothing."""
        return ProgramState(
            version=self.version,
            now_ns=self._clock.now_ns(),
            uptime_s=time.monotonic() - self._began_s,
            is_bus_up=self._is_bus_up,
            is_store_up=True,
            store_faults=0,
            to_bus=_NO_TIMES,
            to_store=_NO_TIMES,
            topics={},
            chains=(),
            whales=WhaleState(watched=None, trades={}, last_trades_ns={}, latency=_NO_TIMES),
            is_reader=True,
        )

    async def query(self, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
        """Return the store's answer. Raises: Refused."""
        return await self._store.query(sql, params=params)

    async def sizes(self) -> list[TableSize]:
        """Return how much each table holds."""
        return await self._store.stats()

    async def page(self, tag: str, page: Page) -> pa.Table:
        """Return a page of stored events. Raises: Refused."""
        return await self._store.page(tag, page)

    @property
    def bus_identity(self) -> str:
        """Names the bus."""
        return self._bus.identity

    async def span(self, topic: str) -> tuple[int, int]:
        """Return the lowest offset of a topic that can be read, and that after the last."""
        return await self._bus.first(topic), await self._bus.head(topic)

    async def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        """Return batches from `offset` on. Raises: Gap, Poison, Refused."""
        return await self._bus.read(topic, offset, batches_max=batches_max)

    def listen(self, told: Told) -> None:
        """Call `told` with all that others commit from now on."""
        self._listeners.append(told)

    def ignore(self, told: Told) -> None:
        """Call it no longer."""
        self._listeners.remove(told)

    async def follow(self) -> None:
        """Tell the listeners what others commit, until cancelled."""
        places = await self._bus.heads(EVENTS)
        while True:
            await asyncio.sleep(_POLL_S)
            try:
                heads = await self._bus.heads(EVENTS)
                self._is_bus_up = True
            except Unreachable:
                self._is_bus_up = False
                continue
            for topic, head in heads.items():
                if head > places[topic]:
                    places[topic] = await self._tell(topic, places[topic], head)

    async def _tell(self, topic: str, offset: int, head: int) -> int:
        """Tell what came of a topic; return where it goes on."""
        try:
            entries = await self.read(topic, offset, _BATCHES)
        except (
            Gap,
            Malformed,
            Refused,
        ) as fault:  # trimmed, unreadable, or in partitions
            _log.warning("%s: %s", topic, fault)
            return head
        for entry in entries:
            for told in tuple(self._listeners):
                told([(topic, entry.batch)], [entry.offset])
        return entries[-1].offset + 1 if entries else head


def main(environment: Environment) -> int:
    """Serve until a signal; return the exit code.

    Raises: Refused, where another process owns the store and serves it itself, or a port is taken.
    """
    with logging_to(environment.paths.logs, environment.settings.log, environment.redactor, console=True):
        run(_serve(environment))
        _log.info("stopped")
    return 0


async def _serve(environment: Environment) -> None:
    await _check_free(environment)
    api, metrics = environment.settings.api, environment.settings.metrics
    if api.workers > 1:
        await supervise(environment, serve)
        return
    with closing(take_ports(api, metrics)) as ports:
        await serve(environment, ports, ALONE)


async def serve(environment: Environment, ports: Ports, mine: Share) -> None:
    """Answer at `ports` until cancelled, which is the `mine` of what all workers do."""
    settings = environment.settings
    async with AsyncExitStack() as opened:
        protection = opened.enter_context(protecting_api(environment, mine.logs, mine.secret))
        bus = open_bus(environment.bus_url, settings.bus, is_reader=True, kafka=settings.kafka)
        served = Served(
            await opened.enter_async_context(open_store(environment.store_url, settings.store)),
            await opened.enter_async_context(bus),
        )
        traces = opened.enter_context(tracing_of(environment, is_stored=False))
        additions = additions_of(environment, served.version, None, protection, traces=traces)
        connections_max = settings.api.connections_max
        api = await opened.enter_async_context(answering(served, ports, connections_max, additions))
        mine.begun()
        _log.info("data API at %s, metrics at %s/metrics", ports.api.url, ports.metrics.url)
        async with asyncio.TaskGroup() as tasks:
            following = tasks.create_task(served.follow(), name="bus")
            await api.until_ended()
            following.cancel()


async def _check_free(environment: Environment) -> None:
    """Raise Refused, where an `up` owns the folder: it serves the same itself."""
    data = environment.paths.data
    if not environment.store_url.startswith("chdb://") or not await is_running(data):
        return
    status = await ask_status(data) or {}
    url = status.get("api", {}).get("url")
    where = f"it serves the data API at {url}" if url else "without --no-api it serves the data API itself"
    raise Refused(f"serve: expected nobody to own {data}, found a running `tidemill up`: {where}")
