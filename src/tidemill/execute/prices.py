"""What is a token worth in dollars now, by what was told last?"""

from tidemill.core.clock import NS_PER_S, Clock
from tidemill.execute.plan.route import Address

_STALE_NS = 600 * NS_PER_S
"""An older price says nothing: the token may be worth anything by now."""


class TokenPrices:
    """The newest prices of one chain's tokens."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[Address, tuple[int, float]] = {}

    def tell(self, token: Address, usd_per_unit: float, event_ns: int) -> None:
        """Take in what a smallest unit was worth; what is older than what is known is passed over."""
        known = self._known.get(token)
        if known is None or event_ns >= known[0]:
            self._known[token] = event_ns, usd_per_unit

    def usd(self, token: Address, amount: int) -> float | None:
        """Return what so many smallest units are worth; None where no price is known, or only an old one."""
        known = self._known.get(token)
        if known is None or self._clock.now_ns() - known[0] > _STALE_NS:
            return None
        return amount * known[1]
