"""How is an up-or-down market settled: by the reference prices at its beginning and at its end.

Source: the markets' own rules: Up where the price at the end is at least that at the beginning.
"""

from decimal import Decimal
from enum import IntEnum
from heapq import heappop, heappush

from tidemill.schema.events import ReferencePrice


class UpDown(IntEnum):
    """The outcome that is paid out, by its index in the market's tokens."""

    UP = 0
    DOWN = 1


def outcome_of(strike: Decimal, closing: Decimal) -> UpDown:
    """Return what is paid out."""
    return UpDown.UP if closing >= strike else UpDown.DOWN


class ReferencePrices:
    """The newest ticks of one instrument, by the time that they are of."""

    def __init__(self, ticks_max: int) -> None:
        self._ticks_max = ticks_max
        self._prices: dict[int, Decimal] = {}
        self._times: list[int] = []
        """Of the ticks that are kept, the oldest first: some come late."""

    def take(self, tick: ReferencePrice) -> None:
        """Keep a tick; a later one of the same time replaces it."""
        if tick.event_ns not in self._prices:
            heappush(self._times, tick.event_ns)
        self._prices[tick.event_ns] = tick.price
        if len(self._prices) > self._ticks_max:
            del self._prices[heappop(self._times)]

    def outcome(self, start_ns: int, end_ns: int, strike: Decimal | None = None) -> UpDown | None:
        """Return the outcome of a market that ran so; `strike` where the venue tells it.

        None where a tick of exactly that time is not there: a neighbour's is no substitute.
        """
        opening = self._prices.get(start_ns) if strike is None else strike
        closing = self._prices.get(end_ns)
        return None if opening is None or closing is None else outcome_of(opening, closing)
