"""Sum up all events of a run in one SHA-256, which does not depend on how they were cut into batches."""

import hashlib
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

_ROWS = 4096
"""Rows are hashed in pieces of this size, so that the pieces do not depend on the batches."""


class Digest:
    """The SHA-256 of the Arrow IPC form of every topic's events, in order."""

    def __init__(self) -> None:
        self._hashes: dict[str, hashlib._Hash] = {}  # pyright: ignore[reportPrivateUsage] the only name of the type
        self._held: dict[str, list[pa.RecordBatch]] = {}
        self.counts: dict[str, int] = {}
        """Events by topic."""

    def add(self, batches: Sequence[tuple[str, pa.RecordBatch]]) -> None:
        """Take the next events of each topic."""
        for topic, batch in batches:
            self._held.setdefault(topic, []).append(batch)
            before = self.counts.get(topic, 0)
            self.counts[topic] = before + batch.num_rows
            if self.counts[topic] // _ROWS > before // _ROWS:
                self._fold(topic)

    def hex(self) -> str:
        """Return the digest of all that was added so far; more may be added afterwards."""
        whole = hashlib.sha256()
        for topic in sorted(self._held):
            part = self._hashes.get(topic, hashlib.sha256()).copy()
            rest = _joined(self._held[topic])
            if rest is not None:
                part.update(_plain(rest))
            whole.update(topic.encode() + part.digest())
        return whole.hexdigest()

    def _fold(self, topic: str) -> None:
        joined = _joined(self._held[topic])
        assert joined is not None
        folded = joined.num_rows // _ROWS * _ROWS
        part = self._hashes.setdefault(topic, hashlib.sha256())
        for start in range(0, folded, _ROWS):
            part.update(_plain(joined.slice(start, _ROWS)))
        self._held[topic] = [joined.slice(folded)] if folded < joined.num_rows else []


def _joined(batches: list[pa.RecordBatch]) -> pa.RecordBatch | None:
    return pa.concat_batches(batches) if batches else None


def _plain(rows: pa.RecordBatch) -> memoryview:
    """Return the rows' bytes with no trace of where they were cut: `take` writes every buffer anew."""
    return memoryview(pc.take(rows, pa.arange(0, rows.num_rows)).serialize())
