"""What is known of a chain's state at one block: read of a node as calls need it, and anew for each block."""

from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from tidemill._rust import EvmBlock, EvmMissing, EvmState
from tidemill.core.http import HttpEndpoint
from tidemill.execute.plan.route import Address
from tidemill.execute.simulation.node import Question, Said, ask, ask_each
from tidemill.execute.simulation.simulation import BlockOverride, Call
from tidemill.schema.faults import Malformed, Unknown

_DELEGATION_BYTES = 23
"""Of an account's code that points to another's (EIP-7702), which its owner may change at any time."""


class Head(Struct, frozen=True):
    """The block that a state is of."""

    number: int
    block_hash: bytes
    timestamp_s: int
    base_fee_wei: int
    gas_limit: int
    fee_recipient: Address
    prev_randao: bytes

    def seen_with(self, override: BlockOverride | None) -> EvmBlock:
        """Return the block that a call runs in."""
        override = override or BlockOverride()
        return EvmBlock(
            number=_or(override.number, self.number),
            timestamp_s=_or(override.timestamp_s, self.timestamp_s),
            base_fee_wei=_or(override.base_fee_wei, self.base_fee_wei),
            gas_limit=self.gas_limit,
            fee_recipient=self.fee_recipient,
            prev_randao=self.prev_randao,
        )


class Reading(Struct, frozen=True):
    """What a node said of accounts and slots at one block."""

    head: Head
    accounts: dict[Address, tuple[int, int, bytes | None]]
    """Balance, nonce, and code where it was asked for."""
    slots: dict[tuple[Address, int], int]


class ForkedState:
    """A chain's state at one block; what calls needed so far is kept and read anew for the next block."""

    def __init__(self, http: HttpEndpoint, *, chain_id: int, rules: str, slots_max: int = 5_000) -> None:
        """Of more than `slots_max` slots none is read anew: a call that needs one has it read."""
        self.evm = EvmState(chain_id=chain_id, rules=rules)
        self.head: Head | None = None
        self._http = http
        self._slots_max = slots_max
        self._code: dict[Address, bytes] = {}
        self._accounts: dict[Address, tuple[int, int]] = {}
        self._slots: dict[tuple[Address, int], int] = {}

    async def move_to(self, number: int | None) -> Head:
        """Make it the state at block `number`, or at the newest one, and return that block.

        Raises: Unknown where the node has no such block; Gap, Unreachable, Refused, Malformed. All is as
        before then.
        """
        head = await read_head(self._http, number)
        await self.take(await self.look(head))
        return head

    async def look(self, head: Head) -> Reading:
        """Read all that is known anew, as it is at `head`; nothing changes yet. Raises: as `move_to`."""
        slots = [] if len(self._slots) > self._slots_max else [*self._slots]
        return await self._ask(head, [*self._code], slots)

    async def take(self, reading: Reading) -> None:
        """Make it the state that was looked at. Raises: as `move_to`.

        A slot that was read since of the block before is read again by the call that needs it.
        """
        since = [address for address in self._code if address not in reading.accounts]
        later = await self._ask(reading.head, since, []) if since else None
        self.evm.forget_values()
        self._slots.clear()
        self._put(reading)
        if later is not None:
            self._put(later)
        self.head = reading.head

    def restore(self) -> None:
        """Undo what calls did that the machine was made to keep: all is again as it was read."""
        for address, (balance_wei, nonce) in self._accounts.items():
            self.evm.put_account(address, balance_wei, nonce, None)
        for (address, slot), value in self._slots.items():
            self.evm.put_slot(address, slot, value)

    async def know(self, head: Head, address: Address) -> None:
        """Read an account where it is not known. Raises: as `move_to`."""
        if address not in self._code:
            await self._read(head, [address], [])

    async def prepare(self, head: Head, call: Call) -> None:
        """Read at once what the node says that `call` will touch; where it cannot say, nothing is read.

        Raises: Unreachable, Refused, Malformed.
        """
        parameters = [rpc_call(call), hex(head.number)]
        [told] = await ask_each(self._http, [("eth_createAccessList", parameters)])
        listed = [] if isinstance(told, Said) or not isinstance(told, dict) else told.get("accessList") or []
        accounts = [call.sender, head.fee_recipient, *([call.to] if call.to else [])]
        slots: list[tuple[Address, int]] = []
        try:
            for entry in cast(list[dict[str, Any]], listed):
                address = _bytes(entry["address"])
                accounts.append(address)
                slots += [(address, int(slot, 16)) for slot in entry["storageKeys"]]
        except (KeyError, TypeError, ValueError) as error:
            raise Malformed(
                f"{self._http.endpoint}: expected an access list, found one without {error}"
            ) from error
        new = [address for address in dict.fromkeys(accounts) if address not in self._code]
        await self._read(head, new, [slot for slot in slots if slot not in self._slots])

    async def supply(self, head: Head, missing: EvmMissing) -> None:
        """Read what a call found missing. Raises: as `move_to`."""
        if missing.block_number is not None:
            past = await read_head(self._http, missing.block_number)
            self.evm.put_block_hash(past.number, past.block_hash)
        elif missing.address is not None and missing.slot is not None:
            await self._read(head, [], [(missing.address, missing.slot)])
        elif missing.address is not None:
            await self._read(head, [missing.address], [])

    async def _read(
        self, head: Head, accounts: Sequence[Address], slots: Sequence[tuple[Address, int]]
    ) -> None:
        self._put(await self._ask(head, accounts, slots))

    async def _ask(
        self, head: Head, accounts: Sequence[Address], slots: Sequence[tuple[Address, int]]
    ) -> Reading:
        at = {"blockHash": _hex(head.block_hash)}  # by its hash: no reorg can come between two answers
        questions: list[Question] = []
        changing = {address for address in accounts if self._may_change(address)}
        for address in accounts:
            name = _hex(address)
            questions += [("eth_getBalance", [name, at]), ("eth_getTransactionCount", [name, at])]
            if address in changing:
                questions.append(("eth_getCode", [name, at]))
        questions += [("eth_getStorageAt", [_hex(address), hex(slot), at]) for address, slot in slots]
        answers = iter(await ask(self._http, questions))
        return Reading(
            head,
            {
                address: (
                    self._number(next(answers)),
                    self._number(next(answers)),
                    self._data(next(answers)) if address in changing else None,
                )
                for address in accounts
            },
            {slot: self._number(next(answers)) for slot in slots},
        )

    def _put(self, reading: Reading) -> None:
        for address, (balance_wei, nonce, code) in reading.accounts.items():
            self.evm.put_account(address, balance_wei, nonce, code)
            self._accounts[address] = (balance_wei, nonce)
            if code is not None:
                self._code[address] = code
        for (address, slot), value in reading.slots.items():
            self.evm.put_slot(address, slot, value)
        self._slots |= reading.slots

    def _number(self, told: Any) -> int:
        return int.from_bytes(self._data(told, fill="0"))

    def _data(self, told: Any, fill: str = "") -> bytes:
        try:
            digits = told.removeprefix("0x")
            return bytes.fromhex(fill * (len(digits) % 2) + digits)
        except (AttributeError, ValueError) as error:
            raise Malformed(f"{self._http.endpoint}: expected 0x and digits, found {told!r:.80}") from error

    def _may_change(self, address: Address) -> bool:
        """Return whether an account's code must be asked for: a contract's stays, since Cancun (EIP-6780)."""
        return len(self._code.get(address, b"")) <= _DELEGATION_BYTES


async def read_head(http: HttpEndpoint, number: int | None) -> Head:
    """Return the node's block at `number`, or its newest.

    Raises: Unknown where it has none; Malformed, Unreachable, Refused.
    """
    name = "latest" if number is None else hex(number)
    [told] = await ask(http, [("eth_getBlockByNumber", [name, False])])
    if told is None:
        raise Unknown(f"{http.endpoint}: expected block {name}, found none")
    try:
        return Head(
            number=int(told["number"], 16),
            block_hash=_bytes(told["hash"]),
            timestamp_s=int(told["timestamp"], 16),
            base_fee_wei=int(told.get("baseFeePerGas") or "0x0", 16),
            gas_limit=int(told["gasLimit"], 16),
            fee_recipient=_bytes(told["miner"]),
            prev_randao=_bytes(told.get("mixHash") or "0x" + 64 * "0"),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise Malformed(f"{http.endpoint}: expected block {name}, found one without {error}") from error


def rpc_call(call: Call) -> dict[str, str]:
    """Return a call as JSON-RPC spells it."""
    spelled = {
        "from": _hex(call.sender),
        "data": _hex(call.data),
        "value": hex(call.value_wei),
        "gas": hex(call.gas_limit),
    }
    if call.to is not None:
        spelled["to"] = _hex(call.to)
    if call.gas_price_wei:
        spelled["gasPrice"] = hex(call.gas_price_wei)
    return spelled


def _or(made: int | None, real: int) -> int:
    return real if made is None else made


def _hex(data: bytes) -> str:
    return "0x" + data.hex()


def _bytes(text: str) -> bytes:
    return bytes.fromhex(text[2:])
