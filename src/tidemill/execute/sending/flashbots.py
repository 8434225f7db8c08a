"""Hand a transaction to Flashbots' relay as a bundle of one, for each of the next blocks.

Docs: https://docs.flashbots.net/flashbots-auction/advanced/rpc-endpoint, eth_sendBundle, read 2026-11.
"""

from tidemill.execute.account.transaction import Signed
from tidemill.execute.sending.relay import Relay
from tidemill.execute.sending.submitting import Blocks, NotTaken, Taken

_BLOCKS_AT_ONCE = 3
"""A bundle is for one block; later ones are asked for when their time comes."""


class FlashbotsBundle(Relay):
    """A bundle fails as a whole: what would revert is not included and costs nothing."""

    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        """Hand `signed` over for up to three of `blocks`; taken where any of them is."""
        answers: list[Taken | NotTaken] = []
        for block in range(blocks.first, min(blocks.last, blocks.first + _BLOCKS_AT_ONCE - 1) + 1):
            bundle = {"txs": ["0x" + signed.raw.hex()], "blockNumber": hex(block)}
            answers.append(await self._ask_signed("eth_sendBundle", [bundle]))
        return next((answer for answer in answers if isinstance(answer, Taken)), answers[0])
