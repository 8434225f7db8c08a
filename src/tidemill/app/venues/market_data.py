"""The public MarketDataService: books and trades of the configured venues, asked for or called back with."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from decimal import Context, Decimal
from typing import Any

import msgspec
import pyarrow as pa
from msgspec import structs
from typing_extensions import override

from tidemill.app.chains.chain import chains_of
from tidemill.app.engine import Engine
from tidemill.app.observed import Observed
from tidemill.app.settings import BusSection, Environment, Settings, read_settings
from tidemill.app.venues.market_config import market_config_of
from tidemill.app.venues.markets import OpenMarket
from tidemill.app.venues.subscription import (
    QUEUE_EVENTS_MAX,
    Callback,
    NewestSubscription,
    Registered,
    Subscription,
    plain_events,
)
from tidemill.core.arrow import pc
from tidemill.core.clock import Clock, SystemClock
from tidemill.core.started import Started
from tidemill.process.pools import Batches
from tidemill.schema.events import EVENTS
from tidemill.schema.faults import Refused, leaves
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.components import components_of, condition_of
from tidemill.store.latest import LatestBooks, Level
from tidemill.store.latest.books import TOPICS as BOOK_TOPICS
from tidemill.store.latest.books import Name

_BOOKS = ("orderbook", "order_book")
_KINDS = {"trades": "trade", "bbo": "book_top"}
"""How others call what is told."""
_BUS_BYTES = 64 << 20
"""What the service's own bus holds for the stores beside it."""
_TRADES_KEPT = 500
_INSTRUMENTS_MAX = 20_000
_DEPTH_LEVELS = 1_000
_EXACT = Context(prec=40)


class MarketDataService(Started):
    """Reads the configured venues and chains in this process, and stores nothing of it.

    `config` is tidemill's own settings, those of `tidemill.toml` and the environment by default, or a mapping
    as `market_config_of` takes it. Use it as an async context manager, or call `initialize`, `start` and
    `stop`. Everything runs on the event loop that `start` was called on, and callbacks do too.

    Raises: Refused, naming the key, its value and what was expected.
    """

    def __init__(
        self,
        config: Settings | Environment | Mapping[str, Any] | None = None,
        *,
        markets: Mapping[str, OpenMarket] | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Make one; `markets` are read in place of the venues of the settings."""
        base = config if isinstance(config, Environment) else read_settings(None, None)
        self._queue_events_max = QUEUE_EVENTS_MAX
        if isinstance(config, Settings):
            settings = config
        elif isinstance(config, Environment) or config is None:
            settings = base.settings
        else:
            settings, queue = market_config_of(config, base)
            self._queue_events_max = queue or QUEUE_EVENTS_MAX
        bus = BusSection(url="memory://", retention_bytes=_BUS_BYTES, size_max_bytes=4 * _BUS_BYTES)
        settings = structs.replace(settings, bus=bus)
        self._environment = base._replace(loaded=base.loaded._replace(settings=settings))
        self._symbols = frozenset(settings.trading.symbols)
        self._clock = clock or SystemClock()
        self._engine = Engine(
            self._environment,
            chains_of(settings),
            clock=self._clock,
            on_batches=self._take,
            with_store=False,
            markets=markets,
        )
        self._observed = Observed(self._engine, self._clock)
        self._books = LatestBooks(self._engine.depth)
        self._trades: dict[Name, deque[dict[str, Any]]] = {}
        self._registered: list[Registered] = []
        self._collector: MetricsCollector | None = None
        self._opened: AsyncExitStack | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._running: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def initialize(self) -> None:
        """Open what it runs on; `start` does it too. Raises: Refused, where there is nothing to read."""
        if self._opened is not None:
            return
        async with AsyncExitStack() as opened:
            engine = await opened.enter_async_context(self._engine)
            if not engine.statuses and not engine.markets:
                raise Refused("market data: expected a venue or a chain in the settings, found none")
            self._collector = MetricsCollector(
                self._observed,
                self._environment.settings.monitoring,
                latest=engine.beside.latest,
                lines=engine.beside.lines,
                clock=self._clock,
            )
            self._opened = opened.pop_all()

    @override
    async def start(self) -> None:
        """Begin to read; where it does already, nothing happens."""
        if self._running is not None:
            return
        await self.initialize()
        self._stopping.clear()
        ready = asyncio.Event()
        self._running = asyncio.create_task(self._run(ready), name="market data")
        await ready.wait()

    @override
    async def stop(self) -> None:
        """End reading and callbacks, which stay registered. Raises: what ended the reading, if a bug did."""
        running, self._running = self._running, None
        self._stopping.set()
        try:
            if running is not None:
                await asyncio.shield(running)
        finally:
            opened, self._opened = self._opened, None
            if opened is not None:
                await opened.aclose()

    def subscribe_to_data(self, kind: str, callback: Callback) -> Registered:
        """Call `callback` from now on; return a handle, whose `unregister` ends it.

        `kind` is `orderbook`, with every book that changed as `get_latest_orderbook` has it, the newest where
        the callback is slow; `trades`, with every trade; or the name of an event, with each of its kind.

        Raises: Refused, where there is no such kind, or the callback is no function.
        """
        topic = _KINDS.get(kind, kind)
        if topic not in (*_BOOKS, *EVENTS):
            known = ", ".join(("orderbook", *_KINDS, *EVENTS))
            raise Refused(f"kind of data: expected one of {known}, found {kind!r}")
        if not callable(callback):
            raise Refused(f"callback {kind}: expected a function, found {type(callback).__name__}")

        def forget() -> None:
            if one in self._registered:
                self._registered.remove(one)

        one: Registered
        if topic in _BOOKS:
            one = NewestSubscription(topic, callback, self._book, forget)
        else:
            one = Subscription(topic, callback, self._queue_events_max, forget)
        self._registered.append(one)
        if self._tasks is not None:
            one.task = self._tasks.create_task(one.run(), name=f"callback {kind}")
        return one

    async def get_latest_orderbook(self, symbol: str) -> dict[str, Any] | None:
        """Return a book: `bids` and `asks` as (price, size), best first, exact; None where none was told of.

        Both are None while the book is void; `state` is live or gap, or None where nobody said.

        Raises: Refused, where instruments of several venues are called so.
        """
        name = self._name(symbol, self._books.names())
        return None if name is None else self._book(name)

    async def get_recent_trades(self, symbol: str, limit: int = 50) -> list[dict[str, Any]]:
        """Return the last trades, newest first, 500 at most. Raises: Refused, as `get_latest_orderbook`."""
        name = self._name(symbol, list(self._trades))
        return [] if name is None else [dict(row) for row in reversed(self._trades[name])][: max(limit, 0)]

    async def get_health_status(self) -> dict[str, Any]:
        """Return `status`, and that of every component: healthy, degraded or unhealthy, and why."""
        state = await self._observed.state()
        components = components_of(state)
        broken = self._broken()
        return {
            "status": "unhealthy" if broken else condition_of(components).value,
            "detail": broken or "",
            "uptime_s": state.uptime_s,
            "components": self._redacted(msgspec.to_builtins(components)),
        }

    async def get_performance_metrics(self) -> dict[str, Any]:
        """Return the newest sample, as `MetricsCollector` has it, and what came of the callbacks."""
        if self._collector is None:
            raise Refused("market data: expected it to be initialized; await initialize() first")
        sample = self._collector.get_current_metrics() or await self._collector.collect()
        sample["components"] = self._redacted(sample["components"])
        return {
            **sample,
            "callbacks": [
                {
                    "kind": one.key,
                    "delivered_events": one.delivered_events,
                    "dropped_events": one.dropped_events,
                    "errors": one.error_count,
                    "last_error": one.last_error,
                }
                for one in self._registered
            ],
        }

    def register_alert_callback(self, callback: Callback) -> None:
        """Call `callback` with alerts, as `MetricsCollector` does. Raises: Refused."""
        if self._collector is None:
            raise Refused("market data: expected it to be initialized; await initialize() first")
        self._collector.register_alert_callback(callback)

    async def _run(self, ready: asyncio.Event) -> None:
        assert self._collector is not None
        try:
            async with asyncio.TaskGroup() as self._tasks:
                own = [
                    self._tasks.create_task(self._engine.run(), name="engine"),
                    self._tasks.create_task(self._collector.run(), name="metrics"),
                ]
                for one in self._registered:
                    one.task = self._tasks.create_task(one.run(), name=f"callback {one.key}")
                ready.set()
                await self._stopping.wait()
                for task in (*own, *(one.task for one in self._registered if one.task is not None)):
                    task.cancel()
        finally:
            ready.set()
            self._tasks = None

    def _take(self, batches: Batches) -> None:
        """Note what was committed, and hand it on."""
        for topic, batch in batches:
            wanted = self._of_symbols(batch)
            if not wanted.num_rows:
                continue
            if topic in BOOK_TOPICS:
                changed = self._books.note(topic, wanted)
                for one in self._registered:
                    if isinstance(one, NewestSubscription):
                        one.offer(changed)
            elif topic == "trade":
                self._keep(wanted)
            for one in self._registered:
                if isinstance(one, Subscription) and one.key == topic:
                    one.offer(topic, wanted)

    def _of_symbols(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        if not self._symbols or "instrument" not in batch.schema.names:
            return batch
        instruments = batch.column("instrument")
        full = pc.binary_join_element_wise(batch.column("source"), instruments, ":")
        known = pa.array(sorted(self._symbols))
        return batch.filter(pc.or_(pc.is_in(instruments, known), pc.is_in(full, known)))

    def _keep(self, batch: pa.RecordBatch) -> None:
        for row in plain_events("trade", batch):
            name = (row["source"], row["instrument"])
            kept = self._trades[name] = self._trades.pop(name, None) or deque(maxlen=_TRADES_KEPT)
            kept.append(row)
        while len(self._trades) > _INSTRUMENTS_MAX:
            self._trades.pop(next(iter(self._trades)))

    def _book(self, name: Any) -> dict[str, Any] | None:
        view = self._books.view(name, _DEPTH_LEVELS)
        if view is None:
            return None
        sides = {"bids": _exact(view.bids), "asks": _exact(view.asks)}
        return {"symbol": view.instrument, **structs.asdict(view), **sides}

    def _name(self, symbol: str, names: Sequence[Name]) -> Name | None:
        found = [name for name in names if symbol in (name[1], ":".join(name))]
        if len(found) > 1:
            several = ", ".join(":".join(name) for name in found)
            raise Refused(f"symbol: expected one of {several}, found {symbol!r}")
        return found[0] if found else None

    def _broken(self) -> str | None:
        """Return the error of our own that ended the reading, if one did; `stop` raises it."""
        if self._running is None or not self._running.done() or self._running.cancelled():
            return None
        ended = self._running.exception()
        if ended is None:
            return None
        error = next(leaves(ended))
        return f"{type(error).__name__}: {error}"

    def _redacted(self, components: dict[str, Any]) -> dict[str, Any]:
        redact = self._environment.redactor
        return {name: one | {"detail": redact(one["detail"])} for name, one in components.items()}


def _exact(side: Sequence[Level] | None) -> list[tuple[Decimal, Decimal | None]] | None:
    if side is None:
        return None
    return [
        (_EXACT.scaleb(price, -18), None if size is None else _EXACT.scaleb(size, -18))
        for price, size in side
    ]
