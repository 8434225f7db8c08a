"""The emulator's chain: which block is made when, and what is in it; after a restart it is the same again."""

from typing import NamedTuple

from msgspec import Struct

from tidemill.sandbox.emulators.sei.contract import MARKETS, Contract, Crowd, MadeTx

_NS_PER_MS = 1_000_000


class ChainOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What makes a chain what it is."""

    network: str = "atlantic-2"
    genesis_ns: int
    """When its block 0 would have been."""
    block_ms: int = 400
    crowd: Crowd = Crowd()
    blocks_kept: int = 20_000


class MadeBlock(NamedTuple):
    """One block."""

    height: int
    time_ns: int
    txs: list[MadeTx]


class Chain:
    """Blocks, made in order."""

    def __init__(self, options: ChainOptions) -> None:
        self.options = options
        self.blocks: dict[int, MadeBlock] = {}
        self.height = 0
        self.contract = Contract(options.crowd)

    @property
    def earliest(self) -> int:
        """The first block that is kept."""
        return next(iter(self.blocks), self.height)

    def due(self, now_ns: int) -> int:
        """Return the block that should be there by now."""
        return (now_ns - self.options.genesis_ns) // (self.options.block_ms * _NS_PER_MS)

    def make(self) -> MadeBlock:
        """Make the next block."""
        self.height += 1
        time_ns = self.options.genesis_ns + self.height * self.options.block_ms * _NS_PER_MS
        block = MadeBlock(self.height, time_ns, self.contract.block(self.height))
        self.blocks[self.height] = block
        if len(self.blocks) > self.options.blocks_kept:
            del self.blocks[self.earliest]
        return block

    def truth(self) -> dict[str, object]:
        """Return what a reader must have after the newest block, with the contract's own numbers."""
        books = {
            market: sorted(
                ["bid" if is_bid else "ask", price, size]
                for (is_bid, price), size in self.contract.levels(market).items()
            )
            for market in MARKETS
        }
        return {"height": self.height, "books": books, "trade_ids": self.contract.trade_ids}
