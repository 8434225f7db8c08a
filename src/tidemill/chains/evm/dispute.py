"""Who is right where an answer lacks a log that was announced: the one who answered, or who announced it.

The announcement is believed at first, for leaving out is the common lie. It is not where the receipts root
proves the answer, nor where more endpoints lack the log, each asked again, than stand by it: otherwise one
endpoint that announces logs of its own invention would hold up the chain for ever. So is a log that was told
of a block before it left the chain, for a while: nobody stands by it.
"""

from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.line import Pending
from tidemill.chains.evm.scorecard import Vice
from tidemill.chains.evm.witness import Announced, Witness

_LACKS_MIN = 4
"""So often the log must have been missing before an announcement can be outvoted."""
_PHANTOMS_MAX = 2
"""Who announced so many blocks' logs that do not exist is not listened to."""


class Disputes:
    """Settles what announcements and answers say against each other."""

    def __init__(self, calls: Calls, config: EvmConfig, witness: Witness) -> None:
        self._calls = calls
        self._witness = witness
        self._is_proven = config.proof == "receipts_root"
        self._phantoms: dict[int, int] = {}

    def hear(self, announced: Announced) -> list[bytes]:
        """Take announced logs; return the sealed blocks that are to be read again."""
        endpoint = self._calls.answered_by
        if self._phantoms.get(endpoint, 0) >= _PHANTOMS_MAX:
            return []
        contradicted = self._witness.heard(announced, endpoint)
        if not self._is_proven:
            return contradicted
        for block_hash in contradicted:
            self._convict(block_hash, {endpoint})
        return []

    def missing(self, pending: Pending) -> list[int]:
        """Return the known logs that a pending block's answer lacks, where it must be asked for again."""
        assert pending.logs is not None
        block_hash = pending.head.hash
        missing = self._witness.missing(block_hash, pending.logs)
        if not missing:
            return []
        pending.lacked_by.append(pending.answered_by)
        lacking = set(pending.lacked_by)
        announcing = self._witness.announcers(block_hash, missing)
        is_outvoted = len(pending.lacked_by) >= _LACKS_MIN and (
            # nobody stands by logs that were told of the block before it left the chain
            not announcing or (len(lacking) >= 2 and len(lacking) > len(announcing - lacking))
        )
        if self._is_proven or is_outvoted:
            for endpoint in pending.lacked_by[:-1]:
                self._calls.links.cards[endpoint].acquit(Vice.LIED, self._calls.now_ns)
            self._convict(block_hash, announcing)
            return []
        self._calls.links.cards[pending.answered_by].did(Vice.LIED, self._calls.now_ns)
        return missing

    def _convict(self, block_hash: bytes, announcing: set[int]) -> None:
        self._witness.forget(block_hash)
        for endpoint in sorted(announcing):
            self._phantoms[endpoint] = self._phantoms.get(endpoint, 0) + 1
            self._calls.links.cards[endpoint].did(Vice.LIED, self._calls.now_ns)
