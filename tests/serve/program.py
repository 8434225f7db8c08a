"""A program as the server sees one: its state is what a test says, its store answers from memory."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import aiohttp
import msgspec
import pyarrow as pa

from tidemill.bus.base import Entry
from tidemill.schema.faults import Refused
from tidemill.serve.config import ApiSettings, MetricsSettings
from tidemill.serve.ports import take_ports
from tidemill.serve.program import (
    BOUNDS_S,
    ArbitrageCounts,
    AutopsyCounts,
    ChainState,
    CoverageCounts,
    EndpointState,
    LinkState,
    Program,
    ProgramState,
    Times,
    Told,
    TopicState,
    WhaleState,
)
from tidemill.serve.server import NOTHING_ADDED, Additions, answering
from tidemill.store import Page, TableSize


def link(name: str = "ws", **changes: Any) -> LinkState:
    state = LinkState(
        url=f"{name}://one.example", open=True, leads=True, breaker="closed", connects=3, frames=70
    )
    return msgspec.structs.replace(state, **changes)


def endpoint(**changes: Any) -> EndpointState:
    state = EndpointState(
        honesty=0.9,
        grade=2,
        answers=10,
        latency_ms=12.5,
        lag_ms=None,
        head=105,
        wrong_chain=False,
        lied=1,
        wrong_fork=0,
        garbled=0,
        stale=0,
        limited=4,
        failed=5,
        acquittals=2,
        links={"ws": link(), "http": link("http", leads=False, breaker="half_open", connects=0, frames=0)},
    )
    return msgspec.structs.replace(state, **changes)


def chain(**changes: Any) -> ChainState:
    counts = CoverageCounts(
        from_block=1,
        to_block=100,
        complete_blocks={"bloom": 90, "claimed": 7},
        missing_blocks=3,
        open_gaps=1,
        closed_gaps=2,
        last_gap="a node lied",
    )
    state = ChainState(
        source="eth",
        chain_id=1,
        state="running",
        tip=100,
        pools=26,
        faults=8,
        last_fault="",
        inbox_batches=4,
        inbox_waits=5,
        coverage=counts,
        endpoints={"0": endpoint()},
        autopsy=AutopsyCounts(followed=11, ended={"taken": 12, "costs": 13}, refused=14, half_life_blocks=3),
    )
    return msgspec.structs.replace(state, **changes)


def topic(**changes: Any) -> TopicState:
    state = TopicState(events=1000, stored=900, inserts=30, insert_s=0.6, waiting_batches=2)
    return msgspec.structs.replace(state, **changes)


def times(*durations_s: float) -> Times:
    return Times(
        counts=tuple(sum(one < bound for one in durations_s) for bound in BOUNDS_S),
        count=len(durations_s),
        sum_s=sum(durations_s),
    )


def program(**changes: Any) -> ProgramState:
    state = ProgramState(
        version="1.2.3",
        now_ns=1_000_000_000_000,
        uptime_s=60.0,
        is_bus_up=True,
        is_store_up=True,
        store_faults=6,
        to_bus=times(0.002, 0.003),
        to_store=times(0.1, 0.3),
        topics={"swap": topic()},
        chains=(chain(),),
        whales=WhaleState(
            watched=3,
            trades={("0x0a", "BUY"): 4, ("unknown", "SELL"): 1},
            last_trades_ns={"0x0a": 1_800_000_000_500_000_000},
            latency=times(0.02),
        ),
        arbitrages=ArbitrageCounts(
            transactions={("eth", "arbitrage"): 5, ("solana", "losing_circle"): 2},
            per_s={"eth": 0.25},
            net_sol={"solana": -0.5},
        ),
        kafka_sent_per_s=17.5,
        processors={"pool_activity": {"swap.0": 3, "swap.1": 4}},
    )
    return msgspec.structs.replace(state, **changes)


class FakeProgram:
    """Fails with `broken` or, asked for sizes, with `bug`; waits in `state` for `going`."""

    def __init__(self, state: ProgramState) -> None:
        self.told = state
        self.broken: Exception | None = None
        self.bug: Exception | None = None
        self.going = asyncio.Event()
        self.going.set()
        self.waiting = 0
        self.loops: set[asyncio.AbstractEventLoop] = set()

    async def state(self) -> ProgramState:
        self.loops.add(asyncio.get_running_loop())
        self.waiting += 1
        await self.going.wait()
        self.waiting -= 1
        if self.broken is not None:
            raise self.broken
        return self.told

    async def query(self, sql: str, params: Any = None) -> pa.Table:
        if self.bug is not None:
            raise self.bug
        raise Refused(f"sql: expected no question, found {sql[:20]!r}")

    async def sizes(self) -> list[TableSize]:
        return [TableSize("swap", 900, 12_000)]

    async def page(self, tag: str, page: Page) -> pa.Table:
        raise Refused(f"sql: expected no question, found one for {tag}")

    bus_identity = "fake"

    async def span(self, topic: str) -> tuple[int, int]:
        return 0, 0

    async def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        return []

    def listen(self, told: Told) -> None:
        """Nothing is committed."""

    def ignore(self, told: Told) -> None:
        """Nothing is committed."""


class Client(NamedTuple):
    """Asks one running server."""

    session: aiohttp.ClientSession
    url: str
    metrics_url: str

    async def get(self, path: str, status: int = 200, **more: Any) -> Any:
        async with self.session.get(self.url + path, **more) as answer:
            assert answer.status == status, await answer.text()
            return await answer.json()

    async def scrape(self, accept: str = "") -> str:
        async with self.session.get(self.metrics_url + "/metrics", headers={"Accept": accept}) as answer:
            assert answer.status == 200
            return await answer.text()


@asynccontextmanager
async def served(told: Program, connections_max: int = 64, additions: Additions = NOTHING_ADDED):
    ports = take_ports(ApiSettings(port=0), MetricsSettings(port=0))
    async with (
        answering(told, ports, connections_max, additions),
        aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(10), connector=aiohttp.TCPConnector(limit=0)
        ) as session,
    ):
        yield Client(session, ports.api.url, ports.metrics.url)
