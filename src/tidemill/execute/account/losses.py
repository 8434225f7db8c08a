"""How much gas did trades cost today that earned nothing?"""

from collections.abc import Sequence

import msgspec

from tidemill.core.clock import NS_PER_S
from tidemill.execute.account.outgoing import Outgoing
from tidemill.execute.account.receipts import Change, Included, Receipt, Reorged

_DAY_NS = 86_400 * NS_PER_S


class Losses:
    """One chain's, by UTC's day; what a restart must not forget is in `state`."""

    def __init__(self, chain_id: int) -> None:
        self.key = b"losses/" + chain_id.to_bytes(8)
        self._day = 0
        self._lost_wei = 0

    @property
    def state(self) -> dict[bytes, bytes | None]:
        """What is to be kept with the events that were counted."""
        return {self.key: msgspec.msgpack.encode((self._day, str(self._lost_wei)))}

    def read(self, kept: bytes | None) -> None:
        """Go on from what was kept."""
        if kept is not None:
            self._day, text = msgspec.msgpack.decode(kept, type=tuple[int, str])
            self._lost_wei = int(text)

    def count(self, one: Outgoing, changes: Sequence[Change], now_ns: int) -> None:
        """Count what failed or was cancelled; a reorg takes it back."""
        for change in changes:
            match change:
                case Included(receipt) if _is_loss(one, receipt):
                    self._lost_wei = self.today_wei(now_ns) + receipt.fee_wei
                case Reorged(receipt) if _is_loss(one, receipt):
                    self._lost_wei = max(self.today_wei(now_ns) - receipt.fee_wei, 0)
                case _:
                    pass

    def today_wei(self, now_ns: int) -> int:
        """Return what was lost on the day of `now_ns`; a clock that goes back stays on the later day."""
        day = now_ns // _DAY_NS
        if day > self._day:
            self._day, self._lost_wei = day, 0
        return self._lost_wei


def _is_loss(one: Outgoing, receipt: Receipt) -> bool:
    return not receipt.is_success or one.cancels(receipt.digest)
