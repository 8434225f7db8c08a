"""Does the announced agree with the answered: an announced log that an answer lacks proves it wrong."""

from collections.abc import Sequence

from tidemill._rust import LogIndexes, Logs
from tidemill.chains.evm.window import Window

_ANNOUNCED_BLOCKS_MAX = 1_024
"""Blocks that were announced and never sealed are forgotten, oldest first."""

Announced = Sequence[tuple[bytes, LogIndexes]]
"""Hashes of blocks, and the indexes of their logs that were announced."""


class Witness:
    """What the log subscription said of each block, beside what was told of the blocks of the window."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._announced: dict[bytes, dict[int, LogIndexes]] = {}
        """By block and endpoint, the indexes of the logs that it announced."""

    def is_proof(self, announced: Announced) -> bool:
        """Say whether announced logs prove that a sealed block lacks one."""
        return any(
            (sealed := self._sealed(block_hash)) is not None and not sealed >= indexes
            for block_hash, indexes in announced
        )

    def heard(self, announced: Announced, endpoint: int) -> list[bytes]:
        """Take logs that an endpoint announced; return the sealed blocks that lack one of them."""
        proven: list[bytes] = []
        for block_hash, indexes in announced:
            sealed = self._sealed(block_hash)
            if sealed is not None and sealed >= indexes:
                continue
            told = self._announced.setdefault(block_hash, {})
            told[endpoint] = told[endpoint] | indexes if endpoint in told else indexes
            if sealed is not None:
                proven.append(block_hash)
        while len(self._announced) > _ANNOUNCED_BLOCKS_MAX:
            del self._announced[next(iter(self._announced))]
        return proven

    def missing(self, block_hash: bytes, logs: Logs) -> list[int]:
        """Return the logs of a block to be sealed that were announced, or told before it left the chain, and
        that `logs` lack; ascending.
        """
        known = list(self._announced.get(block_hash, {}).values())
        if (told := self._window.held_by(block_hash)) is not None:
            known.append(told)
        if not known:
            return []
        held = logs.of_block(block_hash).log_indexes()
        return sorted({index for indexes in known for index in indexes - held})

    def announcers(self, block_hash: bytes, indexes: Sequence[int]) -> set[int]:
        """Return the endpoints that announced one of these logs."""
        announced = self._announced.get(block_hash, {})
        return {endpoint for endpoint, told in announced.items() if any(index in told for index in indexes)}

    def forget(self, block_hash: bytes) -> None:
        """Forget what was announced of a block."""
        self._announced.pop(block_hash, None)

    def _sealed(self, block_hash: bytes) -> LogIndexes | None:
        """Return the logs that were told of a canonical block, or None where that is not known."""
        return None if self._window.was_sealed(block_hash) else self._window.held_by(block_hash)
