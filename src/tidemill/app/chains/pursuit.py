"""Find what pays after a chain's blocks and follow it, from the changes that its pools went through."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from tidemill._rust import Changed, Head, PoolSet
from tidemill.chains.evm.steps import Began, Change, Reread, Restored, Reverted, Sealed, Step
from tidemill.process import autopsy_behind
from tidemill.process.autopsy import AutopsyBook
from tidemill.process.autopsy_behind import Behind
from tidemill.process.book_search import LevelE18
from tidemill.process.opportunities import OpportunityFinder
from tidemill.process.pools import Batches
from tidemill.schema.events import TokenTrial
from tidemill.schema.faults import Fault, Malformed

_USUAL_BLOCKS_MAX = 4
"""More come where the chain is caught up with."""


class Turn(NamedTuple):
    """Some changes of a chain, and what its pools are after them."""

    blocks: tuple[Change, ...] = ()
    changed: Changed | None = None
    """Records of the pools that the changes set, or deleted."""
    trials: tuple[TokenTrial, ...] = ()
    """What was found of tokens."""


class BookNow(NamedTuple):
    """An order book as it stands; prices and sizes in 10^-18, the best first."""

    venue: str
    instrument: str
    bids: list[LevelE18]
    asks: list[LevelE18]


class Pursued(NamedTuple):
    """What came of some turns."""

    batches: Batches
    state: dict[bytes, bytes | None]
    faults: list[Fault]
    wanted: dict[bytes, bytes]
    """Tokens to try, each with a holder."""


NOTHING_PURSUED = Pursued([], {}, [], {})
"""What comes of a chain that is not searched."""


def is_usual(step: Step) -> bool:
    """Whether the chain went on by a few blocks at most, and nothing else happened."""
    return len(step.blocks) <= _USUAL_BLOCKS_MAX and all(
        isinstance(block, Reread) or (isinstance(block, Sealed) and len(block.heads) == 1)
        for block in step.blocks
    )


class Pursuit:
    """The opportunities of one chain.

    Feed it turns in the order in which they happened, then take what came of them. It has pools of its own,
    so that it may be a thread's while another reads the chain; it is not for two threads at a time itself.
    """

    def __init__(self, finder: OpportunityFinder, autopsy: AutopsyBook, pools: PoolSet) -> None:
        """`pools` are the chain's as they are now, a copy that is changed here; `autopsy` looks at it too."""
        self.finder = finder
        self.counts: Mapping[str, Any] = autopsy.counts()
        """How the autopsies stood when they were last taken."""
        self._autopsy = autopsy
        self._source = pools.source
        self._pools = pools
        self._touched: set[bytes] = set(pools.addresses())
        """Pools that changed since they were last searched; at first all."""
        self._has_changed = False
        """Whether the chain changed since it was last searched."""
        self._newest: tuple[Head, int] | None = None
        """The newest block, where it is a new one, and when it was read."""
        self._batches: Batches = []
        self._state: dict[bytes, bytes | None] = {}
        self._faults: list[Fault] = []

    @property
    def is_idle(self) -> bool:
        """Whether it follows nothing."""
        return self._autopsy.is_idle

    @property
    def is_due(self) -> bool:
        """Whether the chain went on since it was last searched."""
        return self._has_changed and self._newest is not None

    def left(self, turns: Sequence[Turn]) -> dict[bytes, bytes | None]:
        """Return what to commit with the step of these turns, for a later run if this one does not follow
        them. Any thread may ask.
        """
        return {
            self._key_of(block): autopsy_behind.encode(Behind(block.heads, block.logs, block.recv_ns))
            for block in _sealed(turns)
        }

    def follow(self, turns: Sequence[Turn], *, were_left: bool) -> None:
        """Take turns; `were_left` says that they were kept meanwhile, which ends with this."""
        for turn in turns:
            if turn.changed is not None:
                self._pools.follow(turn.changed)
                self._touched.update(turn.changed.pools())
            if self.finder.tokens is not None:
                for trial in turn.trials:
                    self.finder.tokens.tell(trial)
            for block in turn.blocks:
                self._block(block)
        if were_left:
            self._state.update((self._key_of(block), None) for block in _sealed(turns))

    def _key_of(self, block: Sealed) -> bytes:
        return autopsy_behind.key_of(self._source, block.heads)

    def search(self) -> None:
        """Look for what pays through all that changed since the last search, after the newest block."""
        if self._newest is None or not self._has_changed:
            return
        self._has_changed = False
        touched, self._touched = sorted(self._touched), set()
        found = self.finder.find(self._pools, touched, *self._newest)
        self._autopsy.open(found, self._newest[0])
        self._batches += found

    def search_books(self, books: Sequence[BookNow], recv_ns: int) -> None:
        """Take order books that changed, and look for what pays through them."""
        touched: list[bytes] = []
        for book in books:
            try:
                touched.append(self.finder.books.set_levels_e18(*book))
            except Malformed as fault:
                self._faults.append(fault)
        if not touched:
            return
        self._autopsy.take_books(touched)
        if self._newest is not None:
            found = self.finder.find(self._pools, touched, self._newest[0], recv_ns)
            self._autopsy.open(found, self._newest[0])
            self._batches += found

    def take(self) -> Pursued:
        """Return what came of all since the last call."""
        ended, state = self._autopsy.take()
        wanted: dict[bytes, bytes] = {}
        if self.finder.tokens is not None:
            state |= self.finder.tokens.take_state()
            wanted = self.finder.tokens.take_wanted()
        taken = Pursued([*ended, *self._batches], {**state, **self._state}, self._faults, wanted)
        self._batches, self._state, self._faults = [], {}, []
        self.counts = self._autopsy.counts()
        return taken

    def _block(self, block: Change) -> None:
        self._has_changed = True
        match block:
            case Began():
                self._newest = None
                self._autopsy.reread(one.address for one in block.pools)
            case Sealed():
                self._autopsy.seal(block.heads, block.logs, block.recv_ns)
                self._newest = block.heads[-1], block.recv_ns[-1]
            case Reverted():
                self._autopsy.revert(block.head, block.recv_ns, block.sequence)
                self._newest = None
            case Restored():
                # what paid after it was told before it was reverted
                self._autopsy.restore(block.head)
                self._newest = None
            case Reread():
                # these pools are so after the newest block
                self._autopsy.reread(one.address for one in block.pools)


def _sealed(turns: Sequence[Turn]) -> list[Sealed]:
    return [block for turn in turns for block in turn.blocks if isinstance(block, Sealed)]
