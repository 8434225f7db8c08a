"""Who talks to a subgraph: asks how far it is, reads what is new window by window, and says how it fares."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AsyncExitStack

from msgspec import Struct

from tidemill.core.clock import NS_PER_S, Clock
from tidemill.core.graphql_shards import GraphqlShards
from tidemill.schema.events import (
    Coverage,
    CoverageStatus,
    Health,
    HealthState,
    Proof,
    SubgraphBalance,
    SubgraphHead,
    SubgraphSwap,
)
from tidemill.schema.faults import Fault, Malformed, Unknown
from tidemill.venues.base import Mapped, Origin
from tidemill.venues.subgraph import (
    Head,
    Window,
    head_query,
    map_frame,
    pools_of,
    pools_query,
    read_head,
    swaps_query,
)
from tidemill.venues.subgraph_asking import Asking
from tidemill.venues.subgraph_config import SubgraphConfig, check_subgraph
from tidemill.venues.subgraph_cursor import Cursor
from tidemill.venues.subgraph_dialects import DIALECTS
from tidemill.venues.subgraph_freshness import Freshness, Verdict

_POOLS_A_QUERY = 100
_NOTED_MAX = 4_096
"""So many swaps that could not be read are remembered."""
_STATES = {
    Verdict.FRESH: HealthState.LIVE,
    Verdict.LATE: HealthState.STALE,
    Verdict.DEAD: HealthState.DOWN,
    Verdict.REFUSED: HealthState.REFUSED,
}

OnEvents = Callable[[Sequence[Struct], bytes], Awaitable[None]]
"""Takes events in order, and the cursor after them, to be kept together."""
ChainNumber = Callable[[], Awaitable[int | None]]
"""Returns the chain's newest block; None where the chain does not say."""
StandIn = Callable[[Verdict], str]
"""Takes a new verdict, sees to who is read from now on, and says who that is."""


class SubgraphReader:
    """Reads one subgraph; `run` it until cancelled."""

    def __init__(
        self,
        config: SubgraphConfig,
        chain_id: int,
        clock: Clock,
        run_id: str,
        on_events: OnEvents,
        *,
        chain_number: ChainNumber,
        stand_in: StandIn,
    ) -> None:
        self.config = check_subgraph(config)
        self.faults: deque[Fault] = deque(maxlen=100)
        """The last ones."""
        self.fault_count = 0
        self.head: Head | None = None
        """The indexer's newest block."""
        self.is_standing_by = False
        """Whether another is read in its place: then it is only asked how far it is."""
        self.freshness = Freshness(config.lag_blocks_max, config.dead_after_ms, clock.now_ns())
        self.cursor = Cursor(config.reread_s, config.window_s)
        self.last_message_ns: int | None = None
        self._asking = Asking(config, clock, self._note, self._link_fares)
        self._dialect = DIALECTS[config.dialect]
        self._origin = Origin(source=config.source, chain_id=chain_id, dex=config.dex, decimals={})
        self._clock = clock
        self._run_id = run_id
        self._on_events = on_events
        self._chain_number = chain_number
        self._stand_in = stand_in
        self._sequence = 0
        self._pending: list[Struct] = []
        self._links_told: dict[str, HealthState] = {}
        self._counted_swaps = 0
        self._unread_swaps = 0
        self._noted: deque[str] = deque(maxlen=_NOTED_MAX)

    @property
    def shards(self) -> GraphqlShards | None:
        """Its WebSockets; None where it has none."""
        return self._asking.shards

    @property
    def is_announced(self) -> bool:
        """Whether a WebSocket announces new swaps, so that it need not be asked all the time."""
        return self._asking.is_announced

    @property
    def endpoint(self) -> str:
        """Where the queries go, without what opens it."""
        return self._asking.endpoint

    async def run(self, kept: bytes | None = None) -> None:
        """Read until cancelled; go on from the cursor that an earlier run kept. Raises: Malformed."""
        if kept is not None:
            self.cursor.load(kept)
        async with AsyncExitStack() as opened, asyncio.TaskGroup() as tasks:
            await opened.enter_async_context(self._asking)
            if self.shards is not None:
                tasks.create_task(self.shards.run(), name=f"sockets {self.config.source}")
            while True:
                await self._try_round()
                await self._tell([])
                await self._asking.wait()

    async def _try_round(self) -> None:
        try:
            await self._round()
            self._asking.succeeded()
        except Fault as fault:
            self._note(fault)
            self._asking.failed(fault)
            if self.freshness.failed(fault, self._clock.now_ns()):
                await self._tell([self._changed()])

    async def _round(self) -> None:
        head = read_head(await self._asking.ask(head_query()), self.config.source)
        chain_number, now_ns = await self._chain_number(), self._clock.now_ns()
        self.last_message_ns = now_ns
        is_news, self.head = head != self.head, head
        is_changed = self.freshness.answered(head, chain_number, now_ns)
        events: list[Struct] = [self._head_event(head, chain_number, now_ns)] if is_news else []
        await self._tell([*events, self._changed()] if is_changed else events)
        if not self.freshness.verdict.is_relied_on or self.is_standing_by:
            return
        if not self.cursor.is_begun:
            self._begin(head)
        if not self.cursor.is_behind(head):
            return
        before = self.cursor.block_number
        while not self.cursor.is_done(head):
            await self._read(self.cursor.window(head), head, before)

    def _begin(self, head: Head) -> None:
        if self.config.start == "latest":
            self.cursor.skip(head.number, head.timestamp_s)
        else:
            self.cursor.begin(self.config.start)

    async def _read(self, window: Window, head: Head, before: int | None) -> None:
        """Read one window and tell what is new in it, with the pools that changed."""
        pools: dict[str, str] = {}
        swaps: list[SubgraphSwap] = []
        async for mapped, page_pools in self._pages(window):
            pools.update(page_pools)
            swaps += [event for event in mapped.events if isinstance(event, SubgraphSwap)]
        cursor = self.cursor.copy()  # the old one stays where a question below is not answered
        told = cursor.take(window, head, swaps)
        is_last = cursor.is_done(head)
        touched = {pools[swap.swap_id] for swap in told if swap.swap_id in pools}
        touched |= set(self._asking.pools) if is_last else set()
        events: list[Struct] = [*told, *await self._read_pools(head.block_hash, sorted(touched))]
        self.cursor = cursor
        self._counted_swaps += len(told)
        if is_last:
            events += self._covered(head, before)
        await self._tell(events)

    async def _pages(self, window: Window) -> AsyncIterator[tuple[Mapped, dict[str, str]]]:
        channel, after = f"{self.config.dialect}.swaps", ""
        while True:
            query = swaps_query(
                self._dialect,
                window,
                after=after,
                page_rows=self.config.page_rows,
                pools=self._asking.pools,
            )
            frame = await self._asking.ask(query)
            recv_ns = self._clock.now_ns()
            # a page of 1,000 takes 40 ms, which the loop has not
            mapped = await asyncio.to_thread(self._map, channel, frame, recv_ns, window)
            pools = await asyncio.to_thread(pools_of, self._dialect, frame)
            if any(isinstance(fault, Unknown) for fault in mapped.faults):
                await self._read_pools(window.block_hash, sorted(set(pools.values())))
                mapped = await asyncio.to_thread(self._map, channel, frame, recv_ns, window)
            for fault in mapped.faults:
                self._unread(fault)
            yield mapped, pools
            if mapped.row_count < self.config.page_rows:
                return
            if mapped.last_id <= after:
                raise Malformed(f"{self.config.source}: expected ids after {after}, found {mapped.last_id}")
            after = mapped.last_id

    def _map(self, channel: str, frame: bytes, recv_ns: int, window: Window) -> Mapped:
        mapped = map_frame(channel, frame, self._origin, recv_ns)
        if mapped.block_hash != window.block_hash:
            raise Malformed(
                f"{self.config.source}: expected block 0x{window.block_hash.hex()}, as asked for,"
                f" found 0x{mapped.block_hash.hex()}"
            )
        return mapped

    def _unread(self, fault: Fault) -> None:
        """Take note, once, of a swap that could not be read: windows overlap."""
        if str(fault) not in self._noted:
            self._noted.append(str(fault))
            self._unread_swaps += 1
            self._note(fault)

    async def _read_pools(self, block_hash: bytes, pools: list[str]) -> list[Struct]:
        """Return pools with their balances at a block, and learn their tokens' decimals."""
        events: list[Struct] = []
        for begin in range(0, len(pools), _POOLS_A_QUERY):
            query = pools_query(self._dialect, block_hash, tuple(pools[begin : begin + _POOLS_A_QUERY]))
            frame = await self._asking.ask(query)
            mapped = map_frame(f"{self.config.dialect}.pools", frame, self._origin, self._clock.now_ns())
            for fault in mapped.faults:
                self._note(fault)
            events += mapped.events
        for event in events:
            if isinstance(event, SubgraphBalance):
                self._origin.decimals[event.token] = event.decimals
        return events

    # --- what it says of itself

    def _covered(self, head: Head, before: int | None) -> Iterator[Coverage]:
        """Yield which blocks are told now; those with swaps that could not be read are not complete."""
        count, unread = self._counted_swaps, self._unread_swaps
        self._counted_swaps = self._unread_swaps = 0
        if before is None or before >= head.number:
            return
        self._sequence += 1
        yield Coverage(
            event_ns=head.timestamp_s * NS_PER_S,
            recv_ns=self._clock.now_ns(),
            source=self.config.source,
            connection=self._run_id,
            sequence=self._sequence,
            from_block=before + 1,
            to_block=head.number,
            status=CoverageStatus.GAP if unread else CoverageStatus.COMPLETE,
            proof=Proof.NONE if unread else Proof.CLAIMED,
            log_count=count,
            cause=f"{unread} swaps could not be read" if unread else "told by the subgraph",
        )

    def _head_event(self, head: Head, chain_number: int | None, now_ns: int) -> SubgraphHead:
        self._sequence += 1
        return SubgraphHead(
            event_ns=head.timestamp_s * NS_PER_S,
            recv_ns=now_ns,
            source=self.config.source,
            connection=self._run_id,
            sequence=self._sequence,
            chain_id=self._origin.chain_id,
            block_number=head.number,
            block_hash=head.block_hash,
            chain_block_number=chain_number,
            lag_blocks=self.freshness.lag_blocks,
            has_indexing_errors=int(head.has_indexing_errors),
        )

    def _changed(self) -> Health:
        """Return the one event that says that the verdict changed, why, and who is read from now on."""
        verdict = self.freshness.verdict
        stand_in = self._stand_in(verdict)
        detail = "; ".join(filter(None, (self.freshness.why, stand_in)))
        return self._health(self.endpoint, _STATES[verdict], detail)

    def _link_fares(self, endpoint: str, state: HealthState, detail: str) -> None:
        if self._links_told.get(endpoint) == state:
            return
        self._links_told[endpoint] = state
        self._pending.append(self._health(endpoint, state, detail))

    def _health(self, endpoint: str, state: HealthState, detail: str) -> Health:
        self._sequence += 1
        now_ns = self._clock.now_ns()
        return Health(
            event_ns=now_ns,
            recv_ns=now_ns,
            source=self.config.source,
            connection=self._run_id,
            sequence=self._sequence,
            endpoint=endpoint,
            state=state,
            detail=detail,
        )

    def _note(self, fault: Fault) -> None:
        self.faults.append(fault)
        self.fault_count += 1

    async def _tell(self, events: list[Struct]) -> None:
        pending, self._pending = self._pending, []
        if pending or events:
            await self._on_events([*pending, *events], self.cursor.dump())
