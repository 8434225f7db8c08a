"""Which blocks are canonical, as far as a reorg may reach back, and which were before one."""

import struct
from collections.abc import Iterable, Mapping
from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from tidemill._rust import Head, LogIndexes, Logs
from tidemill.schema.faults import Malformed

_NUMBER = struct.Struct(">Q")
_CANONICAL = b"\x01"
_REVERTED = b"\x00"
_LogIndex = Annotated[int, Meta(ge=0, le=2**32 - 1)]


class Tip(Struct, frozen=True, array_like=True, gc=False):
    """The newest canonical block, and the counts that go on from it."""

    number: int
    hash: bytes
    reorg_sequence: int


class Checkpoint(Struct, frozen=True):
    """Where a follower goes on after a restart."""

    tip: Tip
    canonical: tuple[Head, ...]
    """Canonical blocks of the window, ascending."""
    reverted: tuple[Head, ...]
    tokens: frozenset[bytes]
    """Tokens that have been described."""
    wanted_tokens: tuple[bytes, ...]
    """Tokens that were asked about and had not answered."""
    coin_pools: tuple[tuple[bytes, str], ...] = ()
    """Pools of Curve and Balancer, with the protocol of each."""
    held: Mapping[bytes, LogIndexes] = field(default_factory=dict[bytes, LogIndexes])
    """By block, canonical or reverted, the logs that were told of it, where that is known."""


class _BlockRecord(Struct, frozen=True, array_like=True, gc=False):
    """A block as it is stored; a version of the layout is the number of its fields."""

    number: int
    hash: bytes
    parent_hash: bytes
    timestamp_s: int
    base_fee_wei: bytes
    """Big-endian; empty where absent."""
    gas_used: int
    gas_limit: int
    held: tuple[_LogIndex, ...] | None = None
    """Log indexes that were told of the block; None where the chain begins after it, or that was not stored
    yet.
    """


def _record_of(head: Head, held: LogIndexes | None) -> _BlockRecord:
    fee = b"" if head.base_fee_wei is None else head.base_fee_wei.to_bytes(32, "big")
    return _BlockRecord(
        head.number,
        head.hash,
        head.parent_hash,
        head.timestamp_s,
        fee,
        head.gas_used,
        head.gas_limit,
        None if held is None else tuple(held),
    )


def _head_of(record: _BlockRecord) -> Head:
    return Head(
        number=record.number,
        hash=record.hash,
        parent_hash=record.parent_hash,
        timestamp_s=record.timestamp_s,
        base_fee_wei=int.from_bytes(record.base_fee_wei, "big") if record.base_fee_wei else None,
        gas_used=record.gas_used,
        gas_limit=record.gas_limit,
    )


def state_prefix(source: str) -> bytes:
    """Return what every state key of a source's follower begins with."""
    return f"chain/{source}/".encode()


def read_checkpoint(state: Iterable[tuple[bytes, bytes]], source: str) -> Checkpoint | None:
    """Return the checkpoint in a source's state keys, or None where there is none.

    Raises: Malformed where a key of the source cannot be read.
    """
    prefix = state_prefix(source)
    tip: Tip | None = None
    heads: dict[bytes, list[Head]] = {_CANONICAL: [], _REVERTED: []}
    held: dict[bytes, LogIndexes] = {}
    tokens: dict[bytes, list[bytes]] = {TOKEN_KNOWN: [], TOKEN_WANTED: []}
    coin_pools: list[tuple[bytes, str]] = []
    for key, value in state:
        if not key.startswith(prefix):
            continue
        kind, _, rest = key[len(prefix) :].partition(b"/")
        try:
            if kind == b"tip":
                tip = msgspec.msgpack.decode(value, type=Tip)
            elif kind == b"block":
                record = msgspec.msgpack.decode(value[1:], type=_BlockRecord)
                heads[value[:1]].append(_head_of(record))
                if record.held is not None:
                    held[record.hash] = LogIndexes(record.held)
            elif kind == b"token":
                tokens[value].append(rest)
            elif kind == b"coins":
                coin_pools.append((rest, value.decode("ascii")))
        except (msgspec.MsgspecError, KeyError, ValueError) as error:
            raise Malformed(f"chain {source}: state key {key!r}: cannot be read: {error}") from error
    if tip is None:
        return None
    return Checkpoint(
        tip,
        tuple(sorted(heads[_CANONICAL], key=lambda head: head.number)),
        tuple(heads[_REVERTED]),
        frozenset(tokens[TOKEN_KNOWN]),
        tuple(sorted(tokens[TOKEN_WANTED])),
        tuple(sorted(coin_pools)),
        held,
    )


TOKEN_KNOWN = b"\x01"
TOKEN_WANTED = b"\x00"


class Window:
    """The canonical chain's newest blocks, and those that a reorg took off it."""

    def __init__(self, source: str, size: int, checkpoint: Checkpoint | None) -> None:
        self.changes: dict[bytes, bytes | None] = {}
        self._prefix = state_prefix(source)
        self._size = size
        self._canonical: dict[int, Head] = {}
        self._reverted: dict[bytes, int] = {}
        self._held: dict[bytes, LogIndexes] = {}
        self._kept_from = 0
        self._is_tip_changed = False
        self.tip_number = -1
        self.tip_hash = bytes(32)
        self.reorg_sequence = 0
        self.coin_pools: dict[bytes, str] = dict(checkpoint.coin_pools) if checkpoint is not None else {}
        """Pools that are read anew after each block with a log of theirs, with the protocol of each."""
        if checkpoint is not None:
            self._canonical = {head.number: head for head in checkpoint.canonical}
            self._kept_from = min(self._canonical, default=0)
            self._reverted = {head.hash: head.number for head in checkpoint.reverted}
            self._held = dict(checkpoint.held)
            self.tip_number, self.tip_hash = checkpoint.tip.number, checkpoint.tip.hash
            self.reorg_sequence = checkpoint.tip.reorg_sequence

    @property
    def lowest_number(self) -> int:
        """Number of the oldest block that a reorg may go back to."""
        return next(iter(self._canonical), self.tip_number)  # they are in ascending order

    @property
    def is_anchored(self) -> bool:
        """Whether the lowest block is the one that the chain begins after: it was read, and never sealed."""
        lowest = self._canonical.get(self.lowest_number)
        return lowest is not None and lowest.hash not in self._held

    def is_canonical(self, number: int, block_hash: bytes) -> bool:
        """Whether this block is the canonical one of its number, as far as the window knows."""
        if number == self.tip_number:
            return block_hash == self.tip_hash
        head = self._canonical.get(number)
        return head is not None and head.hash == block_hash

    def was_sealed(self, block_hash: bytes) -> bool:
        """Whether this block was canonical once and is not now."""
        return block_hash in self._reverted

    def held_by(self, block_hash: bytes) -> LogIndexes | None:
        """Return the logs that were told of a block of the window, or None where that is not known."""
        return self._held.get(block_hash)

    def find(self, block_hash: bytes) -> Head | None:
        """Return the canonical block of this hash where the window has it."""
        newest_first = reversed(self._canonical.values())
        return next((head for head in newest_first if head.hash == block_hash), None)

    def anchor(self, head: Head) -> None:
        """Begin after `head`, not another, for its effects are part of what was read from the chain."""
        for before in self._canonical.values():
            self._forget(before.number, before.hash)
        self._canonical.clear()
        self.push((head,), None)

    def push(self, heads: tuple[Head, ...], logs: Logs | None) -> None:
        """Append blocks, ascending; each is the child of the one before. Their logs are told; None: they are
        not.
        """
        if not self._canonical:
            self._kept_from = heads[-self._size :][0].number
        for head in heads[-self._size :]:
            self._canonical[head.number] = head
            self._reverted.pop(head.hash, None)
            if logs is not None:
                told = logs.of_block(head.hash).log_indexes()
                before = self._held.get(head.hash)  # an answer may lack what was told of it before
                self._held[head.hash] = told if before is None else before | told
            self._put(head, _CANONICAL)
        self._set_tip(heads[-1].number, heads[-1].hash)
        lowest = self.tip_number - self._size
        for number in range(self._kept_from, lowest + 1):
            if number in self._canonical:
                self._forget(number, self._canonical.pop(number).hash)
        self._kept_from = max(self._kept_from, lowest + 1)
        for block_hash in [key for key, number in self._reverted.items() if number <= lowest]:
            self._forget(self._reverted.pop(block_hash), block_hash)

    def pop(self) -> Head:
        """Take the tip off the canonical chain and return it."""
        head = self._canonical.pop(self.tip_number)
        self._reverted[head.hash] = head.number
        self._put(head, _REVERTED)
        self._set_tip(head.number - 1, head.parent_hash)
        return head

    def next_sequence(self) -> int:
        """Return the next count of the chain's changes."""
        self.reorg_sequence += 1
        self._is_tip_changed = True
        return self.reorg_sequence

    def set_token(self, token: bytes, status: bytes) -> None:
        """Remember whether a token has been described."""
        self.changes[self._prefix + b"token/" + token] = status

    def set_coin_pool(self, pool: bytes, protocol: str) -> None:
        """Remember that a pool is one of Curve or Balancer."""
        if self.coin_pools.get(pool) == protocol:
            return
        self.coin_pools[pool] = protocol
        self.changes[self._prefix + b"coins/" + pool] = protocol.encode("ascii")

    def take_changes(self) -> dict[bytes, bytes | None]:
        """Return the state keys that changed since the last call."""
        if self._is_tip_changed:
            self._is_tip_changed = False
            tip = Tip(self.tip_number, self.tip_hash, self.reorg_sequence)
            self.changes[self._prefix + b"tip"] = msgspec.msgpack.encode(tip)
        changes, self.changes = self.changes, {}
        return changes

    def _set_tip(self, number: int, block_hash: bytes) -> None:
        self.tip_number, self.tip_hash = number, block_hash
        self._is_tip_changed = True

    def _key(self, number: int, block_hash: bytes) -> bytes:
        return self._prefix + b"block/" + _NUMBER.pack(number) + block_hash

    def _put(self, head: Head, status: bytes) -> None:
        record = _record_of(head, self._held.get(head.hash))
        self.changes[self._key(head.number, head.hash)] = status + msgspec.msgpack.encode(record)

    def _forget(self, number: int, block_hash: bytes) -> None:
        self._held.pop(block_hash, None)
        self.changes[self._key(number, block_hash)] = None
