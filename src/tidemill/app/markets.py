"""Which order-book venues do the settings name, and what reads each."""

from tidemill.app.market_run import OpenMarket
from tidemill.app.sei import SeiRun
from tidemill.app.settings import Settings


def markets_of(settings: Settings) -> list[OpenMarket]:
    """Return what opens the reader of each venue that is configured."""
    found: list[OpenMarket] = []
    sei = settings.venues.sei
    if sei.ws_url is not None:
        found.append(lambda bus, clock, committed: SeiRun(sei, bus, clock, committed))
    return found
