"""A chain in memory that answers JSON-RPC as a node does, so that a machine can be driven without any I/O."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tidemill._rust import parse_receipts

SYNC = "0x1c411e9a96e071241c2f21f7726b17ae89e3cab4c78be50e062b03a9fffbbad1"
PAIR = "0x" + "11" * 20
CHAIN_ID = 31337


@dataclass
class FakeBlock:
    number: int
    hash: str
    parent: str
    logs: list[dict[str, Any]]

    def head(self) -> dict[str, Any]:
        return {
            "number": hex(self.number),
            "hash": self.hash,
            "parentHash": self.parent,
            "timestamp": hex(1_700_000_000 + self.number),
            "baseFeePerGas": "0x7",
            "gasUsed": "0x5208",
            "gasLimit": "0x1c9c380",
            "transactions": [],
        } | self._sums()

    def receipts(self) -> list[dict[str, Any]]:
        """One transaction a log."""
        return [
            {
                "blockHash": self.hash,
                "blockNumber": hex(self.number),
                "transactionHash": log["transactionHash"],
                "transactionIndex": log["transactionIndex"],
                "from": PAIR,
                "type": "0x2",
                "status": "0x1",
                "cumulativeGasUsed": hex(21_000 * (at + 1)),
                "logsBloom": "0x" + "00" * 256,
                "logs": [log],
            }
            for at, log in enumerate(self.logs)
        ]

    def _sums(self) -> dict[str, str]:
        """What a header says of the receipts; the compiled module is tested on recorded blocks."""
        made = parse_receipts(json.dumps(self.receipts()).encode())
        assert made is not None
        return {"receiptsRoot": "0x" + made.root.hex(), "logsBloom": "0x" + made.bloom.hex()}


class Refusal(Exception):
    """What the node says instead of a result."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass
class FakeNode:
    chain_id: int = CHAIN_ID
    range_max: int = 10_000
    contracts: dict[tuple[str, str], str] = field(default_factory=dict)
    """Answers by contract and calldata."""
    lies: dict[str, Callable[[Any], Any]] = field(default_factory=dict)
    """By method: changes the result before it is sent."""

    def __post_init__(self) -> None:
        self.blocks: list[FakeBlock] = []
        self.by_hash: dict[str, FakeBlock] = {}
        self.asked: list[tuple[str, Any]] = []
        self._salt = 0
        self.mine(0)

    @property
    def tip(self) -> FakeBlock:
        return self.blocks[-1]

    def mine(self, log_count: int = 1, blocks: int = 1) -> FakeBlock:
        for _ in range(blocks):
            self._salt += 1
            number = len(self.blocks)
            digest = "0x" + hashlib.sha256(f"{number}/{self._salt}".encode()).hexdigest()
            parent = self.blocks[-1].hash if self.blocks else "0x" + "00" * 32
            block = FakeBlock(number, digest, parent, [])
            block.logs = [self._log(block, index) for index in range(log_count)]
            self.blocks.append(block)
            self.by_hash[digest] = block
        return self.tip

    def reorg(self, depth: int, log_count: int = 1, blocks: int | None = None) -> list[FakeBlock]:
        """Replace the last `depth` blocks; return those that left."""
        left = self.blocks[-depth:]
        del self.blocks[-depth:]
        self.mine(log_count, depth if blocks is None else blocks)
        return left

    def go_back_to(self, branch: list[FakeBlock]) -> None:
        """Make blocks that left canonical again."""
        del self.blocks[branch[0].number :]
        self.blocks += branch

    def _log(self, block: FakeBlock, index: int) -> dict[str, Any]:
        return {
            "address": PAIR,
            "topics": [SYNC],
            "data": "0x" + f"{block.number + 1:064x}" + f"{index + 1:064x}",
            "blockNumber": hex(block.number),
            "blockHash": block.hash,
            "transactionHash": "0x" + f"{index:064x}",
            "transactionIndex": hex(index),
            "logIndex": hex(index),
            "removed": False,
        }

    def call(self, method: str, params: Any) -> Any:
        """Return the result of one call, or raise Refusal."""
        self.asked.append((method, params))
        result = self._result(method, params)
        return self.lies[method](result) if method in self.lies else result

    def _result(self, method: str, params: Any) -> Any:
        match method:
            case "eth_chainId":
                return hex(self.chain_id)
            case "eth_subscribe":
                return "0x1" if params[0] == "newHeads" else "0x2"
            case "eth_getBlockByNumber":
                number = self.tip.number if params[0] == "latest" else int(params[0], 16)
                return self.blocks[number].head() if number < len(self.blocks) else None
            case "eth_getBlockByHash":
                found = self.by_hash.get(params[0])
                return None if found is None else found.head()
            case "eth_getLogs":
                return self._logs(params[0])
            case "eth_getBlockReceipts":
                block = self.by_hash.get(params[0])
                return None if block is None else block.receipts()
            case "eth_call":
                return self._call(params[0])
            case _:
                raise Refusal(-32601, "method not found")

    def _logs(self, wanted: dict[str, Any]) -> list[dict[str, Any]]:
        if "blockHash" in wanted:
            block = self.by_hash.get(wanted["blockHash"])
            if block is None:
                raise Refusal(-32000, "unknown block")
            blocks = [block]
        else:
            first, last = int(wanted["fromBlock"], 16), int(wanted["toBlock"], 16)
            if last - first + 1 > self.range_max:
                raise Refusal(-32005, f"query exceeds max block range {self.range_max}")
            blocks = self.blocks[first : last + 1]
        topics = set(wanted["topics"][0]) if "topics" in wanted else {SYNC}
        addresses = wanted.get("address")
        return [
            log
            for block in blocks
            for log in block.logs
            if log["topics"][0] in topics and (addresses is None or log["address"] in addresses)
        ]

    def _call(self, call: dict[str, str]) -> str:
        found = self.contracts.get((call["to"].lower(), call["data"]))
        if found is None:
            return "0x"
        if found == "revert":
            raise Refusal(3, "execution reverted")
        return found

    def answer(self, request: bytes) -> bytes:
        """Answer one JSON-RPC request, or a batch."""
        asked = json.loads(request)
        if isinstance(asked, list):
            return json.dumps([self._reply(one) for one in asked]).encode()
        return json.dumps(self._reply(asked)).encode()

    def _reply(self, asked: dict[str, Any]) -> dict[str, Any]:
        try:
            return {
                "jsonrpc": "2.0",
                "id": asked["id"],
                "result": self.call(asked["method"], asked["params"]),
            }
        except Refusal as refusal:
            error = {"code": refusal.code, "message": refusal.message}
            return {"jsonrpc": "2.0", "id": asked["id"], "error": error}


def head_notice(block: FakeBlock) -> bytes:
    params = {"subscription": "0x1", "result": block.head()}
    return json.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": params}).encode()


def log_notices(block: FakeBlock) -> list[bytes]:
    return [
        json.dumps(
            {
                "jsonrpc": "2.0",
                "method": "eth_subscription",
                "params": {"subscription": "0x2", "result": log},
            }
        ).encode()
        for log in block.logs
    ]
