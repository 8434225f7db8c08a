"""What are the newest events of each topic: those that the bus had last, without asking the store."""

from collections import deque

import pyarrow as pa

from tidemill.core.arrow import pc
from tidemill.core.clock import NS_PER_S
from tidemill.schema import derive
from tidemill.store.selecting import page_keys

ROWS_MAX = 1_000
"""So many are kept of each topic at the least, where there are so many."""
_REVERTED_MAX = 100_000
_AHEAD_NS = 60 * NS_PER_S
"""Clocks of blocks and venues may be ahead of ours by so much."""


class Newest:
    """The last batches of one topic."""

    def __init__(self, tag: str) -> None:
        self.tag = tag
        self.version = 0
        """Another one after each change."""
        self._batches: deque[pa.RecordBatch] = deque()
        self._rows = 0
        self._is_known = False
        """Whether it is known how late an event may be that is not here."""
        self._floor_ns: int | None = None
        """Then none of them is later; None where all are here."""

    def begin(self, *, is_whole: bool) -> None:
        """Forget all; `is_whole` says whether what is added from now on is all that there ever was."""
        self._batches.clear()
        self._rows = 0
        self._is_known = is_whole
        self._floor_ns = None
        self.version += 1

    def trust(self, now_ns: int) -> None:
        """Take it that what came before `now_ns` happened before it, or before the latest event here.

        The first event here says nothing of it: a chain that catches up adds older ones.
        """
        if not self._is_known:
            latest_ns = (_last_ns(batch) for batch in self._batches)
            self._floor_ns = max(self._floor_ns or 0, now_ns + _AHEAD_NS, *latest_ns)
            self._is_known = True

    def add(self, batch: pa.RecordBatch) -> None:
        """Take the next batch of the topic."""
        if not batch.num_rows:
            return
        self._batches.append(batch)
        self._rows += batch.num_rows
        while self._rows - self._batches[0].num_rows >= ROWS_MAX:
            gone = self._batches.popleft()
            self._rows -= gone.num_rows
            self._floor_ns = max(self._floor_ns or 0, _last_ns(gone))
        self.version += 1

    def rows(self, limit: int, reverted: "Reverted") -> pa.Table | None:
        """Return the latest `limit` rows of canonical blocks, in a page's order; None where it is not known.

        A row that is not here may be later: then, and where there are too few, it must.
        """
        if not self._is_known:
            return None
        schema = derive.arrow_schema(self.tag)
        whole = [batch for batch in self._batches if batch.schema.equals(schema)]
        if len(whole) < len(self._batches):  # of an older version's schema
            return None
        table = reverted.without(self.tag, pa.Table.from_batches(whole, schema=schema))
        latest = _latest(self.tag, table, limit)
        if self._floor_ns is None:
            return latest
        is_enough = latest.num_rows == limit and _last_ns(latest.slice(limit - 1)) > self._floor_ns
        return latest if is_enough else None


def _last_ns(rows: pa.Table | pa.RecordBatch) -> int:
    last: int = pc.max(rows.column("event_ns").cast(pa.int64())).as_py()
    return last


def _latest(tag: str, table: pa.Table, limit: int) -> pa.Table:
    """Return the last `limit` rows by `page_keys`, the latest first."""
    if not table.num_rows:
        return table
    times = table.column("event_ns").cast(pa.int64())
    order = pc.sort_indices(times, sort_keys=[("", "descending")])
    edge_ns = times[order[min(limit, table.num_rows) - 1].as_py()].as_py()
    some = table.filter(pc.greater_equal(times, edge_ns))  # with all that share the edge's time
    names = page_keys(tag)
    rows = derive.to_rows(tag, some.select(names))
    keys = [tuple((row[name] is not None, row[name]) for name in names) for row in rows]
    numbers = sorted(range(len(keys)), key=keys.__getitem__, reverse=True)[:limit]
    return some.take(pa.array(numbers, pa.int64()))


class Reverted:
    """The blocks that a reorg took away."""

    def __init__(self) -> None:
        self._blocks: dict[tuple[int, bytes], None] = {}

    def add(self, batch: pa.RecordBatch) -> None:
        """Take a batch of `reorg`."""
        for row in derive.to_rows("reorg", batch):
            block = (row["chain_id"], row["block_hash"])
            if row["kind"] == "reverted":
                self._blocks[block] = None
            else:
                self._blocks.pop(block, None)
        while len(self._blocks) > _REVERTED_MAX:
            del self._blocks[next(iter(self._blocks))]

    def without(self, tag: str, table: pa.Table) -> pa.Table:
        """Return the rows of other blocks."""
        if not self._blocks or not derive.has_block(tag) or "chain_id" not in table.schema.names:
            return table
        pairs = zip(table.column("chain_id").to_pylist(), table.column("block_hash").to_pylist(), strict=True)
        return table.filter(pa.array([pair not in self._blocks for pair in pairs], pa.bool_()))
