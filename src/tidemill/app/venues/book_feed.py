"""Hand the order books that venues keep to the searches of the chains whose paths go through them."""

import asyncio
from collections.abc import Mapping

from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.chains.pursuit import BookNow
from tidemill.app.venues.markets import MarketRun
from tidemill.process.opportunities import OpportunityFinder
from tidemill.process.pools import Batches

_TOPICS = frozenset({"book_snapshot", "book_change", "book_status"})
_LEVELS_MAX = 100
"""Of each side so many levels are searched: what pays rarely takes more, and each is a piece to size."""


class BookFeed:
    """The books of all searches. One that changes while others are looked at is looked at next, as it is."""

    def __init__(
        self,
        finders: Mapping[str, OpportunityFinder],
        pipelines: Mapping[str, ChainPipeline],
        markets: Mapping[str, MarketRun],
    ) -> None:
        self._pipelines = pipelines
        self._markets = markets
        self._sources: dict[tuple[str, str], list[str]] = {}
        """By venue and instrument: the chains whose searches trade there."""
        for source, finder in finders.items():
            for book in finder.books.instruments:
                self._sources.setdefault(book, []).append(source)
        self._venues = {venue for venue, _ in self._sources}
        self._changed: dict[tuple[str, str], int] = {}
        self._has_changed = asyncio.Event()

    def take(self, batches: Batches) -> None:
        """Note which books changed by what a venue told."""
        if not self._venues:
            return
        for topic, batch in batches:
            if topic not in _TOPICS or not batch.num_rows or batch["source"][0].as_py() not in self._venues:
                continue
            venue, recv_ns = batch["source"][0].as_py(), batch["recv_ns"][-1].value
            for instrument in batch["instrument"].unique().to_pylist():
                if (venue, instrument) in self._sources:
                    self._changed[venue, instrument] = recv_ns
                    self._has_changed.set()

    async def run(self) -> None:
        """Search through books that changed, until cancelled."""
        while True:
            await self._has_changed.wait()
            self._has_changed.clear()
            changed, self._changed = self._changed, {}
            books: dict[str, list[BookNow]] = {}
            for venue, instrument in changed:
                bids, asks = self._markets[venue].books.depth_e18(instrument, _LEVELS_MAX) or ([], [])
                for source in self._sources[venue, instrument]:
                    books.setdefault(source, []).append(BookNow(venue, instrument, bids, asks))
            for source, some in books.items():
                pipeline = self._pipelines.get(source)
                if pipeline is not None:
                    pipeline.search_books(some, max(changed.values()))
