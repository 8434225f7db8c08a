"""How does execution learn what tokens are worth: of the opportunities that this program finds."""

from collections.abc import Mapping

from tidemill.bus import Bus
from tidemill.execute.prices import TokenPrices
from tidemill.schema.faults import Gap

_TOPIC = "opportunity"
_BATCHES = 256
_WAIT_MS = 500
_COLUMNS = ("chain_id", "token", "usd_per_unit", "event_ns")


async def follow_prices(bus: Bus, prices: Mapping[int, TokenPrices]) -> None:
    """Tell the prices of each chain, by id, as opportunities come from now on, until cancelled.

    They are those of the deepest pools that lead to a stable token, as `usd_per_unit` of an opportunity says.

    Raises: Unreachable, where the bus cannot be read.
    """
    places = {part: await bus.head(part) for part in await bus.partitions(_TOPIC)}
    while True:
        for part in places:
            try:
                entries = await bus.read(part, places[part], batches_max=_BATCHES, wait_ms=_WAIT_MS)
            except Gap:  # slower than the bus keeps: what is lost is old
                places[part] = await bus.first(part)
                continue
            for entry in entries:
                columns = (entry.batch.column(name).to_pylist() for name in _COLUMNS)
                for chain_id, token, usd_per_unit, event_ns in zip(*columns, strict=True):
                    if usd_per_unit is not None and chain_id in prices:
                        prices[chain_id].tell(token, usd_per_unit, event_ns)
                places[part] = entry.offset + 1
