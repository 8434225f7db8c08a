"""How contracts come onto a fresh chain: transactions of many senders, mined together, each checked."""

from collections.abc import Sequence
from typing import Any

from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Call, Rpc
from tidemill.sandbox.world import Address
from tidemill.schema.faults import Refused

FEES = {"maxFeePerGas": hex(100 * 10**9), "maxPriorityFeePerGas": "0x0"}
"""Given with each transaction, so that the node has nothing to estimate; far above the base fee."""

_GAS_LIMIT = 16_000_000
_EXECUTED = 1
_REQUEST_CHARS = 500_000
"""Of data in one request: above, a request would hold up the event loop."""


class Site:
    """Transactions to be mined together; those of one sender stay in the order they were given."""

    def __init__(self, rpc: Rpc, deployer: Address) -> None:
        self.deployer = deployer
        self._rpc = rpc
        self._nonces: dict[Address, int] = {}
        self._waiting: list[dict[str, Any]] = []

    def create(self, code: str) -> Address:
        """Return where the contract of this creation code will be."""
        return abi.created_address(self.deployer, self._add(self.deployer, {"data": code}))

    def following(self, ahead: int = 0) -> Address:
        """Return where the deployer's next contract will be, or one `ahead` transactions later."""
        return abi.created_address(self.deployer, self._nonces.get(self.deployer, 0) + ahead)

    def send(
        self,
        to: Address,
        data: str,
        sender: Address | None = None,
        value_wei: int = 0,
        gas: int = _GAS_LIMIT,
    ) -> None:
        """Add a call; the deployer's, unless there is another `sender`."""
        fields = {"to": to, "data": data, "value": hex(value_wei), "gas": hex(gas)}
        self._add(sender or self.deployer, fields)

    def _add(self, sender: Address, fields: dict[str, Any]) -> int:
        nonce = self._nonces.get(sender, 0)  # the chain is fresh
        self._nonces[sender] = nonce + 1
        self._waiting.append({"from": sender, "nonce": hex(nonce), "gas": hex(_GAS_LIMIT), **FEES, **fields})
        return nonce

    async def mine(self) -> None:
        """Mine what waits into one block and check that each of it went through.

        Raises: Refused where a transaction fails.
        """
        waiting, self._waiting = self._waiting, []
        for part in _parts(waiting):
            await self._rpc.all([Call("eth_sendTransaction", [transaction]) for transaction in part])
        await self._rpc.call("evm_mine")
        receipts = await self._rpc.call("eth_getBlockReceipts", "latest")
        failed = [receipt for receipt in receipts if int(receipt["status"], 16) != _EXECUTED]
        if failed or len(receipts) != len(waiting):
            first = failed[0]["transactionHash"] if failed else "none"
            raise Refused(
                f"sandbox set-up: expected {len(waiting)} transactions to succeed in one block, "
                f"found {len(receipts) - len(failed)}; the first that failed: {first}"
            )

    async def ask(self, questions: Sequence[tuple[Address, str]]) -> list[str]:
        """Return the answers to calls of views, `(contract, call data)` each, as 0x-hex.

        Raises: Refused where one of them is refused.
        """
        calls = [Call("eth_call", [{"to": to, "data": data}, "latest"]) for to, data in questions]
        return await self._rpc.all(calls)


def approval(spender: Address) -> str:
    """Return an ERC-20's call that lets `spender` take any amount."""
    return abi.flat_call("approve(address,uint256)", spender, abi.MAX_UINT256)


def _parts(transactions: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Return the transactions in their order, as many together as one request may have."""
    parts: list[list[dict[str, Any]]] = [[]]
    chars = 0
    for transaction in transactions:
        chars += len(transaction.get("data", ""))
        if parts[-1] and chars > _REQUEST_CHARS:
            parts.append([])
            chars = len(transaction.get("data", ""))
        parts[-1].append(transaction)
    return parts
