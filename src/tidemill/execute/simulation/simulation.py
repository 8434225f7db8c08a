"""What is asked of a simulation, and what it tells: a call, what it sees otherwise, and what it did."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from tidemill.execute.plan.route import Address


class Call(Struct, frozen=True, kw_only=True):
    """A transaction that might be sent."""

    sender: Address
    to: Address | None
    """None: a contract is created."""
    data: bytes
    value_wei: int = 0
    gas_limit: int = 10_000_000
    gas_price_wei: int = 0
    """0: gas is free, as `eth_call` has it."""
    watched: tuple[tuple[Address, Address], ...] | None = None
    """In the process: the only tokens and holders whose balances are told, without an access list; None:
    those of all that the logs name."""


class AccountOverride(Struct, frozen=True, kw_only=True):
    """What an account is made to be, for one simulation; None: as it is."""

    balance_wei: int | None = None
    nonce: int | None = None
    code: bytes | None = None
    slots: Mapping[int, int] = field(default_factory=dict[int, int])
    """Those that differ; the others are as they are."""


class BlockOverride(Struct, frozen=True, kw_only=True):
    """What the block is made to be; None: as it is."""

    number: int | None = None
    timestamp_s: int | None = None
    base_fee_wei: int | None = None


Overrides = Mapping[Address, AccountOverride]


class Method(StrEnum):
    """How a call was simulated."""

    IN_PROCESS = "in_process"
    SIMULATE_V1 = "eth_simulateV1"
    TRACE_CALL = "debug_traceCall"
    CALL = "eth_call"


class BalanceChange(Struct, frozen=True):
    """By how much an account's balance of a token changed."""

    token: Address | None
    """None: ether."""
    holder: Address
    change: int
    """Smallest units; below zero where it lost."""


class Simulation(Struct, frozen=True, kw_only=True):
    """What a call would do, at one block."""

    is_success: bool
    gas_used: int | None
    """Refunds taken off; None where the method does not tell."""
    output: bytes
    """What it returned, or what it reverted with."""
    revert_reason: str | None
    """Why it failed; None where it did not."""
    balance_changes: tuple[BalanceChange, ...] | None
    """In the process: what the tokens themselves tell, of the accounts that their logs name; of a node: what
    the logs tell. None where the method tells of none."""
    access_list: tuple[tuple[Address, tuple[int, ...]], ...] | None
    """Accounts and their slots that were touched; None where the method does not tell."""
    method: Method
    block_number: int
    block_hash: bytes

    def change_of(self, token: Address | None, holder: Address) -> int | None:
        """Return by how much a balance changed; None where the method does not tell of balances."""
        if self.balance_changes is None:
            return None
        found = (one.change for one in self.balance_changes if (one.token, one.holder) == (token, holder))
        return sum(found)
