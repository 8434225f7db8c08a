"""Sum up all events of a run in one SHA-256, which does not depend on how they were cut into batches."""

import hashlib
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import pyarrow as pa
import pyarrow.compute as pc

_ROWS = 4096
"""Rows are hashed in pieces of this size, so that the pieces do not depend on the batches."""
_WAITING_MAX = 8
"""How many pieces may wait for the thread that hashes; then the one that adds waits for it."""


class Digest:
    """The SHA-256 of the Arrow IPC form of every topic's events, in order; a thread of its own makes it."""

    def __init__(self) -> None:
        self._parts: dict[str, _Part] = {}
        self._held: dict[str, list[pa.RecordBatch]] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="digest")
        self._waiting: deque[Future[None]] = deque()
        self.counts: dict[str, int] = {}
        """Events by topic."""

    def add(self, batches: Sequence[tuple[str, pa.RecordBatch]]) -> None:
        """Take the next events of each topic."""
        for topic, batch in batches:
            self._held.setdefault(topic, []).append(batch)
            before = self.counts.get(topic, 0)
            self.counts[topic] = before + batch.num_rows
            if self.counts[topic] // _ROWS > before // _ROWS:
                self._hand_over(topic)

    def hex(self) -> str:
        """Return the digest of all that was added so far; more may be added afterwards."""
        for topic in sorted(self._held):
            self._hand_over(topic)
        while self._waiting:
            self._waiting.popleft().result()
        whole = hashlib.sha256()
        for topic in sorted(self._parts):
            whole.update(topic.encode() + self._parts[topic].digest())
        return whole.hexdigest()

    def _hand_over(self, topic: str) -> None:
        part = self._parts.setdefault(topic, _Part())
        self._waiting.append(self._thread.submit(part.add, self._held.pop(topic)))
        while len(self._waiting) > _WAITING_MAX or (self._waiting and self._waiting[0].done()):
            self._waiting.popleft().result()


class _Part:
    """One topic's rows: those of whole pieces are hashed, the rest waits. One thread at a time has it."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._rest: list[pa.RecordBatch] = []

    def add(self, batches: Sequence[pa.RecordBatch]) -> None:
        joined = pa.concat_batches([*self._rest, *batches])
        folded = joined.num_rows // _ROWS * _ROWS
        for start in range(0, folded, _ROWS):
            self._hash.update(_serialized(_cut(joined.slice(start, _ROWS))))
        self._rest = [joined.slice(folded)]

    def digest(self) -> bytes:
        whole = self._hash.copy()
        if self._rest[0].num_rows:
            whole.update(_serialized(_anew(self._rest[0])))
        return whole.digest()


def _cut(piece: pa.RecordBatch) -> pa.RecordBatch:
    """Return a whole piece without a trace of what it was cut from.

    Values of one width, as many as this, fill their buffers; behind others the next rows' bytes would follow.
    """
    all_rows = pa.arange(0, piece.num_rows)
    columns = [column if _has_width(column.type) else pc.take(column, all_rows) for column in piece.columns]
    return pa.RecordBatch.from_arrays(columns, schema=piece.schema)


def _has_width(kind: pa.DataType) -> bool:
    return pa.types.is_primitive(kind) or pa.types.is_decimal(kind) or pa.types.is_fixed_size_binary(kind)


def _anew(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows without a trace of what they were cut from: `take` writes every buffer anew."""
    return pc.take(rows, pa.arange(0, rows.num_rows))


def _serialized(rows: pa.RecordBatch) -> memoryview:
    return memoryview(rows.serialize())
