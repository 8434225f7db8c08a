"""What does the ledger tell of what became of a transaction?"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from tidemill.execute.account.outgoing import Outgoing
from tidemill.execute.account.receipts import (
    Change,
    Final,
    Included,
    Missing,
    Receipt,
    Reorged,
    TakenByOthers,
    profit_of,
)
from tidemill.execute.plan.executor_site import ExecutorSite
from tidemill.execute.plan.route import Address
from tidemill.execute.trade import after
from tidemill.schema.events import Execution, ExecutionState
from tidemill.schema.faults import Malformed

_REVERTED = "it was included and reverted"
_CANCELLED = "it was cancelled: nothing was carried out"
_TAKEN = "a transaction that the ledger does not know took its nonce"

Usd = Callable[[Address, int | None], float | None]
"""What so many smallest units of a token are worth; None where that is not known."""


class Teller(Struct, frozen=True):
    """What has to be known to tell of a trade."""

    site: ExecutorSite
    usd: Usd

    def events_of(self, one: Outgoing, changes: Sequence[Change], event_ns: int) -> list[Execution]:
        """Return the events of `changes`, in order; of a nonce that is no trade's there are none."""
        events: list[Execution] = []
        told = one.told
        if told is None:
            return events
        for change in changes:
            found = self._state_of(one, told, change)
            if found is not None:
                state, fields = found
                told = after(told, state, event_ns, **fields)
                events.append(told)
        return events

    def _state_of(
        self, one: Outgoing, told: Execution, change: Change
    ) -> tuple[ExecutionState, dict[str, Any]] | None:
        match change:
            case Missing():
                return None
            case TakenByOthers():
                return ExecutionState.REPLACED, {"reason": _TAKEN}
            case Included(receipt):
                if one.cancels(receipt.digest):
                    return None
                return ExecutionState.INCLUDED, self._paid(receipt, told.token)
            case Reorged(receipt):
                return None if one.cancels(receipt.digest) else (ExecutionState.REORGED, _NOTHING)
            case Final(receipt):
                fields = self._paid(receipt, told.token)
                if one.cancels(receipt.digest):
                    return ExecutionState.REPLACED, fields | {"reason": _CANCELLED}
                return (ExecutionState.FINAL if receipt.is_success else ExecutionState.FAILED), fields

    def _paid(self, receipt: Receipt, token: Address) -> dict[str, Any]:
        reason = None if receipt.is_success else _REVERTED
        gained: int | None = None
        try:
            gained = profit_of(receipt, self.site.executor, token, self.site.owner)
        except Malformed as fault:
            reason = str(fault)
        return {
            "tx_hash": receipt.digest,
            "block_number": receipt.block_number,
            "block_hash": receipt.block_hash,
            "gas_used": receipt.gas_used,
            "effective_gas_price_wei": receipt.effective_price_wei,
            "fee_wei": receipt.fee_wei,
            "realised_profit": gained,
            "realised_profit_usd": self.usd(token, gained),
            "reason": reason,
        }


_NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "block_number",
        "block_hash",
        "gas_used",
        "effective_gas_price_wei",
        "fee_wei",
    )
)
