"""Which of Polymarket's markets are read: the named ones and the most traded, as the directory lists them."""

from urllib.parse import urlencode

import msgspec

from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint, HttpFailure, HttpLimits
from tidemill.schema.events import Market
from tidemill.venues.base import Mapped, Origin
from tidemill.venues.polymarket import VENUE
from tidemill.venues.polymarket_config import PolymarketConfig

_PAGE = 100
_OPEN = {"closed": "false", "active": "true", "order": "volume24hr", "ascending": "false"}


class Directory:
    """The directory's pages; use it as an async context manager."""

    def __init__(self, config: PolymarketConfig, clock: Clock, run_id: str) -> None:
        self.http = HttpEndpoint(
            f"{config.directory_url}/markets", clock, HttpLimits(answer_timeout_ms=config.answer_timeout_ms)
        )
        self._config = config
        self._connection = f"{run_id}-directory"
        self._sequence = 0
        self._told: dict[str, Market] = {}

    async def read(self) -> Mapped:
        """Return what is new or changed in the directory since it was last read. Raises: Fault."""
        found = Mapped()
        slugs, wanted = self._config.slugs, self._config.markets_max
        for begin in range(0, len(slugs), _PAGE):
            chunk = slugs[begin : begin + _PAGE]
            await self._page([("slug", slug) for slug in chunk] + [("limit", str(_PAGE))], found)
        for offset in range(0, wanted, _PAGE):
            limit = min(_PAGE, wanted - offset)
            page = [*_OPEN.items(), ("limit", str(limit)), ("offset", str(offset))]
            if await self._page(page, found) < limit:
                break
        return found

    async def _page(self, query: list[tuple[str, str]], found: Mapped) -> int:
        """Add a page to what was found; return how many markets it has."""
        answer = await self.http.get(f"?{urlencode(query)}")
        if isinstance(answer, HttpFailure):
            raise answer.fault
        origin = Origin(
            source=VENUE.name,
            chain_id=137,
            dex=VENUE.name,
            connection=self._connection,
            first_sequence=self._sequence,
        )
        page = VENUE.map_frame("directory", answer.body, origin, answer.recv_ns)
        self._sequence += page.row_count
        found.faults += page.faults
        for event in page.events:
            assert isinstance(event, Market)
            key = msgspec.structs.replace(event, event_ns=0, recv_ns=0, sequence=0)
            if self._told.get(event.instrument) != key:
                self._told[event.instrument] = key
                found.events.append(event)
        return page.row_count
