"""Have whales watched while chains are read: whom the registry names, and what venues tell of them."""

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import pyarrow as pa

from tidemill.app.settings import Environment
from tidemill.bus import Bus
from tidemill.bus.base import State
from tidemill.bus.consumer import Consumer
from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.latency import Latency
from tidemill.process.pools import Batches
from tidemill.process.whales.book import Settling, WhaleBook
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.seen import Watched
from tidemill.schema import derive
from tidemill.schema.events import WhaleReason
from tidemill.schema.faults import Fault, Unreachable

_log = logging.getLogger("tidemill.whales")

_KEPT = b"registry/watched"
"""The wallets that were told last, for a start while the database is away."""
_RETRY_FIRST_MS, _RETRY_MAX_MS = 250, 5_000
_READ_BATCHES, _READ_WAIT_MS = 64, 1_000

Watch = Mapping[bytes, Watched]
Commit = Callable[[Batches, State], Awaitable[None]]
"""Puts batches and state on the bus, however long it takes."""


class RegistryWatch:
    """The wallets whose trades are told, as the registry has them now."""

    def __init__(self, environment: Environment, bus: Bus, on_change: Callable[[Watch], None]) -> None:
        self.wallets: Watch = {}
        self.fault = ""
        """What keeps the registry from being read; empty while nothing does."""
        self._environment = environment
        self._bus = bus
        self._on_change = on_change
        self._is_read = asyncio.Event()

    async def ready(self) -> None:
        """Return once it was read, or was not within its timeout: then the wallets from before count."""
        kept = await self._bus.get(_KEPT)
        if kept is not None and not self._is_read.is_set():
            self._tell(msgspec.msgpack.decode(kept, type=dict[bytes, Watched]))
        try:
            async with asyncio.timeout(self._environment.settings.registry.timeout_ms / 1_000):
                await self._is_read.wait()
        except TimeoutError:
            self._note(
                Unreachable(
                    f"registry: expected to be read in time; the {len(self.wallets)} wallets"
                    " known from before are watched"
                )
            )

    async def run(self) -> None:
        """Follow the registry until cancelled, or until it is refused."""
        backoff, clock = Backoff(_RETRY_FIRST_MS, _RETRY_MAX_MS), asyncio.get_running_loop().time
        while True:
            began_s = clock()
            try:
                await self._follow()
            except Unreachable as fault:
                self._note(fault)
            except Fault as fault:
                self._note(fault)
                return
            await asyncio.sleep(backoff.wait_s(clock() - began_s))

    async def _follow(self) -> None:
        # here, for a database's libraries take long to load
        from tidemill.store.registry import open_registry, watch

        opening = open_registry(self._environment.registry_url, self._environment.settings.registry)
        registry = await asyncio.to_thread(opening.__enter__)
        try:
            async with aclosing(watch(registry, self._note)) as told:
                async for whales, _ in told:
                    wallets = {
                        bytes.fromhex(address[2:]): Watched(
                            whale.pseudonym, whale.cluster_name, whale.is_copying_enabled
                        )
                        for address, whale in whales.items()
                        if whale.is_enabled
                    }
                    await self._bus.commit([], {_KEPT: msgspec.msgpack.encode(wallets)})
                    self.fault = ""
                    self._tell(wallets)
                    self._is_read.set()
        finally:
            opening.__exit__(None, None, None)

    def _tell(self, wallets: Watch) -> None:
        if wallets != self.wallets:
            _log.info("%d wallets are watched", len(wallets))
        self.wallets = wallets
        self._on_change(wallets)

    def _note(self, fault: Fault) -> None:
        self.fault = str(fault)
        _log.warning("%s", fault)


class VenueTrades:
    """Hands the trades with wallets that venues put on the bus to who settles them, exactly once."""

    def __init__(self, bus: Bus, name: str, sources: frozenset[str]) -> None:
        self._sources = sources
        self._consumer = Consumer(bus, f"whales.{name}".lower(), "wallet_trade")

    async def next(self) -> tuple[list[pa.RecordBatch], dict[bytes, bytes | None]]:
        """Wait for further rows; return those of the sources, and the state to commit with them."""
        entries = await self._consumer.next(batches_max=_READ_BATCHES, wait_ms=_READ_WAIT_MS)
        if not entries:
            return [], {}
        state = self._consumer.state_after(self._consumer.next_offset)
        batches = [entry.batch.filter(self._is_told(entry.batch)) for entry in entries]
        return [batch for batch in batches if batch.num_rows], state

    async def start(self) -> None:
        """Take up the place kept from before."""
        await self._consumer.start()

    def _is_told(self, batch: pa.RecordBatch) -> pa.Array:
        sources = batch.column("source").to_pylist()
        return pa.array([source in self._sources for source in sources], pa.bool_())


class VenueWhales:
    """Watches the wallets of venues whose matches no chain settles that is read."""

    def __init__(self, bus: Bus, config: WhaleConfig, clock: Clock, settled: frozenset[str]) -> None:
        self._bus = bus
        self._config = config
        self._clock = clock
        self._settled = settled
        self._books: dict[str, WhaleBook] = {}
        self._consumer = Consumer(bus, "whales", "wallet_trade")

    async def run(self, registry: RegistryWatch, commit: Commit) -> None:
        """Watch until cancelled; `commit` is awaited with what came of it. Raises: Malformed."""
        await registry.ready()
        await self._consumer.start()
        while True:
            entries = await self._consumer.next(batches_max=_READ_BATCHES, wait_ms=_READ_WAIT_MS)
            if not entries:
                continue
            batches: Batches = []
            state: dict[bytes, bytes | None] = {}
            for entry in entries:
                for source, batch in _by_source(entry.batch, self._settled):
                    book = await self._book(source)
                    book.watch(registry.wallets)
                    book.told(batch, self._clock.now_ns())
                    told = book.take()
                    batches += told.whales
                    state |= told.state
            await commit(batches, state | self._consumer.state_after(self._consumer.next_offset))

    async def _book(self, source: str) -> WhaleBook:
        if source not in self._books:
            self._books[source] = WhaleBook(Settling(source, 0, {}), self._config, 1)
            self._books[source].load(dict(await self._bus.state(WhaleBook.prefix_of(source))))
        return self._books[source]


def _by_source(batch: pa.RecordBatch, settled: frozenset[str]) -> list[tuple[str, pa.RecordBatch]]:
    """Return the rows that no block has, by source, but for those of sources that a chain settles."""
    told = zip(batch.column("source").to_pylist(), batch.column("block_hash").to_pylist(), strict=True)
    places: dict[str, list[int]] = {}
    for at, (source, block_hash) in enumerate(told):
        if block_hash is None and source not in settled:
            places.setdefault(source, []).append(at)
    return [(source, batch.take(pa.array(rows))) for source, rows in places.items()]


class ToldTrades:
    """Logs and counts the trades of whales that are on the bus."""

    def __init__(self) -> None:
        self.trades: Counter[tuple[str, str]] = Counter()
        """By address and side; the address is `unknown` of wallets that the registry has not."""
        self.last_ns: dict[str, int] = {}
        """When the last trade of each wallet of the registry was told."""
        self.latency = Latency()
        """From the frame that completed a trade to the bus."""

    def take(self, batches: Batches, now_ns: int) -> None:
        """Take what was just committed."""
        for topic, batch in batches:
            if topic == "whale_trade":
                for row in derive.to_rows(topic, batch):
                    self._take(row, now_ns)

    def _take(self, row: Mapping[str, Any], now_ns: int) -> None:
        wallet, side = f"0x{row['trader_address'].hex()}", row["side"].upper()
        address = wallet if row["reason"] == WhaleReason.REGISTERED else "unknown"
        self.trades[address, side] += 1
        if address == wallet:
            self.last_ns[wallet] = now_ns
        self.latency.add(now_ns - row["recv_ns"], 1)
        what = f"{row['size'].normalize():f}@{row['price'].normalize():f} (${row['amount']:.2f})"
        _log.info("whale trade: %s %s %s, %s", wallet, side, what, row["state"])
