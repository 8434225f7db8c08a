"""What `up` runs for whales beside the chains: the registry, venues' trades, and paper copies."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tidemill.app.chains.chain import make_whales
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.insisting import commit_surely
from tidemill.app.settings import Environment
from tidemill.app.venues.layers import LayerRun
from tidemill.app.whales.copying import Copying
from tidemill.app.whales.whale_watch import RegistryWatch, ToldTrades, VenueTrades, VenueWhales, Watch
from tidemill.bus import Bus
from tidemill.bus.base import State
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.exchanges import venues_of
from tidemill.core.clock import Clock
from tidemill.core.redact import Redactor
from tidemill.process.pools import Batches
from tidemill.process.whales.book import WhaleBook
from tidemill.process.whales.config import check_whales
from tidemill.venues.polymarket_config import tells_wallets


class WhaleRun:
    """The whales of all chains and venues; nothing runs where none tells who trades.

    Raises: Refused, where the settings ask for what cannot be done.
    """

    def __init__(
        self,
        environment: Environment,
        chains: Mapping[str, EvmConfig],
        bus: Bus,
        clock: Clock,
        committed: Callable[[Batches, list[int]], None],
    ) -> None:
        self._config = check_whales(environment.settings.whales)
        self._venues = {source: venues_of(config) for source, config in chains.items()}
        self._bus = bus
        self._clock = clock
        self._committed = committed
        self._books: list[WhaleBook] = []
        self.told = ToldTrades()
        """The trades of whales in this run."""
        is_settled = any(config.exchanges or config.exchange_contracts for config in chains.values())
        is_wanted = is_settled or tells_wallets(environment.settings.venues.polymarket)
        self.registry = RegistryWatch(environment, bus, self._watch) if is_wanted else None
        """Whose trades are told, where a chain has exchanges, or a venue tells who trades."""

    def tasks(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """Return what is to run until it is cancelled, by name."""
        if self.registry is None:
            return []
        registry = self.registry

        def is_copied() -> bool:
            return any(wallet.is_copied for wallet in registry.wallets.values())

        settled = frozenset[str]().union(*self._venues.values())
        venues = VenueWhales(self._bus, self._config, self._clock, settled)
        copying = Copying(self._bus, self._config, self._clock, is_copied)
        runs: list[tuple[str, Coroutine[Any, Any, None]]] = [
            ("registry", registry.run()),
            ("venues' whales", venues.run(registry, self._commit)),
            ("copies", copying.run(self._commit)),
        ]
        if self._config.watch_layers:
            runs.append(("layers", LayerRun(self._bus, self._config).run(self._commit)))
        return runs

    async def book(self, config: EvmConfig) -> WhaleBook | None:
        """Return who watches a chain's wallets, as it was left, once it is known whom to watch.

        Raises: Refused, where an exchange is not known on the chain; Malformed.
        """
        kept = dict(await self._bus.state(WhaleBook.prefix_of(config.source)))
        book = make_whales(config, self._config, kept)
        if book is not None and self.registry is not None:
            await self.registry.ready()
            book.watch(self.registry.wallets)
            self._books.append(book)
        return book

    async def follow_venues(self, pipeline: ChainPipeline, source: str) -> None:
        """Hand to a chain's whales what the venues tell whose matches it settles."""
        if pipeline.whales is None or not self._venues[source]:
            return
        trades = VenueTrades(self._bus, source, self._venues[source])
        await trades.start()
        while True:
            batches, state = await trades.next()
            if state:
                await pipeline.take_told(batches, state)

    @property
    def watched(self) -> int | None:
        """How many wallets are watched; None where nobody tells who trades."""
        return None if self.registry is None else len(self.registry.wallets)

    def status(self, redact: Redactor) -> dict[str, Any] | None:
        """Return how it fares, as JSON has it; None where nothing runs."""
        if self.registry is None:
            return None
        trades = self.told.trades.total()
        return {"watched": self.watched, "trades": trades, "registry_fault": redact(self.registry.fault)}

    def _watch(self, wallets: Watch) -> None:
        for book in self._books:
            book.watch(wallets)

    async def _commit(self, batches: Batches, state: State) -> None:
        self._committed(batches, await commit_surely(self._bus, batches, state))
