"""How many connections, and requests at a time over HTTP/2, does each address hold?"""

from collections import Counter
from collections.abc import Callable

from tidemill.serve.auth.config import LimitSettings


class Callers:
    """Those of one server, counted by address."""

    def __init__(self, limits: LimitSettings, is_counted: Callable[[str], bool]) -> None:
        """`is_counted` says of which addresses; it says the same of one always."""
        self.limits = limits
        self._is_counted = is_counted
        self._held: Counter[str] = Counter()

    def admit(self, peer: str) -> bool:
        """Count one more of `peer`; False, where it has as many as it may."""
        if self._is_counted(peer):
            if self._held[peer] >= self.limits.connections_per_address_max:
                return False
            self._held[peer] += 1
        return True

    def let_go(self, peer: str) -> None:
        """Count one less of who was admitted."""
        if self._is_counted(peer):
            self._held[peer] -= 1
            if not self._held[peer]:
                del self._held[peer]
