"""Hand a transaction to Flashbots Protect, which gives it to builders until a block is reached.

Docs: https://docs.flashbots.net/flashbots-auction/advanced/rpc-endpoint, eth_sendPrivateTransaction, read
2026-11.
"""

from tidemill.execute.account.transaction import Signed
from tidemill.execute.sending.relay import Relay
from tidemill.execute.sending.submitting import Blocks, NotTaken, Taken


class Protect(Relay):
    """A transaction that only builders see; what would revert is not included."""

    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        """Hand `signed` over until the last of `blocks`."""
        asked = {
            "tx": "0x" + signed.raw.hex(),
            "maxBlockNumber": hex(blocks.last),
            "preferences": {"fast": True},
        }
        return await self._ask_signed("eth_sendPrivateTransaction", [asked])
