"""How the executor is attacked in this process: real contracts' state, a contract that is told what to do."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import vyper
from eth_abi.abi import encode as encode_abi
from msgspec import Struct
from tests.execute.arena import Arena, bytes_of

from tidemill._rust import EvmMissing, EvmOutcome
from tidemill.core.clock import SystemClock
from tidemill.core.http import HttpEndpoint
from tidemill.execute.simulation.forked_state import ForkedState, Head
from tidemill.sandbox import abi

MALLORY = bytes.fromhex("4d" * 20)
"""Where the contract that attacks is."""
STRANGER = bytes.fromhex("5e" * 20)
_MALLORY = Path(__file__).parent / "vyper/Mallory.vy"
_GAS = 3_000_000
_PREPARE = "prepare((address,bytes)[],bytes)"

Step = tuple[bytes, bytes]
"""Whom to call, and the call data."""
PAUSE: Step = (bytes(20), b"")
"""Where Mallory waits until it is called again."""


class Attack(Struct, frozen=True):
    """A chain in this process on which calls may be tried."""

    arena: Arena
    state: ForkedState
    head: Head
    executor: bytes

    async def run(self, sender: bytes, to: bytes | None, data: bytes) -> EvmOutcome:
        """Return what a transaction does, which changes nothing."""
        while True:
            outcome = self.state.evm.run(
                self.head.seen_with(None),
                sender=sender,
                to=to,
                data=data,
                value_wei=0,
                gas_limit=_GAS,
                gas_price_wei=0,
            )
            if isinstance(outcome, EvmMissing):
                await self.state.supply(self.head, outcome)
            else:
                return outcome

    async def do(self, sender: bytes, to: bytes, data: bytes) -> None:
        """Make a transaction that must succeed."""
        outcome = await self.run(sender, to, data)
        assert outcome.is_success, outcome.output
        self.state.evm.keep(outcome)

    async def tell(self, steps: Sequence[Step], answer: bytes) -> None:
        """Tell Mallory what to do, a step each time it is called, and what to answer."""
        data = abi.selector(_PREPARE) + encode_abi(["(address,bytes)[]", "bytes"], [list(steps), answer])
        await self.do(STRANGER, MALLORY, data)

    async def view(self, to: bytes, data: str) -> int:
        """Return the word that a view answers."""
        return int.from_bytes((await self.run(STRANGER, to, bytes_of(data))).output[:32])

    async def holdings(self) -> dict[bytes, int]:
        """Return what owner and executor have of each token, together."""
        found: dict[bytes, int] = {}
        for token in self.arena.world.tokens:
            address = bytes_of(token.address)
            held = [
                await self.view(address, abi.flat_call("balanceOf(address)", holder))
                for holder in (self.arena.owner, self.arena.executor)
            ]
            found[address] = sum(held)
        return found


@asynccontextmanager
async def attacking(arena: Arena) -> AsyncIterator[Attack]:
    """Put Mallory beside the executor, in which some of every token was forgotten."""
    async with HttpEndpoint(arena.world.http_url, SystemClock()) as http:
        state = ForkedState(http, chain_id=arena.world.chain_id, rules="prague")
        head = await state.move_to(None)
        attack = Attack(arena, state, head, bytes_of(arena.executor))
        code = vyper.compile_code(_MALLORY.read_text(), output_formats=["bytecode_runtime"])
        state.evm.put_account(MALLORY, 0, 1, bytes_of(code["bytecode_runtime"]))
        for slot in range(2_048):
            state.evm.put_slot(MALLORY, slot, 0)
        for token in arena.world.tokens[1:]:
            mint = abi.flat_call("mint(address,uint256)", arena.executor, 1_000 * 10**token.decimals)
            await attack.do(bytes_of(arena.owner), bytes_of(token.address), bytes_of(mint))
        approval = abi.flat_call("approve(address,uint256)", arena.executor, abi.MAX_UINT256)
        for token in arena.world.tokens:
            await attack.do(bytes_of(arena.owner), bytes_of(token.address), bytes_of(approval))
        yield attack
