"""The venues of a demo: their emulators, the settings that read them, and how their books fared."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct, structs

from tidemill.app.settings import Environment, read_settings
from tidemill.app.venues.markets import MarketRun
from tidemill.sandbox.emulated import emulated

_SETTINGS_FILE = "venues.toml"


class VenueOutcome(Struct, frozen=True, kw_only=True):
    """What became of a venue's books."""

    books: int
    live: int
    """Those that could be relied on at the end."""
    gaps: int
    """How often one could not."""


@asynccontextmanager
async def emulating(environment: Environment, names: Sequence[str], seed: int) -> AsyncIterator[Environment]:
    """Run emulators while the context is open; yield what has tidemill read them beside chains.

    Raises: Unreachable, where one does not start.
    """
    async with AsyncExitStack() as opened:
        told = [await opened.enter_async_context(emulated(name, seed)) for name in names]
        if not told:
            yield environment
            return
        file = environment.paths.data / _SETTINGS_FILE
        file.write_text("\n".join(told))
        venues = read_settings(file, None, {}).settings.venues
        settings = structs.replace(environment.settings, venues=venues)
        yield environment._replace(loaded=environment.loaded._replace(settings=settings))


def outcomes(markets: Mapping[str, MarketRun]) -> dict[str, VenueOutcome]:
    """Return how the books of each venue fare now."""
    return {
        name: VenueOutcome(books=len(run.books), live=run.books.live_count, gaps=run.books.counts.gaps)
        for name, run in markets.items()
    }
