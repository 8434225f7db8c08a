"""A chain in memory, with pools and swaps, and an indexer that reads it: what the test server serves."""

import asyncio
import hashlib

from tidemill.sandbox import abi
from tidemill.sandbox.rpc import Call, Rpc, RpcError

SWAP_V3 = abi.topic("Swap(address,address,int256,int256,uint160,uint128,int24)")
TOKENS = (
    {"id": "0x" + "a1" * 20, "symbol": "WETH", "decimals": 18},
    {"id": "0x" + "b2" * 20, "symbol": "USDC", "decimals": 6},
)
POOLS = tuple(
    {
        "id": "0x" + f"{number:02x}" * 20,
        "tokens": TOKENS,
        "balances": (10**24 + 1, 2 * 10**15 + 1),
        "liquidity": 12345678901234567890,
        "sqrt_price_x96": 3543191142285914205922034,
        "tick": -200345,
    }
    for number in (0xC1, 0xC2, 0xC3)
)
GENESIS_S = 1_700_000_000
BLOCK_S = 2


def _hash(*parts: object) -> str:
    return "0x" + hashlib.sha256(repr(parts).encode()).hexdigest()


def _decoded(log: dict, number: int, at_s: int) -> dict:
    """Return a node's log of a V3 swap as a swap of the world."""
    data = bytes.fromhex(log["data"][2:])
    index = int(log["logIndex"], 16)
    return {
        "id": f"{log['transactionHash']}#{index}",
        "block": number,
        "timestamp": at_s,
        "tx": log["transactionHash"],
        "log_index": index,
        "pool": log["address"].lower(),
        "sender": "0x" + log["topics"][1][-40:],
        "recipient": "0x" + log["topics"][2][-40:],
        "amounts": tuple(int.from_bytes(data[at : at + 32], "big", signed=True) for at in (0, 32)),
    }


class World:
    """Blocks with swaps; a reorg replaces the newest ones."""

    def __init__(self) -> None:
        self.blocks: list[dict] = []
        self.indexed = 0
        """How many blocks the indexer has read."""
        self.is_indexing = True
        self.has_errors = False
        self.changed = asyncio.Event()
        self.pools = POOLS
        self._fork = 0
        self.mine(100, 0)

    async def mirror(self, rpc_url: str, pools: list[dict]) -> None:
        """Index a real node from now on: the swaps of V3 pools, each {"id", "tokens"}."""
        made = {"balances": (10**30, 10**30), "liquidity": 1, "sqrt_price_x96": 1 << 96, "tick": 0}
        self.pools, self.blocks, self.indexed = tuple(pool | made for pool in pools), [], 0
        async with Rpc(rpc_url) as rpc:
            while True:
                await self._follow(rpc)
                self.index()
                await asyncio.sleep(0.02)

    async def _follow(self, rpc: Rpc) -> None:
        newest = int(await rpc.call("eth_blockNumber"), 16)
        while self.blocks:
            last = self.blocks[-1]
            known = await rpc.call("eth_getBlockByNumber", hex(last["number"]), False)
            if known is not None and known["hash"] == last["hash"]:
                break
            self.blocks.pop()
            self.indexed = min(self.indexed, len(self.blocks))
        for number in range(len(self.blocks), newest + 1):
            block = await rpc.call("eth_getBlockByNumber", hex(number), False)
            if block is None or (self.blocks and block["parentHash"] != self.blocks[-1]["hash"]):
                return  # a reorg: the next turn finds where it begins
            wanted = {
                "blockHash": block["hash"],
                "address": [pool["id"] for pool in self.pools],
                "topics": [SWAP_V3],
            }
            [logs] = await rpc.each([Call("eth_getLogs", (wanted,))])
            if isinstance(logs, RpcError):
                still = await rpc.call("eth_getBlockByHash", block["hash"], False)
                assert still is None, f"no logs of block {number}, which is there: {logs.message}"
                return  # a reorg between the two answers
            at_s = int(block["timestamp"], 16)
            swaps = [_decoded(log, number, at_s) for log in logs]
            self.blocks.append({"number": number, "hash": block["hash"], "timestamp": at_s, "swaps": swaps})

    @property
    def head(self) -> dict:
        """The indexer's newest block."""
        return self.blocks[self.indexed - 1]

    def mine(self, blocks: int, swaps: int) -> None:
        """Add blocks with so many swaps each; the indexer follows unless it is stopped."""
        for _ in range(blocks):
            number = len(self.blocks)
            block_hash = _hash("block", number, self._fork)
            found = [self._swap(number, block_hash, index) for index in range(swaps)]
            at_s = GENESIS_S + BLOCK_S * number
            self.blocks.append({"number": number, "hash": block_hash, "timestamp": at_s, "swaps": found})
        self.index()

    def reorg(self, depth: int, swaps: int) -> None:
        """Replace the newest blocks by as many others."""
        self._fork += 1
        del self.blocks[-depth:]
        self.mine(depth, swaps)

    def index(self) -> None:
        """Let the indexer read all, unless it is stopped."""
        if self.is_indexing:
            self.indexed = len(self.blocks)
            self.changed.set()
            self.changed = asyncio.Event()

    def block_of(self, block_hash: str | None) -> dict | None:
        """Return the block with a hash that the indexer has; its head without one."""
        if block_hash is None:
            return self.head
        return next((block for block in self.blocks[: self.indexed] if block["hash"] == block_hash), None)

    def swaps_until(self, number: int) -> list[dict]:
        """Return all swaps up to a block, in the chain's order."""
        return [swap for block in self.blocks[: number + 1] for swap in block["swaps"]]

    def pools_at(self, number: int) -> list[dict]:
        """Return all pools with their balances at a block."""
        balances = {pool["id"]: list(pool["balances"]) for pool in self.pools}
        for swap in self.swaps_until(number):
            for index, amount in enumerate(swap["amounts"]):
                balances[swap["pool"]][index] += amount
        return [{**pool, "balances": tuple(balances[pool["id"]])} for pool in self.pools]

    def _swap(self, number: int, block_hash: str, index: int) -> dict:
        tx = _hash("tx", number, index, block_hash)
        amounts = (10**18 + 7 * number + index, -(2 * 10**9 + index))
        return {
            "id": f"{tx}#{index}",
            "block": number,
            "timestamp": GENESIS_S + BLOCK_S * number,
            "tx": tx,
            "log_index": index,
            "pool": POOLS[index % len(POOLS)]["id"],
            "sender": "0x" + "d4" * 20,
            "recipient": "0x" + "e5" * 20,
            "amounts": amounts if index % 2 == 0 else tuple(-amount for amount in amounts),
        }
