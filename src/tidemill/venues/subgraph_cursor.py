"""How far has a subgraph been read, and what is new, gone or changed since: pure, fed with whole windows.

A window is all swaps of some seconds, as the indexer had them at one block: pages of it cannot shift against
each other. Windows overlap, so that a swap that comes late in its second is not missed, and one that a reorg
took is noticed.
"""

import copy
from collections.abc import Iterable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from tidemill.core.clock import NS_PER_S
from tidemill.schema.events import SubgraphSwap, SubgraphSwapKind
from tidemill.schema.faults import Malformed
from tidemill.venues.subgraph import Head, Window

_EVER_S = 1 << 33


class _State(Struct, array_like=True):
    first_s: int
    first_block: int
    read_s: int
    block_number: int
    block_hash: bytes
    kept: list[SubgraphSwap]


class Cursor:
    """Where the reading of one subgraph stands."""

    def __init__(self, reread_s: int, window_s: int) -> None:
        self.block_number: int | None = None
        """All swaps up to this block of the indexer's have been told; None before the first."""
        self.block_hash = b""
        self._first_s = 0
        self._first_block = 0
        self._read_s = -1
        self._reread_s = reread_s
        self._window_s = window_s
        self._kept: dict[str, SubgraphSwap] = {}
        """What was told of the seconds that are read again, by id."""

    @property
    def is_begun(self) -> bool:
        """Whether it is said where to begin."""
        return self._first_s > 0

    def is_behind(self, head: Head) -> bool:
        """Say whether there is something to read at `head`; not at one that is older than what was read."""
        if self.block_number is None or head.number > self.block_number:
            return True
        return head.number == self.block_number and head.block_hash != self.block_hash

    def begin(self, first_s: int) -> None:
        """Begin with the swaps of a second."""
        self._first_s, self._read_s = max(1, first_s), max(1, first_s) - 1

    def skip(self, block_number: int, timestamp_s: int) -> None:
        """Take what is up to a block, with this timestamp, for told."""
        self.block_number, self.block_hash = block_number, b""
        self._first_s, self._first_block, self._read_s = timestamp_s, block_number + 1, timestamp_s - 1
        self._kept.clear()

    def window(self, head: Head) -> Window:
        """Return what to read next at `head`."""
        from_s = max(self._first_s, self._read_s + 1 - self._reread_s)
        to_s = max(self._read_s, from_s) + self._window_s
        return Window(head.block_hash, from_s, min(head.timestamp_s, to_s))

    def take(self, window: Window, head: Head, swaps: Iterable[SubgraphSwap]) -> list[SubgraphSwap]:
        """Return what a whole window tells anew: retractions first, then swaps in the order of their time."""
        # after a reorg the head can be earlier than the one before: nothing is later than it
        last_s = _EVER_S if window.to_s >= head.timestamp_s else window.to_s
        found = {swap.swap_id: swap for swap in swaps if not self._is_skipped(swap)}
        gone = [
            swap
            for swap_id, swap in self._kept.items()
            if window.from_s <= swap.event_ns // NS_PER_S <= last_s and not _is_same(swap, found.get(swap_id))
        ]
        new = [swap for swap_id, swap in found.items() if not _is_same(swap, self._kept.get(swap_id))]
        new.sort(key=lambda swap: (swap.event_ns, swap.block_number or 0, swap.log_index or 0, swap.swap_id))
        for swap in gone:
            del self._kept[swap.swap_id]
        self._kept.update((swap.swap_id, swap) for swap in new)
        self._advance(window, head)
        recv_ns = max((swap.recv_ns for swap in found.values()), default=None)
        return [_retracted(swap, head, recv_ns) for swap in gone] + new

    def is_done(self, head: Head) -> bool:
        """Say whether all swaps up to `head` have been told."""
        return head.number == self.block_number and head.block_hash == self.block_hash

    def copy(self) -> "Cursor":
        """Return one that goes on from here by itself."""
        copied = copy.copy(self)
        copied._kept = dict(self._kept)
        return copied

    def dump(self) -> bytes:
        """Return it as bytes."""
        kept = list(self._kept.values())
        number = -1 if self.block_number is None else self.block_number
        state = _State(self._first_s, self._first_block, self._read_s, number, self.block_hash, kept)
        return msgspec.json.encode(state)

    def load(self, kept: bytes) -> None:
        """Go on from what `dump` returned. Raises: Malformed."""
        try:
            state = msgspec.json.decode(kept, type=_State)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise Malformed(f"expected a subgraph's cursor, found others ({error})") from error
        self._first_s, self._first_block, self._read_s = state.first_s, state.first_block, state.read_s
        self.block_number = None if state.block_number < 0 else state.block_number
        self.block_hash = state.block_hash
        self._kept = {swap.swap_id: swap for swap in state.kept}

    def _is_skipped(self, swap: SubgraphSwap) -> bool:
        if swap.block_number is None:  # the time is all that is known of it
            return self._first_block > 0 and swap.event_ns // NS_PER_S <= self._first_s
        return swap.block_number < self._first_block

    def _advance(self, window: Window, head: Head) -> None:
        self._read_s = window.to_s
        if window.to_s >= head.timestamp_s:
            self.block_number, self.block_hash = head.number, head.block_hash
        first_ns = (self._read_s + 1 - self._reread_s) * NS_PER_S
        self._kept = {swap_id: swap for swap_id, swap in self._kept.items() if swap.event_ns >= first_ns}


def _is_same(swap: SubgraphSwap, other: SubgraphSwap | None) -> bool:
    if other is None:
        return False
    return replace(swap, recv_ns=0, as_of_block=0) == replace(other, recv_ns=0, as_of_block=0)


def _retracted(swap: SubgraphSwap, head: Head, recv_ns: int | None) -> SubgraphSwap:
    return replace(
        swap,
        kind=SubgraphSwapKind.RETRACTED,
        as_of_block=head.number,
        recv_ns=swap.recv_ns if recv_ns is None else recv_ns,
    )
