"""May sealed blocks leave for another branch: where there are several endpoints, two must have it.

One that is behind, or lies, is not a reorg. The block where the branch begins is asked for, for it stays
where it is while the branch grows. Who does not have a block of that number yet says nothing about it; who
has another one is given time, for a reorg reaches every node later than the first.
"""

from collections.abc import Callable

from tidemill._rust import Head, parse_head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.jury import Jury
from tidemill.chains.evm.scorecard import Vice
from tidemill.core.clock import NS_PER_S
from tidemill.schema.faults import Gap

_DENIED_NS = 3 * NS_PER_S
"""So long others may have another block before who told the branch is not believed."""
_SILENCE_NS = 5 * NS_PER_S
"""Who says nothing for so long is no witness: one dead endpoint must not hold up the chain."""
_DENIALS_MIN = 3


class Confirming:
    """Asks whether another endpoint has the branch that one tells."""

    def __init__(
        self,
        calls: Calls,
        jury: Jury,
        where: str,
        *,
        confirmed: Callable[[Head], None],
        denied: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._jury = jury
        self._where = where
        self._on_confirmed = confirmed
        self._on_denied = denied
        self._root: Head | None = None
        """The first block of the branch that is asked about."""
        self._newest: Head | None = None
        self._teller = 0
        self._since_ns = 0
        self._heard_ns = 0
        self._denial_count = 0
        self._heard: set[int] = set()
        self._confirmed: bytes | None = None

    def is_confirmed(self, path: tuple[Head, ...], teller: int) -> bool:
        """Whether another endpoint than `teller` has a block of `path`; where that is not known, ask."""
        is_had = any(
            head.hash == self._confirmed or self._jury.has_told(head, other_than=teller) for head in path
        )
        if is_had or not self._others(teller):
            self.stop()
            return True
        self._newest = path[-1]
        if self._root is None or (self._root.hash, self._teller) != (path[0].hash, teller):
            self.stop()
            self._root, self._newest, self._teller = path[0], path[-1], teller
            self._since_ns = self._heard_ns = self._calls.now_ns
            self._ask()
        return False

    def stop(self) -> None:
        """Forget the branch that was asked about."""
        if self._root is not None:
            self._calls.drop(self)
        self._root = self._newest = self._confirmed = None
        self._denial_count = 0
        self._heard.clear()

    def tick(self) -> None:
        """Wait no longer for witnesses that say nothing."""
        if self._root is None:
            return
        if self._teller not in self._calls.links.open_endpoints:
            self.stop()  # who leads now tells what it has
        elif not self._others(self._teller) or self._waited_ns > _SILENCE_NS:
            self._accept()

    @property
    def _waited_ns(self) -> int:
        """How long no witness has said anything of the branch, for it or against."""
        return self._calls.now_ns - self._heard_ns

    def _others(self, teller: int) -> set[int]:
        return self._calls.links.open_endpoints - {teller}

    def _ask(self) -> None:
        assert self._root is not None
        if not self._others(self._teller) - self._heard:
            self._heard.clear()
        self._calls.ask(
            "eth_getBlockByNumber",
            [hex(self._root.number), False],
            self._on_answer,
            owner=self,
            other_than=frozenset(self._heard | {self._teller}),
        )

    def _on_answer(self, result: bytes) -> None:
        root, found = self._root, parse_head(result)
        assert root is not None
        if found is not None and found.hash == root.hash:
            self._accept()
            return
        self._heard.add(self._calls.answered_by)
        if found is not None:
            self._denial_count += 1
            self._heard_ns = self._calls.now_ns
        denied_ns = self._calls.now_ns - self._since_ns
        if self._denial_count >= _DENIALS_MIN and denied_ns > _DENIED_NS:
            teller = self._teller
            self.stop()
            self._calls.links.cards[teller].did(Vice.WRONG_FORK, self._calls.now_ns)
            self._on_denied()
            return
        has = "none" if found is None else "another"
        fault = Gap(f"{self._where}: expected two endpoints to have block {root.number}, one has {has}")
        self._calls.retry(fault, self._ask, owner=self)

    def _accept(self) -> None:
        root, newest = self._root, self._newest
        assert root is not None
        assert newest is not None
        self.stop()
        self._confirmed = root.hash
        self._on_confirmed(newest)
