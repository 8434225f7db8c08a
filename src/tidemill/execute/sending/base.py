"""What does every way to carry a trade out promise?"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from msgspec import Struct

from tidemill.bus.base import State
from tidemill.execute.trade import Trade
from tidemill.schema.events import Execution


class Sent(Struct, frozen=True, kw_only=True):
    """A trade is under way, or surely will never be."""

    told: Execution
    """Its newest event, which is on the ledger."""

    @property
    def tx_hash(self) -> bytes | None:
        """The transaction; None on paper, and where none was sent."""
        return self.told.tx_hash


class Sending(ABC):
    """Carries accepted trades out on one chain, one after the other for each account.

    Every change of a trade is told the ledger before anything follows from it: what is sent was told as
    `signed` before, with all that finds it again after the process was killed.
    """

    def begin(self, trade: Trade) -> tuple[Trade, State]:
        """Return `trade` as the ledger is to have it before `send` is called, and what it keeps beside it."""
        return trade, {}

    @abstractmethod
    async def send(self, trade: Trade) -> Sent:
        """Take charge of `trade`, as `begin` returned it; return once it is under way, or will not be, and
        the ledger has that.

        What follows (included, final, filled, …) is told the ledger by `run`.

        Raises: Unreachable where nothing was sent and a later try may succeed; Refused, Unsafe where nothing
        was sent and a repeat would not be either.
        """

    @abstractmethod
    async def take_up(self, unsettled: Sequence[Execution]) -> None:
        """Go on with trades that were under way when the last process ended, by each one's newest event."""

    @abstractmethod
    async def run(self) -> None:
        """Follow what was sent until cancelled."""
