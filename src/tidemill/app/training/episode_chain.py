"""What comes of transactions that want into the same block: they run in the order in which they pay."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from tidemill._rust import EvmBlock, EvmMissing, EvmOutcome
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.route import Address
from tidemill.execute.simulation.forked_state import ForkedState, Head
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.schema.faults import Refused, Unreachable

GAS_LIMIT = 3_000_000
_ROUNDS_MAX = 1_000
"""Of reading what is missing for one call."""


class Transaction(NamedTuple):
    """What is sent; each sender has one in a block."""

    sender: Address
    to: Address
    data: bytes
    tip_wei: int
    """For each unit of gas, above the base fee; the most that it would pay is both together."""


class Receipt(NamedTuple):
    """What a block says of a transaction."""

    is_success: bool
    gas_used: int


class Chain(Protocol):
    """A chain that can go back to where it was opened."""

    async def restore(self) -> None:
        """Undo all blocks."""
        ...

    async def mine(self, base_fee_wei: int, transactions: Sequence[Transaction]) -> list[Receipt]:
        """Return the receipts of a block, in the order in which its transactions were given."""
        ...

    async def view(self, to: Address, data: bytes) -> bytes:
        """Return what a contract answers after the last block."""
        ...


class InProcessChain:
    """The chain of a node as it is now, further blocks run in this process.

    A block's transactions are ordered by what they pay above the base fee, then by when they came: as anvil
    orders by fees, which tests/app/test_episode_chain.py compares.
    """

    def __init__(self, http: HttpEndpoint, *, chain_id: int) -> None:
        self._state = ForkedState(http, chain_id=chain_id, rules="prague")
        self._blocks = 0

    async def restore(self) -> None:
        """Undo all blocks."""
        self._blocks = 0
        self._state.restore()

    async def mine(self, base_fee_wei: int, transactions: Sequence[Transaction]) -> list[Receipt]:
        """Return receipts. Raises: Refused, where a block would not take one; Unreachable, Malformed."""
        head = await self._head()
        self._blocks += 1
        block = self._block(head, base_fee_wei)
        receipts: dict[int, Receipt] = {}
        for place in sorted(range(len(transactions)), key=lambda at: -transactions[at].tip_wei):
            outcome = await self._run(head, block, transactions[place], base_fee_wei)
            self._state.evm.keep(outcome)
            receipts[place] = Receipt(outcome.is_success, outcome.gas_used)
        return [receipts[place] for place in range(len(transactions))]

    async def view(self, to: Address, data: bytes) -> bytes:
        """Return what a contract answers. Raises: Refused, where it reverts; as `mine`."""
        head = await self._head()
        outcome = await self._run(head, self._block(head, 0), Transaction(bytes(20), to, data, 0), 0)
        if not outcome.is_success:
            raise Refused(f"0x{to.hex()}: expected an answer to 0x{data[:4].hex()}, it reverted")
        return outcome.output

    async def _head(self) -> Head:
        return self._state.head or await self._state.move_to(None)

    def _block(self, head: Head, base_fee_wei: int) -> EvmBlock:
        return EvmBlock(
            number=head.number + self._blocks,
            timestamp_s=head.timestamp_s + self._blocks,
            base_fee_wei=base_fee_wei,
            gas_limit=head.gas_limit,
            fee_recipient=head.fee_recipient,
            prev_randao=head.prev_randao,
        )

    async def _run(self, head: Head, block: EvmBlock, sent: Transaction, base_fee_wei: int) -> EvmOutcome:
        for _ in range(_ROUNDS_MAX):
            outcome = self._state.evm.run(
                block,
                sender=sent.sender,
                to=sent.to,
                data=sent.data,
                value_wei=0,
                gas_limit=GAS_LIMIT,
                gas_price_wei=base_fee_wei + sent.tip_wei,
            )
            if not isinstance(outcome, EvmMissing):
                return outcome
            await self._state.supply(head, outcome)
        raise Unreachable(f"episode: expected to have read enough in {_ROUNDS_MAX} rounds, it lacks more")


class MinedChain:
    """The node's own chain, mined by hand: the node must have been started to order by fees."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc = rpc
        self._mark: str | None = None
        self._begin_s: int | None = None
        self._blocks = 0

    async def restore(self) -> None:
        """Undo all blocks."""
        if self._mark is not None:
            await self._rpc.call("evm_revert", self._mark)
        self._mark = await self._rpc.call("evm_snapshot")
        if self._begin_s is None:
            head = await self._rpc.call("eth_getBlockByNumber", "latest", False)
            self._begin_s = int(head["timestamp"], 16)
        self._blocks = 0

    async def mine(self, base_fee_wei: int, transactions: Sequence[Transaction]) -> list[Receipt]:
        """Return receipts. Raises: Refused, where the node would not take one; Unreachable, Malformed."""
        if self._begin_s is None:
            await self.restore()
        assert self._begin_s is not None
        self._blocks += 1
        calls = [Call("anvil_setNextBlockBaseFeePerGas", [hex(base_fee_wei)])]
        calls.append(Call("evm_setNextBlockTimestamp", [self._begin_s + self._blocks]))
        await self._rpc.all(calls)
        sent = [Call("eth_sendTransaction", [_spelled(one, base_fee_wei)]) for one in transactions]
        digests: list[str] = [await self._rpc.call(one.method, *one.params) for one in sent]
        await self._rpc.call("evm_mine")
        told: list[Any] = await self._rpc.all([Call("eth_getTransactionReceipt", [one]) for one in digests])
        return [Receipt(int(one["status"], 16) == 1, int(one["gasUsed"], 16)) for one in told]

    async def view(self, to: Address, data: bytes) -> bytes:
        """Return what a contract answers. Raises: Refused, where it reverts; Unreachable, Malformed."""
        asked = {"to": "0x" + to.hex(), "data": "0x" + data.hex()}
        return bytes.fromhex((await self._rpc.call("eth_call", asked, "latest"))[2:])


def _spelled(sent: Transaction, base_fee_wei: int) -> dict[str, str]:
    return {
        "from": "0x" + sent.sender.hex(),
        "to": "0x" + sent.to.hex(),
        "data": "0x" + sent.data.hex(),
        "gas": hex(GAS_LIMIT),
        "maxFeePerGas": hex(base_fee_wei + sent.tip_wei),
        "maxPriorityFeePerGas": hex(sent.tip_wei),
    }
