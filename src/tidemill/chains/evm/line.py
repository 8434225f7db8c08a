"""Where does an announced head belong: on the tip, on a fork, or past blocks that we lack."""

from msgspec import Struct, field

from tidemill._rust import Head, Logs
from tidemill.chains.evm.window import Window


class Pending(Struct, eq=False):
    """A block that follows the tip and waits for its logs."""

    head: Head
    first_seen_ns: int
    logs: Logs | None = None
    recv_ns: int = 0
    asked: bool = False
    told_by: int | None = None
    """The endpoint that announced it; None where it was asked for."""
    answered_by: int = 0
    """The endpoint that gave its logs."""
    unknown_count: int = 0
    """How often an endpoint that was asked for its logs did not know it."""
    lacked_by: list[int] = field(default_factory=list[int])
    """Whose answers lacked a log that was announced, in order."""
    refusals: int = 0
    refused: dict[int, bytes] = field(default_factory=dict[int, bytes])
    """What endpoints answered that does not go with the header: its root or filter, by endpoint."""


class Known(Struct, frozen=True):
    """The head is canonical, or on its way to be: nothing is to be done."""


class Linked(Struct, frozen=True):
    """The head hangs on the canonical chain by these blocks, ascending, itself the last."""

    path: tuple[Head, ...]


class Missing(Struct, frozen=True):
    """The head hangs on this block, whose parent we lack."""

    root: Head


class Line:
    """The canonical chain: the window of sealed blocks, then the pending ones; and heads that hang on
    neither.
    """

    def __init__(self, window: Window, orphans_max: int) -> None:
        self.window = window
        self.pending: list[Pending] = []
        self._orphans: dict[bytes, Head] = {}
        self._orphans_max = orphans_max

    @property
    def end_number(self) -> int:
        """Number of the last block, sealed or pending."""
        return self.window.tip_number + len(self.pending)

    def place(self, head: Head) -> Known | Linked | Missing:
        """Say where `head` belongs; remember it when it hangs on nothing yet."""
        if self._holds(head.number, head.hash):
            return Known()
        path = [head]
        while not self._holds(path[-1].number - 1, path[-1].parent_hash):
            parent = self._orphans.get(path[-1].parent_hash)
            # a parent whose number does not precede its child's would walk in a circle
            if parent is None or parent.number != path[-1].number - 1:
                self.remember(head)
                return Missing(path[-1])
            path.append(parent)
        return Linked(tuple(reversed(path)))

    def remember(self, head: Head) -> None:
        """Keep a head that others may hang on; the lowest go when there are too many."""
        self._orphans[head.hash] = head
        while len(self._orphans) > self._orphans_max:
            lowest = min(self._orphans.values(), key=lambda orphan: orphan.number)
            del self._orphans[lowest.hash]

    def forget_orphans(self) -> None:
        """Drop every head that hangs on nothing."""
        self._orphans.clear()

    def cut(self, number: int) -> list[Pending]:
        """Drop the pending blocks above `number` and return them."""
        keep = max(number - self.window.tip_number, 0)
        dropped = self.pending[keep:]
        for pending in dropped:
            self.remember(pending.head)
        del self.pending[keep:]
        return dropped

    def append(self, head: Head, first_seen_ns: int) -> Pending:
        """Add a block after the last one; it must be its child."""
        self._orphans.pop(head.hash, None)
        pending = Pending(head, first_seen_ns)
        self.pending.append(pending)
        return pending

    def _holds(self, number: int, block_hash: bytes) -> bool:
        above = number - self.window.tip_number
        if above <= 0:
            return self.window.is_canonical(number, block_hash)
        return above <= len(self.pending) and self.pending[above - 1].head.hash == block_hash
