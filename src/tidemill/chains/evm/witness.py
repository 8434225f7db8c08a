"""Does the announced agree with the answered: an announced log that an answer lacks proves it wrong."""

from collections.abc import Sequence

from tidemill._rust import LogIndexes, Logs

_ANNOUNCED_BLOCKS_MAX = 1_024
"""Blocks that were announced and never sealed are forgotten, oldest first."""

Announced = Sequence[tuple[bytes, LogIndexes]]
"""Hashes of blocks, and the indexes of their logs that were announced."""


class Witness:
    """What the log subscription said of each block, and what the newest sealed blocks hold."""

    def __init__(self, sealed_blocks_max: int) -> None:
        self._sealed_blocks_max = sealed_blocks_max
        self._announced: dict[bytes, dict[int, LogIndexes]] = {}
        """By block and endpoint, the indexes of the logs that it announced."""
        self._sealed: dict[bytes, LogIndexes] = {}

    def is_proof(self, announced: Announced) -> bool:
        """Say whether announced logs prove that a sealed block lacks one."""
        return any(
            block_hash in self._sealed and not self._sealed[block_hash] >= indexes
            for block_hash, indexes in announced
        )

    def heard(self, announced: Announced, endpoint: int) -> list[bytes]:
        """Take logs that an endpoint announced; return the sealed blocks that lack one of them."""
        proven: list[bytes] = []
        for block_hash, indexes in announced:
            sealed = self._sealed.get(block_hash)
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
        """Return the announced logs of a block that `logs` lack, ascending."""
        announced = self._announced.get(block_hash)
        if announced is None:
            return []
        held = logs.log_indexes()
        return sorted({index for told in announced.values() for index in told - held})

    def announcers(self, block_hash: bytes, indexes: Sequence[int]) -> set[int]:
        """Return the endpoints that announced one of these logs."""
        announced = self._announced.get(block_hash, {})
        return {endpoint for endpoint, told in announced.items() if any(index in told for index in indexes)}

    def forget(self, block_hash: bytes) -> None:
        """Forget what was announced of a block."""
        self._announced.pop(block_hash, None)

    def seal(self, block_hash: bytes, logs: Logs) -> None:
        """Remember what a sealed block holds."""
        self._announced.pop(block_hash, None)
        self._sealed[block_hash] = logs.log_indexes()
        while len(self._sealed) > self._sealed_blocks_max:
            del self._sealed[next(iter(self._sealed))]

    def unseal(self, block_hash: bytes) -> LogIndexes | None:
        """Forget a block that is no longer canonical; return what it held, or None where that
        is forgotten.
        """
        return self._sealed.pop(block_hash, None)
