"""Let a browser open a stream, which cannot send a header: a ticket in its address, good once."""

import secrets
from collections import OrderedDict
from typing import NamedTuple

from tidemill.serve.auth.caller import Caller
from tidemill.serve.auth.shared_tickets import SharedTickets

_TICKETS_MAX = 10_000
"""Those not used make room for new ones, the oldest first."""
_TICKET_BYTES = 24


class _Ticket(NamedTuple):
    caller: Caller
    ends_s: float


class Tickets:
    """Those that were given and not used: where others share them, and in this process."""

    def __init__(self, ttl_s: float, shared: SharedTickets | None = None) -> None:
        self.ttl_s = ttl_s
        self._shared = shared
        self._given: OrderedDict[str, _Ticket] = OrderedDict()

    async def give(self, caller: Caller, monotonic_s: float) -> str:
        """Return a new ticket, which stands for `caller` once."""
        ticket = secrets.token_urlsafe(_TICKET_BYTES)
        if self._shared is not None and await self._shared.put(ticket, caller, self.ttl_s):
            return ticket
        self._given[ticket] = _Ticket(caller, monotonic_s + self.ttl_s)
        if len(self._given) > _TICKETS_MAX:
            self._given.popitem(last=False)
        return ticket

    async def use(self, ticket: str, monotonic_s: float) -> Caller | None:
        """Return who it stands for, and forget it; None where it is none, was used, or has ended."""
        found = self._given.pop(ticket, None)
        if found is None:
            return None if self._shared is None else await self._shared.take(ticket)
        return None if found.ends_s <= monotonic_s else found.caller
