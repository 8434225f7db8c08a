"""Hand a transaction to MEV-Share as a bundle of one that tells searchers nothing but its hash.

Docs: https://docs.flashbots.net/flashbots-mev-share/searchers/understanding-bundles, mev_sendBundle, read
2026-11.
"""

from tidemill.execute.account.transaction import Signed
from tidemill.execute.sending.relay import Relay
from tidemill.execute.sending.submitting import Blocks, NotTaken, Taken

_BLOCKS_MAX = 30
"""A bundle's own limit on how far its last block may lie ahead."""


class MevShare(Relay):
    """A bundle that may not revert."""

    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        """Hand `signed` over for `blocks`."""
        last = min(blocks.last, blocks.first + _BLOCKS_MAX - 1)
        bundle = {
            "version": "v0.1",
            "inclusion": {"block": hex(blocks.first), "maxBlock": hex(last)},
            "body": [{"tx": "0x" + signed.raw.hex(), "canRevert": False}],
            "privacy": {"hints": ["hash"]},
        }
        return await self._ask_signed("mev_sendBundle", [bundle])
