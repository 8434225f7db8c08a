"""Transactions on a sandbox's chain that others built before."""

from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Rpc
from tidemill.sandbox.site import FEES

_GAS = hex(16_000_000)


class LateSite:
    """The deployer's transactions on a chain that is no longer fresh, each mined alone, in order."""

    def __init__(self, rpc: Rpc, deployer: str, codes: dict[str, str]) -> None:
        self._rpc = rpc
        self._deployer = deployer
        self._codes = codes
        self._nonce = 0
        self._waiting: list[dict[str, str]] = []

    async def begin(self) -> None:
        self._nonce = int(await self._rpc.call("eth_getTransactionCount", self._deployer, "latest"), 16)

    def following(self, ahead: int) -> str:
        return abi.created_address(self._deployer, self._nonce + ahead)

    def create(self, name: str, types: list[str], *values: object) -> str:
        return self.create_code("0x" + self._codes[name], types, *values)

    def create_code(self, code: str, types: list[str], *values: object) -> str:
        address = self.following(0)
        self._add({"data": code + abi.arguments(types, *values)})
        return address

    def send(self, to: str, data: str) -> None:
        self._add({"to": to, "data": data})

    async def mine(self) -> None:
        waiting, self._waiting = self._waiting, []
        for transaction in waiting:
            digest = await self._rpc.call("eth_sendTransaction", transaction)
            await self._rpc.call("evm_mine")
            receipt = await self._rpc.call("eth_getTransactionReceipt", digest)
            assert receipt["status"] == "0x1", (transaction.get("to"), transaction["data"][:10])

    def _add(self, fields: dict[str, str]) -> None:
        sent = {"from": self._deployer, "nonce": hex(self._nonce), "gas": _GAS, **FEES, **fields}
        self._nonce += 1
        self._waiting.append(sent)
