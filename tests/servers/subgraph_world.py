"""A chain in memory, with pools and swaps, and an indexer that reads it: what the test server serves."""

import asyncio
import hashlib

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


class World:
    """Blocks with swaps; a reorg replaces the newest ones."""

    def __init__(self) -> None:
        self.blocks: list[dict] = []
        self.indexed = 0
        """How many blocks the indexer has read."""
        self.is_indexing = True
        self.has_errors = False
        self.changed = asyncio.Event()
        self._fork = 0
        self.mine(100, 0)

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
        balances = {pool["id"]: list(pool["balances"]) for pool in POOLS}
        for swap in self.swaps_until(number):
            for index, amount in enumerate(swap["amounts"]):
                balances[swap["pool"]][index] += amount
        return [{**pool, "balances": tuple(balances[pool["id"]])} for pool in POOLS]

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
