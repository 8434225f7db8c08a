"""Read Polymarket beside the chains: keep its books, commit what it tells, and say how it fares."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa
from msgspec import Struct
from msgspec.structs import replace

from tidemill.app.chains.pipeline import batches_of
from tidemill.app.insisting import commit_surely
from tidemill.app.venues.markets import OpenMarket
from tidemill.bus import Bus
from tidemill.core.clock import NS_PER_MS, NS_PER_S, Clock
from tidemill.process.books import OrderBooks
from tidemill.process.fills import FillWatch
from tidemill.process.pools import Batches
from tidemill.schema.events import Health, OwnFill
from tidemill.schema.faults import Fault, leaves
from tidemill.venues.polymarket import VENUE
from tidemill.venues.polymarket_config import PolymarketConfig, check_polymarket
from tidemill.venues.polymarket_reader import PolymarketReader

_log = logging.getLogger("tidemill.polymarket")

_FILLS_S = 0.25
"""How often fills are looked through for ghosts."""
_INLINE_ROWS_MAX = 4_000
"""Keeping so many levels takes a few ms; more are kept in a thread."""


def market_of(config: PolymarketConfig) -> OpenMarket | None:
    """Return what opens its reader; None where it is not to be read. Raises: Refused, naming the keys."""
    if not config.enabled:
        return None
    checked = check_polymarket(config)
    return lambda bus, clock, committed: PolymarketRun(checked, bus, clock, on_batches=committed)


class PolymarketRun:
    """Polymarket as `up` reads it: its reader, and the books."""

    def __init__(
        self,
        config: PolymarketConfig,
        bus: Bus,
        clock: Clock,
        *,
        on_batches: Callable[[Batches, list[int]], None],
    ) -> None:
        assert VENUE.book_rule is not None
        self.books = OrderBooks(
            VENUE.name, replace(VENUE.book_rule, top_strikes_max=config.best_price_strikes_max)
        )
        self.ended = ""
        """Why it is not read any more."""
        self._bus = bus
        self._clock = clock
        self._on_batches = on_batches
        self._keeping = asyncio.Lock()
        self._pending: dict[str, list[pa.RecordBatch]] = {}
        """What the next commit takes, by topic."""
        self._group: asyncio.Future[None] | None = None
        """Done when that commit is."""
        self._is_pending = asyncio.Event()
        run_id = secrets.token_hex(8)
        self._fills = FillWatch(config.ghost_after_ms * NS_PER_MS, f"{run_id}-ghosts")
        self.reader = PolymarketReader(config, clock, run_id, self, self._tell)

    async def run(self) -> None:
        """Read until cancelled; a fault that ends it is kept in `ended`."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._commit_groups(), name="polymarket commits")
                tasks.create_task(self._watch_fills(), name="polymarket fills")
                await self.reader.run()
        except* Fault as faults:
            self.ended = str(next(leaves(faults)))
            _log.error("polymarket ended, the others go on: %s", self.ended)

    # --- what the reader asks of who keeps the books

    @property
    def unfollowed_count(self) -> int:
        """How many messages so far were of books that are not kept."""
        return self.books.counts.unfollowed

    def follow(self, tokens: Sequence[str]) -> None:
        """Begin to keep books."""
        self.books.follow(tokens)

    def forget(self, tokens: Sequence[str]) -> None:
        """End keeping books."""
        self.books.forget(tokens)

    async def take(self, batches: dict[str, pa.RecordBatch], events: Sequence[Struct]) -> Mapping[str, Fault]:
        """Apply to the books what one connection told, and commit it with what became of them."""
        self.reader.take_notices(events)
        changes = batches.get("book_change")
        async with self._keeping:
            if changes is not None and changes.num_rows > _INLINE_ROWS_MAX:
                taken = await asyncio.to_thread(self.books.take, batches)
            else:
                taken = self.books.take(batches)
            committed = self._add([*batches.items(), *taken.batches.items(), *batches_of(events)])
        await committed
        return taken.gaps

    async def restart(self, tokens: Sequence[str], why: str, connection: str, sequence: int) -> None:
        """Void books until their next snapshots, and tell so."""
        async with self._keeping:
            now_ns = self._clock.now_ns()
            taken = self.books.restart(tokens, why, now_ns=now_ns, connection=connection, sequence=sequence)
            committed = self._add(list(taken.batches.items()))
        await committed

    # --- what is told

    async def _tell(self, events: Sequence[Struct]) -> None:
        for event in events:
            if isinstance(event, Health) and event.detail:
                _log.warning("polymarket %s: %s: %s", event.endpoint, event.state.value, event.detail)
            elif isinstance(event, OwnFill):
                self._fills.take(event, self._clock.now_ns())
        await self._add(batches_of(events))

    async def _watch_fills(self) -> None:
        while True:
            await asyncio.sleep(_FILLS_S)
            ghosts = self._fills.due(self._clock.now_ns())
            for ghost in ghosts:
                _log.warning("polymarket fill %s: matched, and never settled", ghost.trade_id)
            await self._add(batches_of(ghosts))

    def _add(self, batches: Batches) -> Awaitable[None]:
        """Have the next commit take `batches`; what is returned is done when that is."""
        for topic, batch in batches:
            self._pending.setdefault(topic, []).append(batch)
        self._is_pending.set()
        if self._group is None:
            self._group = asyncio.get_running_loop().create_future()
        return asyncio.shield(self._group)

    async def _commit_groups(self) -> None:
        """Commit what all sockets told since the last commit: one by one, each would wait for the others."""
        while True:
            await self._is_pending.wait()
            self._is_pending.clear()
            pending, self._pending = self._pending, {}
            group, self._group = self._group, None
            batches = [
                (topic, parts[0] if len(parts) == 1 else pa.concat_batches(parts))
                for topic, parts in pending.items()
            ]
            if batches:
                await self._commit(batches)
            if group is not None:
                group.set_result(None)

    async def _commit(self, batches: Batches) -> None:
        self._on_batches(batches, await commit_surely(self._bus, batches, {}))

    def status(self) -> dict[str, Any]:
        """Return how it fares, as JSON has it."""
        reader, books, now_ns = self.reader, self.books, self._clock.now_ns()
        links = {f"books {shard}": link for shard, link in reader.books.links.items()} | reader.links
        heard_ns = max((link.last_message_ns or 0 for link in links.values()), default=0)
        counts = books.counts
        return {
            "state": "stopped" if self.ended else "running",
            "detail": self.ended,
            "endpoint": reader.endpoint,
            "books": len(books),
            "books_live": books.live_count,
            "last_message_age_s": (now_ns - heard_ns) / NS_PER_S if heard_ns else None,
            "sockets": {
                name: {
                    "state": link.state.value,
                    "connections": link.connection_count,
                    "messages": link.frame_count,
                }
                for name, link in links.items()
            },
            "gaps": counts.gaps,
            "books_asked": reader.books.resync_count,
            "snapshots_agreeing": counts.snapshots_agreeing,
            "snapshots_differing": counts.snapshots_differing,
            "messages_skipped": counts.skipped,
            "repeated": reader.repeated_count,
            "faults": dict(reader.fault_counts),
            "last_fault": self.ended or (str(reader.faults[-1]) if reader.faults else ""),
        }
