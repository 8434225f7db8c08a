"""What would a call do on the chain as it is: run in this process, on state that is kept for each block."""

import asyncio

from tidemill._rust import EvmMissing, EvmOutcome
from tidemill.core.http import HttpEndpoint
from tidemill.execute.simulation.forked_state import ForkedState, Head
from tidemill.execute.simulation.revert_reason import revert_reason
from tidemill.execute.simulation.simulation import (
    BalanceChange,
    BlockOverride,
    Call,
    Method,
    Overrides,
    Simulation,
)
from tidemill.schema.faults import Unreachable

_ROUNDS_MAX = 1_000
"""Of reading what is missing: a call that still lacks something reads without end."""


class Simulator:
    """Simulates calls of one chain, one at a time."""

    def __init__(self, http: HttpEndpoint, *, chain_id: int, rules: str = "prague") -> None:
        """Calls run by the `rules` of a hard fork; a second layer's own fees are not part of them."""
        self._state = ForkedState(http, chain_id=chain_id, rules=rules)
        self._turn = asyncio.Lock()

    async def follow(self, block: int | None = None) -> int:
        """Move to `block`, or to the newest, and return its number: all that was needed so far is read anew.

        Raises: Unknown, Gap, Unreachable, Refused, Malformed.
        """
        async with self._turn:
            return (await self._state.move_to(block)).number

    async def run(
        self,
        call: Call,
        block: int | None = None,
        *,
        overrides: Overrides | None = None,
        block_override: BlockOverride | None = None,
    ) -> Simulation:
        """Return what `call` does after block `block`; None: the one that is followed.

        Raises: Refused where no block would take it; Unknown, Gap, Unreachable, Malformed where what it needs
        cannot be read. A call that reverts is a `Simulation`, one that could not be run never is.
        """
        async with self._turn:
            head = self._state.head
            if head is None or block not in (None, head.number):
                head = await self._state.move_to(block)
            for turn in range(_ROUNDS_MAX):
                outcome = self._once(call, head, overrides, block_override)
                if isinstance(outcome, EvmOutcome):
                    return _told(call, head, outcome)
                if turn == 0:
                    await self._state.prepare(head, call)
                else:
                    await self._state.supply(head, outcome)
        raise Unreachable(f"simulation: expected to have read enough in {_ROUNDS_MAX} rounds, it lacks more")

    def run_known(
        self, call: Call, *, overrides: Overrides | None = None, block_override: BlockOverride | None = None
    ) -> Simulation | None:
        """Return what `run` would, without reading; None where something would have to be read.

        Others may run in other threads meanwhile, as long as nothing else is asked of this simulator.

        Raises: Refused, where no block would take the call.
        """
        head = self._state.head
        if head is None:
            return None
        outcome = self._once(call, head, overrides, block_override)
        return _told(call, head, outcome) if isinstance(outcome, EvmOutcome) else None

    def _once(
        self, call: Call, head: Head, overrides: Overrides | None, block_override: BlockOverride | None
    ) -> EvmOutcome | EvmMissing:
        made = [
            (address, one.balance_wei, one.nonce, one.code, list(one.slots.items()))
            for address, one in (overrides or {}).items()
        ]
        return self._state.evm.run(
            head.seen_with(block_override),
            sender=call.sender,
            to=call.to,
            data=call.data,
            value_wei=call.value_wei,
            gas_limit=call.gas_limit,
            gas_price_wei=call.gas_price_wei,
            overrides=made,
        )


def _told(call: Call, head: Head, outcome: EvmOutcome) -> Simulation:
    implied = [call.sender, head.fee_recipient, *([call.to] if call.to else [])]
    return Simulation(
        is_success=outcome.is_success,
        gas_used=outcome.gas_used,
        output=outcome.output,
        revert_reason=None if outcome.is_success else outcome.halt or revert_reason(outcome.output),
        balance_changes=tuple(
            BalanceChange(token, holder, after - before)
            for token, holder, before, after in outcome.balance_changes()
        ),
        access_list=tuple((address, tuple(slots)) for address, slots in outcome.access_list(implied)),
        method=Method.IN_PROCESS,
        block_number=head.number,
        block_hash=head.block_hash,
    )
