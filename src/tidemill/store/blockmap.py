"""Keep one value for each block of a chain, as few ranges of equal value."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import NamedTuple


class Piece(NamedTuple):
    """Blocks that have one value."""

    from_block: int
    to_block: int
    """Included."""
    value: int


class BlockMap:
    """Ranges of blocks, ascending, that neither overlap nor touch another of the same value."""

    def __init__(self) -> None:
        self._firsts: list[int] = []
        self._lasts: list[int] = []
        self._values: list[int] = []

    def __len__(self) -> int:
        return len(self._firsts)

    @property
    def first(self) -> int | None:
        """The lowest block that has a value."""
        return self._firsts[0] if self._firsts else None

    @property
    def last(self) -> int | None:
        """The highest block that has a value."""
        return self._lasts[-1] if self._lasts else None

    def change(self, first: int, last: int, rule: Callable[[int | None], int | None]) -> None:
        """Give each block from `first` to `last` the value that `rule` makes of its value; None is none."""
        low, high = bisect_left(self._lasts, first), bisect_right(self._firsts, last)
        start, end = max(low - 1, 0), min(high + 1, len(self))  # neighbours may become one with what changes
        made: list[tuple[int, int, int]] = []
        for index in range(start, low):
            _push(made, self._firsts[index], self._lasts[index], self._values[index])
        if low < high and self._firsts[low] < first:
            _push(made, self._firsts[low], first - 1, self._values[low])
        for from_block, to_block, value in self._walk(first, last):
            _push(made, from_block, to_block, rule(value))
        if low < high and self._lasts[high - 1] > last:
            _push(made, last + 1, self._lasts[high - 1], self._values[high - 1])
        for index in range(high, end):
            _push(made, self._firsts[index], self._lasts[index], self._values[index])
        self._firsts[start:end] = [piece[0] for piece in made]
        self._lasts[start:end] = [piece[1] for piece in made]
        self._values[start:end] = [piece[2] for piece in made]

    def pieces(self) -> Iterator[Piece]:
        """Yield every range that has a value."""
        return map(Piece, self._firsts, self._lasts, self._values)

    def between(self, first: int, last: int) -> Iterator[tuple[int, int, int | None]]:
        """Yield from block, to block and value for all of `first` to `last`, those without value too."""
        return self._walk(first, last)

    def _walk(self, first: int, last: int) -> Iterator[tuple[int, int, int | None]]:
        cursor = first
        for index in range(bisect_left(self._lasts, first), bisect_right(self._firsts, last)):
            from_block, to_block = max(self._firsts[index], first), min(self._lasts[index], last)
            if cursor < from_block:
                yield cursor, from_block - 1, None
            yield from_block, to_block, self._values[index]
            cursor = to_block + 1
        if cursor <= last:
            yield cursor, last, None


def _push(made: list[tuple[int, int, int]], first: int, last: int, value: int | None) -> None:
    if value is None:
        return
    if made and made[-1][1] + 1 == first and made[-1][2] == value:
        made[-1] = (made[-1][0], last, value)
    else:
        made.append((first, last, value))
