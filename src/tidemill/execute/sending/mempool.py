"""Hand a transaction to a node: to the public, or, where the node is a protected one, to those it trusts."""

from tidemill.execute.account.transaction import Signed
from tidemill.execute.sending.submitting import Blocks, NotTaken, Submitter, Taken


class Mempool(Submitter):
    """The chain's own node, whose pool everybody sees."""

    async def submit(self, signed: Signed, blocks: Blocks) -> Taken | NotTaken:
        """Hand `signed` over; it may be included in any block, its plan has the last one."""
        return await self._ask("eth_sendRawTransaction", ["0x" + signed.raw.hex()])


class ProtectedNode(Mempool):
    """A node that takes the same question and shows the transaction to builders alone: MEV Blocker,
    Chainstack's and bloXroute's protected ones.

    Source: chainstack.com/mev-protection, docs.bloxroute.com, "Protect RPC", read 2026-11.
    """

    is_private = True
