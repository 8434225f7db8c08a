"""What is a transaction before and after it is signed?"""

from typing import Any

from msgspec import Struct, structs

from tidemill.execute.plan.route import Address


class Fees(Struct, frozen=True):
    """What a transaction offers for each unit of gas (EIP-1559)."""

    max_fee_wei: int
    """The most in all, base fee included."""
    max_tip_wei: int
    """The most for who builds the block; at most `max_fee_wei`."""


class Transaction(Struct, frozen=True, kw_only=True):
    """A transaction of type 2, not signed."""

    chain_id: int
    nonce: int
    to: Address
    data: bytes
    gas_limit: int
    fees: Fees
    value_wei: int = 0
    access_list: tuple[tuple[Address, tuple[int, ...]], ...] = ()

    def with_fees(self, fees: Fees) -> "Transaction":
        """Return the same with other fees: what replaces it."""
        return structs.replace(self, fees=fees)

    def spelled(self) -> dict[str, Any]:
        """Return the fields as JSON-RPC and signers spell them."""
        return {
            "type": "0x2",
            "chainId": hex(self.chain_id),
            "nonce": hex(self.nonce),
            "to": "0x" + self.to.hex(),
            "value": hex(self.value_wei),
            "data": "0x" + self.data.hex(),
            "gas": hex(self.gas_limit),
            "maxFeePerGas": hex(self.fees.max_fee_wei),
            "maxPriorityFeePerGas": hex(self.fees.max_tip_wei),
            "accessList": [
                {"address": "0x" + address.hex(), "storageKeys": [f"{slot:#066x}" for slot in slots]}
                for address, slots in self.access_list
            ],
        }


class Signed(Struct, frozen=True):
    """A signed transaction: the same bytes may be sent any number of times and are carried out once."""

    raw: bytes
    digest: bytes
    """The transaction's hash: 32 bytes."""
    nonce: int


def cancelling(sender: Address, chain_id: int, nonce: int, fees: Fees) -> Transaction:
    """Return the transaction that takes a nonce and does nothing: nothing, sent to oneself."""
    return Transaction(
        chain_id=chain_id, nonce=nonce, to=sender, data=b"", gas_limit=_TRANSFER_GAS, fees=fees
    )


_TRANSFER_GAS = 21_000
"""Of a transfer to an account without code."""
