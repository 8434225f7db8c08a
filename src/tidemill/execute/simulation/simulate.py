"""What would a call do on the chain as it is: run in this process, on state that is kept for each block."""

import asyncio
from collections.abc import Callable, Sequence
from typing import NamedTuple

from tidemill._rust import EvmBlock, EvmOutcome, EvmOverrides
from tidemill.core.http import HttpEndpoint
from tidemill.execute.simulation.forked_state import ForkedState, Head, read_head
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

_THREAD_CALLS_MIN = 4
"""So many calls take over a millisecond, and are run beside the loop."""
_ROUNDS_MAX = 1_000
"""Of reading what is missing: a call that still lacks something reads without end."""


class Ran(NamedTuple):
    """What a call did, and what that depended on."""

    simulation: Simulation
    outcome: EvmOutcome
    within: Head
    """The block that it ran in."""


class Simulator:
    """Simulates calls of one chain, one at a time."""

    def __init__(self, http: HttpEndpoint, *, chain_id: int, rules: str = "prague") -> None:
        """Calls run by the `rules` of a hard fork; a second layer's own fees are not part of them."""
        self._http = http
        self._state = ForkedState(http, chain_id=chain_id, rules=rules)
        self._turn = asyncio.Lock()
        self._move = asyncio.Lock()
        self._made: tuple[Overrides, EvmOverrides] | None = None

    async def follow(self, block: int | None = None) -> int:
        """Move to `block`, or to the newest, and return its number: all that was needed so far is read anew.

        Calls are run on the block before while it is read. Raises: Unknown, Gap, Unreachable, Refused,
        Malformed; nothing has moved then.
        """
        async with self._move:
            head = await read_head(self._http, block)
            here = self._state.head
            if here is None or here.block_hash != head.block_hash:
                reading = await self._state.look(head)
                async with self._turn:
                    await self._state.take(reading)
            return head.number

    @property
    def block(self) -> int | None:
        """The block that is followed; None before there is one."""
        return None if self._state.head is None else self._state.head.number

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
            outcome = await self._complete(
                call, head, head.seen_with(block_override), self._made_of(overrides)
            )
            return _told(call, head, outcome)

    async def run_each(
        self,
        calls: Sequence[Call],
        within: Head | Callable[[Head], Head],
        *,
        overrides: Overrides | None = None,
        before: Sequence[Ran] | None = None,
    ) -> list[Ran]:
        """Return what each call does by itself on the state that is followed, in the block `within`, which
        may be made of the one that is followed.

        `before` is what the same calls did in the same block on another state: one that would read the same
        here would do the same, and is not run again. Many run in a thread, on all processors but one.

        Raises: as `run`.
        """
        async with self._turn:
            head = self._state.head
            if head is None:
                head = await self._state.move_to(None)
            if callable(within):
                within = within(head)
            await self._state.know(head, within.fee_recipient)
            block, made = within.seen_with(None), self._made_of(overrides)
            evm = self._state.evm
            found = [one.outcome if evm.agrees(one.outcome) else None for one in before or ()]
            found = found or [None] * len(calls)
            while missing := [place for place, one in enumerate(found) if one is None]:
                parts = [_parts(calls[place]) for place in missing]
                if len(missing) < _THREAD_CALLS_MIN:
                    told = evm.run_each(block, parts, made)
                else:
                    told = await asyncio.to_thread(evm.run_each, block, parts, made)
                for place, outcome in zip(missing, told, strict=True):
                    found[place] = outcome if isinstance(outcome, EvmOutcome) else None
                lacking = next((place for place in missing if found[place] is None), None)
                if lacking is not None:  # what it reads, others may need as well
                    found[lacking] = await self._complete(calls[lacking], head, block, made)
            return [
                Ran(_told(call, head, outcome), outcome, within)
                for call, outcome in zip(calls, found, strict=True)
                if outcome is not None
            ]

    async def _complete(self, call: Call, head: Head, block: EvmBlock, made: EvmOverrides) -> EvmOutcome:
        """Run a call, reading what it lacks."""
        for turn in range(_ROUNDS_MAX):
            [outcome] = self._state.evm.run_each(block, [_parts(call)], made)
            if isinstance(outcome, EvmOutcome):
                return outcome
            if turn == 0:
                await self._state.prepare(head, call)
            else:
                await self._state.supply(head, outcome)
        raise Unreachable(f"simulation: expected to have read enough in {_ROUNDS_MAX} rounds, it lacks more")

    def _made_of(self, overrides: Overrides | None) -> EvmOverrides:
        """Return `overrides` for the machine; the last are kept, as code takes long to look through."""
        overrides = overrides or {}
        if self._made is None or self._made[0] is not overrides:
            self._made = (
                overrides,
                EvmOverrides(
                    [
                        (address, one.balance_wei, one.nonce, one.code, list(one.slots.items()))
                        for address, one in overrides.items()
                    ]
                ),
            )
        return self._made[1]


def _parts(
    call: Call,
) -> tuple[bytes, bytes | None, bytes, int, int, int, tuple[tuple[bytes, bytes], ...] | None]:
    return (
        call.sender,
        call.to,
        call.data,
        call.value_wei,
        call.gas_limit,
        call.gas_price_wei,
        call.watched,
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
        access_list=None
        if call.watched is not None
        else tuple((address, tuple(slots)) for address, slots in outcome.access_list(implied)),
        method=Method.IN_PROCESS,
        block_number=head.number,
        block_hash=head.block_hash,
    )
