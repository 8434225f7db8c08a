"""Turn a chain's blocks into rows of events and the exact state of every pool, and undo what was reverted."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from msgspec import Struct, msgpack, structs

from tidemill._rust import Changed, Factory, Head, Logs, PoolSet, UniswapV4Pool
from tidemill.core.clock import NS_PER_S
from tidemill.schema import derive
from tidemill.schema.events import Pool, PoolState, StateCause
from tidemill.schema.faults import Fault, Gap, Malformed, Unsafe

Snapshot = Any
"""A pool as a chain had it after one block: the `PoolSnapshot` of `chains`, which is a neighbour."""
Batches = list[tuple[str, pa.RecordBatch]]


class Applied(NamedTuple):
    """What came of some blocks."""

    batches: Batches
    """Topic and rows, in the order in which they happened."""
    state: dict[bytes, bytes | None]
    """Keys to set, or to delete where None, in the same transaction as the batches."""
    faults: list[Fault]
    """Gap: a pool whose logs disagree with its ticks must be read anew. Malformed: a log was left out."""


class _Undo(Struct, array_like=True, frozen=True):
    """How to undo one block."""

    number: int
    parent_hash: bytes
    parent_timestamp_s: int | None
    """Absent where the block before it was never seen."""
    blob: bytes
    drifted: tuple[bytes, ...] = ()
    """Pools that a log of the block contradicted: they were wrong before it."""


class PoolBook:
    """The pools of one chain.

    Feed it snapshots and blocks in the order in which they happened, then take what came of them. It reads
    neither clock nor network. `window_blocks` is how many of the newest blocks can be reverted.
    """

    def __init__(self, source: str, chain_id: int, factories: Sequence[Factory], window_blocks: int) -> None:
        self.pools = PoolSet(source, chain_id, list(factories))
        self._factories = list(factories)
        self._source = source
        self.prefix = self.prefix_of(source)
        """Every key of its state starts with this."""
        self._chain_id = chain_id
        self._window_blocks = window_blocks
        self._undo: OrderedDict[bytes, _Undo] = OrderedDict()
        self._tip: tuple[bytes, int] | None = None
        """Hash and timestamp (s) of the last block applied."""
        self._waiting: tuple[list[Head], list[Logs], list[int]] = ([], [], [])
        self._batches: Batches = []
        self._state: dict[bytes, bytes | None] = {}
        self._faults: list[Fault] = []
        self._drifted: set[bytes] = set()
        """Pools that may have become incomplete."""
        self._suspect: set[bytes] = set()
        """Pools that look complete and are known to be wrong."""
        self._reworked: dict[bytes, None] = {}
        """Blocks whose undo came, changed or went."""

    @staticmethod
    def prefix_of(source: str) -> bytes:
        """Return what every key of a source's state starts with."""
        return f"pools/{source}/".encode()

    def load(self, state: Iterable[tuple[bytes, bytes]]) -> None:
        """Take up the state that was kept by an earlier run.

        Raises: Malformed, where it is not such a state.
        """
        records: list[tuple[bytes, bytes]] = []
        undo: list[tuple[bytes, _Undo]] = []
        for key, value in state:
            kind, _, rest = key.removeprefix(self.prefix).partition(b"/")
            try:
                if kind == b"pool":
                    records.append((rest, value))
                elif kind == b"undo":
                    undo.append((bytes.fromhex(rest.decode()), msgpack.decode(value, type=_Undo)))
                elif kind == b"tip":
                    self._tip = msgpack.decode(value, type=tuple[bytes, int])
            except ValueError as fault:
                raise Malformed(
                    f"bus state {key!r}: expected the pools of {self._source}: {fault}"
                ) from fault
        self.pools.load(records)
        self._undo = OrderedDict(sorted(undo, key=lambda item: item[1].number))
        self._drifted.update(self.pools.addresses())

    def pools_before(self, block_hashes: Sequence[bytes]) -> PoolSet:
        """Return a copy of the pools as they were before these newest blocks, which are in order.

        Raises: Unsafe, where one of them is too old to be undone.
        """
        pools = PoolSet(self._source, self._chain_id, self._factories)
        pools.load(self.pools.records())
        for block_hash in reversed(block_hashes):
            undo = self._undo.get(block_hash)
            if undo is None:
                raise Unsafe(f"{self._source}: expected to know how to undo block 0x{block_hash.hex()}")
            pools.revert(undo.blob)
        return pools

    def snapshot(self, read: Sequence[Snapshot]) -> None:
        """Take pools as the chain has them after the block that it begins after, no block of which is known.

        Raises: Malformed, where a state cannot be.
        """
        self._flush()
        self._move(None)
        if not read:
            return
        self._tell()
        _, unread = self.pools.read(read, 0)
        if unread:
            raise Malformed(unread[0][1])
        self._drifted.update(one.address for one in read)  # of some only the description could be read
        told = self.pools.take_batches()
        self._batches.append(("pool", derive.to_batch([self._pool_event(one) for one in read])))
        self._batches.extend(told.items())

    def reread(self, read: Sequence[Snapshot], sequence: int) -> None:
        """Take pools anew as they are after the newest block; their undo becomes part of that block's."""
        self._flush()
        assert self._tip is None or all(self._tip[0] == one.block_hash for one in read)
        # absent of the block that the chain began after, which is never undone
        undo = None if self._tip is None else self._undo.get(self._tip[0])
        applied, unread = self.pools.read(read, sequence, None if undo is None else undo.blob)
        for address, problem in unread:
            self._faults.append(Malformed(f"{self._source}: pool 0x{address.hex()}: {problem}"))
            self._drifted.add(address)
        if undo is not None:
            for _, block_hash, blob in applied.undo:
                self._undo[block_hash] = structs.replace(undo, blob=blob)
                self._reworked[block_hash] = None

    def seal(self, heads: Sequence[Head], logs: Logs, recv_ns: Sequence[int]) -> None:
        """Take blocks with all their tracked logs; each is the child of the one before."""
        self._waiting[0].extend(heads)
        self._waiting[1].append(logs)
        self._waiting[2].extend(recv_ns)

    def revert(self, head: Head, recv_ns: int, sequence: int) -> None:
        """Undo the newest block, and tell the state of its pools as it was before it.

        Raises: Unsafe, where it is older than the window or than the first block: the pools cannot follow.
        """
        self._flush()
        undo = self._undo.pop(head.hash, None)
        if undo is None:
            raise Unsafe(f"{self._source}: expected to know how to undo block {head.number}; it is too old")
        addresses = self.pools.revert(undo.blob)
        self._reworked[head.hash] = None
        timestamp_s = head.timestamp_s if undo.parent_timestamp_s is None else undo.parent_timestamp_s
        self._move((undo.parent_hash, timestamp_s))
        rows = [
            self._corrected(pool, head, timestamp_s, recv_ns, sequence)
            for pool in map(self.pools.get, addresses)
            if pool is not None
        ]
        if rows:
            self._tell()
            self._batches.append(("pool_state", derive.to_batch(rows)))
        # what was read anew after that block is undone, and what proved a pool wrong is forgotten
        self._drifted.update(addresses)
        self._suspect.update(undo.drifted)

    def restore(self, head: Head, logs: Logs, recv_ns: int, new_log_indexes: Sequence[int] = ()) -> None:
        """Apply a block again whose events are known, but for those of the logs named."""
        self._flush()
        self._tell()
        self._apply([head], logs, [recv_ns], emit=bool(new_log_indexes))
        wanted = set(new_log_indexes)
        told = self.pools.take_batches().items()
        self._batches.extend((topic, _rows_of(batch, wanted)) for topic, batch in told if topic != "block")

    def take(self) -> Applied:
        """Return what came of all since the last call."""
        self.take_changed()
        self._tell()
        for block_hash in self._reworked:
            undo = self._undo.get(block_hash)
            key = self.prefix + b"undo/" + block_hash.hex().encode()
            self._state[key] = None if undo is None else msgpack.encode(undo)
        taken = Applied(self._batches, self._state, self._faults)
        self._batches, self._state, self._faults, self._reworked = [], {}, [], {}
        return taken

    def take_drifted(self) -> tuple[bytes, ...]:
        """Return the pools whose ticks are no longer known since the last call, or since the state was kept.

        They must be read anew. Each is named by its address, a V4 pool by its manager and its encoded key.
        """
        found = {address for address in self._drifted if self._is_incomplete(address)}
        found.update(address for address in self._suspect if address in self.pools)
        self._drifted.clear()
        self._suspect.clear()
        return tuple(map(self._name_of, sorted(found)))

    def _name_of(self, address: bytes) -> bytes:
        pool = self.pools.get(address)
        if isinstance(pool, UniswapV4Pool) and pool.factory is not None and pool.encoded_key is not None:
            return pool.factory + pool.encoded_key
        return address

    def _is_incomplete(self, address: bytes) -> bool:
        pool = self.pools.get(address)
        return pool is not None and not pool.is_complete

    def _flush(self) -> None:
        heads, logs, recv_ns = self._waiting
        if not heads:
            return
        self._waiting = ([], [], [])
        together = logs[0] if len(logs) == 1 else Logs.concat(logs)
        self._apply(heads, together, recv_ns)

    def _tell(self) -> None:
        """Take the rows that the pools made so far, before others that come after them."""
        self._batches.extend(self.pools.take_batches().items())

    def _apply(self, heads: list[Head], logs: Logs, recv_ns: list[int], *, emit: bool = True) -> None:
        applied = self.pools.apply(heads, logs, recv_ns, emit)
        self._faults += [Gap(f"{self._source}: {drift}") for drift in applied.drift]
        self._drifted.update(drift.pool for drift in applied.drift)
        # of a new pool the logs may not tell all, and a log may say that what was read no longer holds
        self._drifted.update(applied.pools)
        self._drifted.update(applied.lapsed)
        self._faults += [Malformed(f"{self._source}: {found}") for found in applied.malformed]
        blobs = {block_hash: blob for _, block_hash, blob in applied.undo}
        drifted: dict[int, tuple[bytes, ...]] = {}
        for drift in applied.drift:
            drifted[drift.block_number] = (*drifted.get(drift.block_number, ()), drift.pool)
        for head in heads:
            before = self._tip[1] if self._tip is not None and self._tip[0] == head.parent_hash else None
            self._tip = (head.hash, head.timestamp_s)
            blob = blobs.get(head.hash, b"")
            undo = _Undo(head.number, head.parent_hash, before, blob, drifted.get(head.number, ()))
            self._undo[head.hash] = undo
            self._reworked[head.hash] = None
        while len(self._undo) > self._window_blocks:
            old, _ = self._undo.popitem(last=False)
            self._reworked[old] = None
        self._move(self._tip)

    def _move(self, tip: tuple[bytes, int] | None) -> None:
        self._tip = tip
        self._state[self.prefix + b"tip/"] = None if tip is None else msgpack.encode(tip)

    def take_changed(self) -> Changed:
        """Return the pools' records that came of all since the last call or the last `take`."""
        self._flush()
        changed = self.pools.take_changed()
        self._state.update(changed.records(self.prefix + b"pool/"))
        return changed

    # --- rows for the few; the bulk is built in Rust

    def _pool_event(self, read: Snapshot) -> Pool:
        return Pool(
            event_ns=read.block_timestamp_s * NS_PER_S,
            recv_ns=read.recv_ns,
            source=self._source,
            chain_id=self._chain_id,
            block_number=read.block_number,
            block_hash=read.block_hash,
            pool=read.address,
            protocol=read.protocol,
            dex=read.dex,
            factory=read.factory,
            token0=read.token0,
            token1=read.token1,
            fee_ppm=read.fee_ppm,
            tick_spacing=read.tick_spacing,
        )

    def _corrected(self, pool: Any, gone: Head, timestamp_s: int, recv_ns: int, sequence: int) -> PoolState:
        return PoolState(
            event_ns=timestamp_s * NS_PER_S,
            recv_ns=recv_ns,
            source=self._source,
            chain_id=self._chain_id,
            block_number=gone.number - 1,
            block_hash=gone.parent_hash,
            pool=pool.address,
            protocol=pool.protocol,
            dex=pool.dex,
            cause=StateCause.REORG,
            sequence=sequence,
            **current(pool),
        )


def _rows_of(batch: pa.RecordBatch, log_indexes: set[int]) -> pa.RecordBatch:
    return batch.filter(pa.array([index in log_indexes for index in batch.column("log_index").to_pylist()]))


def current(pool: Any) -> Mapping[str, int | None]:
    """Return the state of a compiled pool as `pool_state` names it; absent fields are left out."""
    names = ("reserve0", "reserve1", "sqrt_price_x96", "liquidity", "tick")
    return {name: getattr(pool, name) for name in names if hasattr(pool, name)}
