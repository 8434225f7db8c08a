"""What does the server see of the running program: its state as plain structs, and its store's answers."""

from collections.abc import Callable, Mapping
from typing import Protocol

import pyarrow as pa
from msgspec import Struct

from tidemill.bus.base import Batches, Entry
from tidemill.store import Page, TableSize

Told = Callable[[Batches, list[int]], None]
"""Is told batches that were committed, and the offset of each."""


class LinkState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One connection to an endpoint."""

    url: str
    """Without what opens it."""
    open: bool
    """Whether it is known to lead to the right chain."""
    leads: bool
    """Whether its heads are followed."""
    breaker: str
    """closed, open or half_open."""
    connects: int
    """How often a WebSocket was connected; 0 for HTTP."""
    frames: int
    """Messages that a WebSocket gave; 0 for HTTP."""


VICES = ("lied", "wrong_fork", "garbled", "stale", "limited", "failed")
"""What an endpoint can do wrong, as its scorecard counts it."""


class EndpointState(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The scorecard of one endpoint, since the start."""

    honesty: float
    """The share of its answers that were not found to be wrong, 0 to 1."""
    grade: int
    """0 for one without a fault that still counts; more the worse it is."""
    answers: int
    latency_ms: float | None
    """Of its answers, an average in which the newest weighs a tenth."""
    lag_ms: float | None
    """How much later than the first of all it announces a head, averaged alike."""
    head: int | None
    """The newest block that it told."""
    wrong_chain: bool
    lied: int
    """Answers that lacked logs, or contradicted their own header."""
    wrong_fork: int
    garbled: int
    stale: int
    limited: int
    """Refusals because it was asked too often."""
    failed: int
    acquittals: int
    """Lies that it was cleared of, and that `lied` no longer counts."""
    links: dict[str, LinkState]
    """By name: ws, http, ws1, http1 and so on."""

    @property
    def vices(self) -> dict[str, int]:
        """How often it did each wrong."""
        return {vice: getattr(self, vice) for vice in VICES}


class CoverageCounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What this run has told of one chain's completeness, in a few numbers."""

    from_block: int | None
    to_block: int | None
    complete_blocks: dict[str, int]
    """By proof."""
    missing_blocks: int
    open_gaps: int
    closed_gaps: int
    last_gap: str | None
    """Why the newest open gap is there."""


class AutopsyCounts(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What became of one chain's opportunities, in a few numbers."""

    followed: int
    ended: dict[str, int]
    """By cause, in this run."""
    refused: int
    """Not followed, as too many were."""
    half_life_blocks: int | None
    """Of those that ended last; None where more than half of them had not died."""


class ChainState(Struct, frozen=True, kw_only=True):
    """How one chain is read."""

    source: str
    chain_id: int
    state: str
    """connecting, running, refused or stopped."""
    tip: int | None
    """The newest block that is on the bus."""
    pools: int
    faults: int
    """How many there were."""
    last_fault: str
    inbox_batches: int
    """Batches of what came in that wait for the machine."""
    inbox_waits: int
    """How often one had to wait for room."""
    coverage: CoverageCounts | None
    """None before the chain is begun."""
    endpoints: dict[str, EndpointState]
    """By number, in the order of the settings."""
    autopsy: AutopsyCounts | None = None
    """None where it is not searched."""

    @property
    def is_up(self) -> bool:
        """Whether it is read."""
        return self.state == "running"

    @property
    def behind_blocks(self) -> int | None:
        """Of the tip behind the newest head that an endpoint told; None where either is not known."""
        heads = [one.head for one in self.endpoints.values() if one.head is not None]
        return max(max(heads) - self.tip, 0) if heads and self.tip is not None else None


class VenueState(Struct, frozen=True, kw_only=True):
    """How one venue is read."""

    source: str
    state: str
    """connecting, live, stale, down or refused."""
    detail: str = ""
    """The last fault; empty where there was none."""
    messages: int = 0
    """Messages that came in."""
    faults: int = 0
    reconnects: int = 0
    """How often a connection was made anew."""
    last_message_age_s: float | None = None

    @property
    def is_up(self) -> bool:
        """Whether it is read."""
        return self.state == "live"


class SinkState(Struct, frozen=True, kw_only=True):
    """How a store fares that stands beside the main one."""

    name: str
    is_up: bool
    """Whether what was tried last worked."""
    rows: int
    """Brought into it since the start."""
    dropped_batches: int
    """Left out because it was away for too long."""
    retries: int
    last_fault: str


class AlertRouteState(Struct, frozen=True, kw_only=True):
    """How one route of alerts fares, since the start."""

    name: str
    sent: int
    retries: int
    failed: int
    """Never taken: refused, or left out as too many waited."""
    waiting: int


class TopicState(Struct, frozen=True, kw_only=True):
    """How far one topic's events are, since the start."""

    events: int
    """Committed to the bus."""
    stored: int
    """Rows that were brought into the store, those of an earlier run's end too."""
    inserts: int
    insert_s: float
    """How long these took together."""
    waiting_batches: int
    """On the bus, and not stored."""


class Times(Struct, frozen=True, kw_only=True):
    """A histogram of durations."""

    counts: tuple[int, ...]
    """How many took less than each of `BOUNDS_S`."""
    count: int
    sum_s: float
    max_s: float = 0.0
    """The longest of all."""


BOUNDS_S = (0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.35, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Of every latency: our targets, 5, 50 and 250 ms, and the usual alert, 350, are among them."""


class WhaleState(Struct, frozen=True, kw_only=True):
    """What was told of whales since the start."""

    watched: int | None
    """Wallets of the registry that are watched; None where nobody tells who trades."""
    trades: dict[tuple[str, str], int]
    """By address and side; the address is `unknown` of wallets that the registry has not."""
    last_trades_ns: dict[str, int]
    """When the last trade of each wallet of the registry was told."""
    latency: Times
    """From the frame that completed a trade to the bus."""


class ArbitrageCounts(Struct, frozen=True, kw_only=True):
    """What was told of arbitrage transactions since the start."""

    transactions: dict[tuple[str, str], int] = {}
    """By source and kind."""
    per_s: dict[str, float] = {}
    """By source, over the last minute."""
    net_sol: dict[str, float] = {}
    """By cluster of Solana, what they gained net of fees and tips."""


class ProgramState(Struct, frozen=True, kw_only=True):
    """How everything fares."""

    version: str | None
    """None where it is not known."""
    now_ns: int
    uptime_s: float
    is_bus_up: bool
    is_store_up: bool
    store_faults: int
    to_bus: Times
    """From an event's frame to the bus."""
    to_store: Times
    """From an event's frame to where queries find it."""
    memory: dict[str, int] = {}
    """Bytes of this process that lie in memory, by part; empty where nobody looks."""
    tasks: int | None = None
    """Of the event loop; None where nobody looks."""
    memory_budget_bytes: int | None = None
    """None where there is none."""
    topics: dict[str, TopicState]
    chains: tuple[ChainState, ...]
    whales: WhaleState
    venues: tuple[VenueState, ...] = ()
    has_store: bool = True
    """Whether what is read is stored; otherwise it ends at the bus."""
    is_reader: bool = False
    """Whether it only serves what other processes read."""
    processors: dict[str, dict[str, int]] = {}
    """How many batches wait for each processor, by its name and the partition."""
    sinks: tuple[SinkState, ...] = ()
    """The stores beside the main one."""
    alert_routes: tuple[AlertRouteState, ...] = ()
    alerts_suppressed: int = 0
    """Raised while they cooled down."""
    arbitrages: ArbitrageCounts = ArbitrageCounts()
    kafka_sent_per_s: float | None = None
    """Messages that were sent to Kafka over the last minute; None where the bus is another."""


class Program(Protocol):
    """The running program, called in its own event loop."""

    async def state(self) -> ProgramState:
        """Return how everything fares."""
        ...

    async def query(self, sql: str, params: Mapping[str, str] | None = None) -> pa.Table:
        """Return the store's answer. Raises: Refused."""
        ...

    async def sizes(self) -> list[TableSize]:
        """Return how much each table holds."""
        ...

    async def page(self, tag: str, page: Page) -> pa.Table:
        """Return a page of stored events, as `Store.page` does. Raises: Refused."""
        ...

    @property
    def bus_identity(self) -> str:
        """Names the bus; the offsets of another one mean other batches."""
        ...

    async def span(self, topic: str) -> tuple[int, int]:
        """Return the lowest offset that can be read, and that after the last batch."""
        ...

    async def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        """Return batches from `offset` on, oldest first; none where there are none.

        Raises: Gap, where `offset` was trimmed; Poison, where the first batch cannot be read; Refused, where
        the topic has partitions.
        """
        ...

    def listen(self, told: Told) -> None:
        """Call `told`, in the program's loop, with all that is committed from now on."""
        ...

    def ignore(self, told: Told) -> None:
        """Call it no longer."""
        ...
