"""A node that answers for blocks and receipts made by hand, on a loopback port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp.web
from tests.servers.loopback import loopback

_TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
_SWAP = "0xd78ad95fa46c994b6551d0da85fc275fe613ce37657fb8d5e3d130840159d822"


class BlocksNode:
    """Has one block at each height."""

    def __init__(self) -> None:
        self.blocks: dict[int, tuple[bytes, list[dict[str, Any]]]] = {}
        """Hash and receipts, by number."""
        self.asked: list[str] = []
        self.refuses = False
        """Whether it has no receipts for anybody."""

    async def answer(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        asked = await request.json()
        method, (name, *_) = asked["method"], asked["params"]
        self.asked.append(method)
        await asyncio.sleep(0)
        if self.refuses and method == "eth_getBlockReceipts":
            error = {"code": -32601, "message": "the method does not exist"}
            return aiohttp.web.json_response({"jsonrpc": "2.0", "id": 1, "error": error})
        found = [
            (number, block_hash, receipts)
            for number, (block_hash, receipts) in self.blocks.items()
            if name in (hex(number), f"0x{block_hash.hex()}")
        ]
        result: Any = None
        for number, block_hash, receipts in found:
            head = {"number": hex(number), "hash": f"0x{block_hash.hex()}", "transactions": []}
            result = receipts if method == "eth_getBlockReceipts" else head
        return aiohttp.web.json_response({"jsonrpc": "2.0", "id": 1, "result": result})


@asynccontextmanager
async def blocks_node() -> AsyncIterator[tuple[BlocksNode, str]]:
    """Serve a node without blocks, and yield it with its address."""
    node, application = BlocksNode(), aiohttp.web.Application()
    application.router.add_post("/", node.answer)
    async with loopback(application, shutdown_timeout=0.2) as place:
        yield node, f"http://{place}/"


def circle_receipt(number: int, profit: int) -> dict[str, Any]:
    """Return the receipt of a circle through two pools that made so much, in block `number`."""
    maker, pools, tokens = 2, (11, 12), (0x66, 0x77)
    logs = [
        _transfer(tokens[0], maker, pools[0], 100),
        _transfer(tokens[1], pools[0], pools[1], 500),
        _swap(pools[0], pools[1], (100, 0, 0, 500)),
        _transfer(tokens[0], pools[1], maker, 100 + profit),
        _swap(pools[1], maker, (500, 0, 0, 100 + profit)),
    ]
    return {
        "transactionHash": f"0x{number:064x}",
        "transactionIndex": "0x0",
        "blockNumber": hex(number),
        "from": _address(1),
        "to": _address(maker),
        "status": "0x1",
        "cumulativeGasUsed": "0x5208",
        "gasUsed": "0x5208",
        "effectiveGasPrice": "0x2",
        "logs": [log | {"logIndex": hex(at)} for at, log in enumerate(logs)],
    }


def _transfer(token: int, source: int, target: int, amount: int) -> dict[str, Any]:
    topics = [_TRANSFER, _topic(source), _topic(target)]
    return {"address": _address(token), "topics": topics, "data": f"0x{amount:064x}"}


def _swap(pool: int, target: int, amounts: tuple[int, ...]) -> dict[str, Any]:
    words = "".join(f"{amount:064x}" for amount in amounts)
    return {"address": _address(pool), "topics": [_SWAP, _topic(9), _topic(target)], "data": f"0x{words}"}


def _address(byte: int) -> str:
    return "0x" + bytes([byte] * 20).hex()


def _topic(byte: int) -> str:
    return "0x" + (bytes(12) + bytes([byte] * 20)).hex()
