"""Which blocks are told, which are proven, and what is told of them: pure, fed with frames and whole blocks.

A transaction is told as soon as the socket tells it, on top of every block before. The whole block, asked for
later, proves it: where the socket left something out, the books are made anew from what is proven.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

import msgspec

from tidemill.schema.events import CoverageStatus
from tidemill.schema.faults import Fault, Gap, Malformed, Unsafe
from tidemill.venues.sei.books import Books, Effect
from tidemill.venues.sei.frames import Block, Head, Listed, Tx
from tidemill.venues.sei.meaning import Message, Reader
from tidemill.venues.sei.telling import Teller, Told, When

Key: TypeAlias = tuple[int, int]
"""A transaction's block and its index there."""
Kept: TypeAlias = Mapping[str, bytes]
"""What a run keeps for the next one, by the part's name."""
_HELD_MAX = 20_000
_STATE_VERSION = 1


class _Heard(NamedTuple):
    messages: tuple[Message, ...]
    tx_hash: bytes | None
    recv_ns: int


class SeiFollower:
    """Follows one network; everything told is to be taken with `take`."""

    def __init__(
        self, network: str, reader: Reader, instruments: dict[str, int | None], teller: Teller
    ) -> None:
        self.height: int | None = None
        """The last block that is proven; None before the first."""
        self.tip: int | None = None
        """The newest block that the node has."""
        self.faults: list[Fault] = []
        """Since they were taken last."""
        self._network = network
        self._reader = reader
        self._first_heights = instruments
        self._teller = teller
        self._proven = Books(instruments)
        self._live = Books(instruments)
        self._heads: dict[int, Head] = {}
        """Of this socket, without a hole, the ones that are not proven yet."""
        self._held: dict[Key, _Heard] = {}
        """What cannot be told yet, as its block or one before it is not known."""
        self._applied: dict[Key, _Heard] = {}
        """What was told and is not proven yet, in order."""
        self._told_before: set[Key] = set()
        """What an earlier run told and had no proof of."""
        self._is_announced = False
        self._is_changed = True
        """Whether proven books are others than those that were kept."""
        self._time_ns = 0
        self._told: list[Told] = []

    # --- what comes in

    def begin(self, height: int) -> None:
        """Start with the block after `height`; books that were empty there are whole."""
        self.height = height
        for name, first in self._first_heights.items():
            if first is not None and height < first:
                for books in (self._proven, self._live):
                    books.by_name[name].is_whole = True

    def connected(self, tip: int, now_ns: int) -> None:
        """Take note of a new socket, of a node that is at `tip`: what it does not tell was told by none."""
        self._heads.clear()
        self._held.clear()
        self.tip = tip
        if self._time_ns:
            self._announce(When(self._time_ns, now_ns))

    def hear(self, message: Tx | Head | Listed, recv_ns: int) -> None:
        """Take what the socket told. Raises: Unsafe, where it is of another network."""
        match message:
            case Head():
                self._head(message, recv_ns)
            case Listed():
                self._listed(message, recv_ns)
            case Tx():
                self._tx(message, recv_ns)

    def prove(self, blocks: list[Block], recv_ns: int) -> None:
        """Take whole blocks, the next one first: all of them, or none.

        Raises: Unsafe, where one is of another network; Malformed, where others were expected.
        """
        height = self.height
        for block in blocks:
            self.check_network(block.head)
            if height is None or block.head.height != height + 1:
                raise Malformed(f"sei: expected the block after {height}, found {block.head.height}")
            height = block.head.height
        count = sum(self._prove(block, recv_ns) for block in blocks)
        if blocks:
            heights = (blocks[0].head.height, blocks[-1].head.height)
            cause, when = "whole blocks, as the node has them", When(self._time_ns, recv_ns)
            self._told.append(self._teller.covered(heights, CoverageStatus.COMPLETE, count, cause, when))
            self._drain()

    def skip(self, height: int, cause: str, recv_ns: int) -> None:
        """Leave out everything up to `height`: it is told as a gap, and every book is void."""
        first = height if self.height is None else self.height + 1
        when = When(recv_ns, recv_ns)
        self._told.append(self._teller.covered((first, height), CoverageStatus.GAP, 0, cause, when))
        for books in (self._proven, self._live):
            for name, book in books.by_name.items():
                effect = Effect()
                book.end(cause, effect)
                if effect.void and books is self._live:
                    self._told.append(self._teller.void(name, cause, when))
        self.height, self._is_changed = height, True
        self._forget(height)
        self.faults.append(Gap(f"sei: blocks {first} to {height}: {cause}"))

    def check_network(self, head: Head) -> None:
        """Raise Unsafe where a block is of another network."""
        if head.network != self._network:
            raise Unsafe(f"sei: expected blocks of network {self._network}, found {head.network}")

    # --- what goes out

    def take(self) -> list[Told]:
        """Return what is to be told, in order, since it was taken last."""
        told, self._told = self._told, []
        self.faults += self._teller.faults
        self._teller.faults.clear()
        return told

    def wanted(self, blocks_max: int) -> range:
        """Return the next blocks to ask for."""
        if self.height is None or self.tip is None:
            return range(0)
        return range(self.height + 1, min(self.tip, self.height + blocks_max) + 1)

    def dump(self) -> Kept:
        """Return what to keep with what is told: every part that changed since it was asked for last."""
        told = [*self._applied, *self._told_before]
        kept = {
            "place": msgspec.msgpack.encode((_STATE_VERSION, self._network, self.height, self._time_ns, told))
        }
        if self._is_changed:
            kept["books"] = msgspec.msgpack.encode(self._proven.dump())
            self._is_changed = False
        return kept

    def load(self, kept: Kept) -> None:
        """Go on where an earlier run stopped. Raises: Malformed, Unsafe."""
        try:
            version, network, height, time_ns, told = msgspec.msgpack.decode(
                kept["place"], type=tuple[int, str, int | None, int, set[Key]]
            )
            books = msgspec.msgpack.decode(kept["books"], type=dict[str, Any]) if "books" in kept else {}
        except (msgspec.MsgspecError, ValueError) as error:
            raise Malformed(f"sei: expected what an earlier run kept ({error})") from error
        if version != _STATE_VERSION:
            raise Malformed(f"sei: expected state {_STATE_VERSION} of an earlier run, found {version}")
        if network != self._network:
            raise Unsafe(f"sei: expected what was kept of network {self._network}, found that of {network}")
        self._proven.load(books)
        self._live = self._proven.copy()
        self.height, self._time_ns, self._told_before = height, time_ns, told

    # --- how

    def _head(self, head: Head, recv_ns: int) -> None:
        self.check_network(head)
        if self.height is None:
            self.begin(head.height - 1)
        last = next(reversed(self._heads), None)
        if last is not None and head.height <= last:
            self.faults.append(Malformed(f"sei: expected block {last + 1}, found {head.height} again"))
            return
        if last is not None and head.height > last + 1:
            self.faults.append(Gap(f"sei: expected block {last + 1}, the next is {head.height}"))
            self._heads.clear()
        self._heads[head.height] = head
        self.tip = head.height if self.tip is None else max(self.tip, head.height)
        if self.height is not None and self.height + 1 >= head.height:
            self._announce(When(self._time_ns or head.time_ns, recv_ns))
        self._drain()

    def _tx(self, tx: Tx, recv_ns: int) -> None:
        key = (tx.height, tx.tx_index)
        if (
            (self.height is not None and tx.height <= self.height)
            or key in self._applied
            or key in self._held
        ):
            return
        if len(self._held) >= _HELD_MAX:
            self.faults.append(Gap(f"sei: expected the block of {len(self._held)} transactions, none came"))
            self._held.clear()  # the whole blocks have them
        messages, _ = self._reader.read(tx.events)  # its faults are told once, with the whole block
        if messages:
            self._held[key] = _Heard(messages, tx.tx_hash, recv_ns)
            self._drain()

    def _listed(self, listed: Listed, recv_ns: int) -> None:
        """Tell what has no block, and hence no proof."""
        messages, faults = self._reader.read(listed.events)
        self.faults += faults
        self._proven.apply(messages)
        self._is_changed = True
        effects = self._live.apply(messages)
        self._told += self._teller.effects(effects, When(recv_ns, recv_ns), with_trades=True)

    def _announce(self, when: When) -> None:
        """Tell the books that are whole when a run begins."""
        if self._is_announced:
            return
        self._is_announced = True
        for name, book in self._live.by_name.items():
            if book.is_whole:
                self._told += self._teller.whole(name, dict(book.levels), when)

    def _drain(self) -> None:
        """Tell what is held, in order, where every block before it is known."""
        first, last = next(iter(self._heads), None), next(reversed(self._heads), None)
        if first is None or last is None or self.height is None or self.height < first - 1:
            return
        newest = next(reversed(self._applied), (self.height, 1 << 32))
        for key in sorted(self._held):
            if key[0] > last:
                return
            heard = self._held.pop(key)
            if key[0] >= first and key > newest:  # any other one comes with its whole block
                newest = key
                self._applied[key] = heard
                self._tell(key, heard, self._heads[key[0]].time_ns)

    def _tell(self, key: Key, heard: _Heard, time_ns: int) -> None:
        effects = self._live.apply(heard.messages)
        when = When(time_ns, heard.recv_ns, heard.tx_hash)
        self._told += self._teller.effects(effects, when, with_trades=key not in self._told_before)

    def _prove(self, block: Block, recv_ns: int) -> int:
        """Take one block; return how many of its transactions count."""
        height, found = block.head.height, dict[Key, _Heard]()
        for tx in block.txs:
            messages, faults = self._reader.read(tx.events)
            self.faults += faults
            if messages:
                heard = found.get((height, tx.tx_index), _Heard((), tx.tx_hash, recv_ns))
                found[height, tx.tx_index] = heard._replace(messages=heard.messages + messages)
        self._announce(When(self._time_ns or block.head.time_ns, recv_ns))
        told = {key: heard for key, heard in self._applied.items() if key[0] == height}
        is_newest = not any(key[0] > height for key in self._applied)
        for heard in found.values():
            self._proven.apply(heard.messages)
            self._is_changed = True
        if _is_beginning(told, found) and (is_newest or len(told) == len(found)):
            for key in list(found)[len(told) :]:
                self._tell(key, found[key], block.head.time_ns)
        else:
            self._mend(block, told, found, recv_ns)
        self.height, self._time_ns = height, block.head.time_ns
        self._forget(height)
        return len(found)

    def _mend(self, block: Block, told: dict[Key, _Heard], found: dict[Key, _Heard], recv_ns: int) -> None:
        """Make the books anew from what is proven, and tell what the socket left out."""
        height = block.head.height
        missing, wrong = found.keys() - told.keys(), told.keys() - found.keys()
        self.faults.append(
            Gap(
                f"sei: block {height}: expected the socket to tell its {len(found)} transactions,"
                f" {len(missing)} were not told and {len(wrong)} are not in it"
            )
        )
        before, self._live = self._live, self._proven.copy()
        for key in sorted(missing - self._told_before):
            effects = {
                name: Effect(trades=effect.trades)
                for name, effect in Books(self._first_heights).apply(found[key].messages).items()
                if effect.trades
            }
            when = When(block.head.time_ns, recv_ns, found[key].tx_hash)
            self._told += self._teller.effects(effects, when, with_trades=True)
        for key, heard in self._applied.items():
            if key[0] > height:
                self._live.apply(heard.messages)
        when = When(block.head.time_ns, recv_ns)
        for name, book in self._live.by_name.items():
            was = before.by_name[name]
            if book.is_whole and not (was.is_whole and was.levels == book.levels):
                self._told += self._teller.whole(name, dict(book.levels), when)
            elif was.is_whole and not book.is_whole:
                why = f"block {height} has something that the socket did not tell, and that cannot be read"
                self._told.append(self._teller.void(name, why, when))

    def _forget(self, height: int) -> None:
        """Forget what is proven now."""
        for kept in (self._applied, self._held):
            for key in [key for key in kept if key[0] <= height]:
                del kept[key]
        for known in [known for known in self._heads if known < height]:
            del self._heads[known]  # the last one stays: the next must follow it
        self._told_before = {key for key in self._told_before if key[0] > height}


def _is_beginning(told: dict[Key, _Heard], found: dict[Key, _Heard]) -> bool:
    """Say whether what was told is what a block begins with, to the letter."""
    pairs: Iterator[tuple[Key, Key]] = zip(told, found, strict=False)
    return len(told) <= len(found) and all(
        mine == its and told[mine].messages == found[its].messages for mine, its in pairs
    )
