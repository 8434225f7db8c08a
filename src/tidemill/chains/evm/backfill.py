"""How is a long gap filled: ranges of logs and their headers, checked against each other, sealed in order."""

from collections.abc import Callable, Sequence
from itertools import pairwise

from msgspec import Struct

from tidemill._rust import Head, Logs, parse_head
from tidemill.chains.evm.absent import Absent
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.ranges import Part, RangeReader, RangeSize
from tidemill.chains.evm.scorecard import Vice
from tidemill.chains.evm.window import Window
from tidemill.chains.evm.witness import Witness
from tidemill.schema.faults import Gap, Malformed

Seal = Callable[[tuple[Head, ...], Logs], None]

_NULLS_MAX = 8
"""So many times a node may lack a block that one of its heads implies; then that head is not believed."""
_LACKS_MAX = 4
"""So often in a row a range is read again that lacks a log that was announced."""


class _Told(Struct, frozen=True):
    """A header, and the endpoint that told it."""

    head: Head
    by: int


def _nothing() -> None:
    """Stand where nobody listens yet."""


class Backfill:
    """Reads the blocks after the tip up to one that has settled."""

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        witness: Witness,
        seal: Seal,
        diverged: Callable[[Head], None],
    ) -> None:
        self._calls = calls
        self._window = window
        self._witness = witness
        self._where = f"chain {config.source}"
        self._seal = seal
        self._diverged = diverged
        self._done: Callable[[], None] = _nothing
        self._stalled: Callable[[], None] = _nothing
        self._absent = Absent(calls, _NULLS_MAX)
        self._heads: dict[int, _Told] = {}
        self._filter: dict[str, object] = {}
        self._last = -1
        self._is_waiting = False
        self._contradiction_count = 0
        """How often in a row a range was read in vain."""
        size = RangeSize(config.range_blocks, config.range_blocks_max, config.range_logs_wanted)
        self._reader = RangeReader(calls, size, config.ranges_in_flight_max, self._advance, self._ask_heads)

    def when(self, *, done: Callable[[], None], stalled: Callable[[], None]) -> None:
        """Have `done` called after the last block, `stalled` where the node lacks blocks up to it."""
        self._done, self._stalled = done, stalled

    @property
    def is_active(self) -> bool:
        """Whether blocks are being read, or will be again."""
        return self._reader.is_active or self._is_waiting

    def start(self, last: int, log_filter: dict[str, object]) -> None:
        """Read the blocks after the tip up to `last`."""
        self._last, self._filter = last, log_filter
        self._contradiction_count = 0
        self._read()

    def _read(self) -> None:
        self._heads.clear()
        self._absent.clear()
        self._is_waiting = False
        self._reader.start(self._window.tip_number + 1, self._last, self._filter)

    def stop(self) -> None:
        """Forget what is on its way."""
        if not self.is_active:
            return  # at nearly every block
        self._calls.drop(self)
        self._reader.stop()
        self._heads.clear()
        self._is_waiting = False

    def _ask_heads(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            self._ask_head(number)

    def _ask_head(self, number: int) -> None:
        self._calls.ask_bulk(
            "eth_getBlockByNumber",
            [hex(number), False],
            lambda result: self._on_head(number, result),
            owner=self,
        )

    def _on_head(self, number: int, result: bytes) -> None:
        head = parse_head(result)
        if head is None:
            if self._absent.found_none(number):
                self._stalled()
                return
            raise Gap(f"{self._where}: expected block {number}, the node has none yet")
        if head.number != number:
            raise Malformed(f"{self._where}: expected block {number}, found {head.number}")
        self._heads[number] = _Told(head, self._calls.answered_by)
        first = self._reader.first_part()
        if first is not None and number <= first.last:
            self._advance()

    def _advance(self) -> None:
        while (part := self._reader.first_part()) is not None:
            if any(number not in self._heads for number in range(part.first, part.last + 1)):
                return
            if not self._take(part):
                return
        if not self._reader.is_active:
            self._done()

    def _take(self, part: Part) -> bool:
        told = [self._heads.pop(number) for number in range(part.first, part.last + 1)]
        heads = tuple(one.head for one in told)
        assert part.logs is not None
        contradiction = _contradiction(told, part, part.logs) or self._lack(heads, part, part.logs)
        if contradiction is not None:
            self._read_again(*contradiction)
            return False
        if heads[0].parent_hash != self._window.tip_hash:
            self.stop()
            self._diverged(heads[0])
            return False
        self._seal(heads, part.logs)
        self._reader.take()
        self._contradiction_count = 0
        return True

    def _lack(self, heads: Sequence[Head], part: Part, logs: Logs) -> tuple[str, set[int]] | None:
        """Return the known log that a range lacks; it may be made up, and is not asked for without end."""
        if self._contradiction_count >= _LACKS_MAX:
            return None
        for head in heads:
            if missing := self._witness.missing(head.hash, logs):
                lacks = f"log {missing[0]} was announced, or told before, and its range lacks it"
                said_by = {part.told_by, *self._witness.announcers(head.hash, missing)}
                return f"block {head.number}: {lacks}", said_by
        return None

    def _read_again(self, problem: str, said_by: set[int]) -> None:
        """Read what is left once more, after a while, where answers do not go together.

        A reorg between two answers is nobody's fault: who contradicts itself again and again is left in time.
        """
        self.stop()
        links = self._calls.links
        for endpoint in sorted(said_by):
            links.cards[endpoint].did(Vice.FAILED, self._calls.now_ns)
        urls = " and ".join(links.url_of(endpoint) for endpoint in sorted(said_by))
        self._is_waiting = True
        self._contradiction_count += 1
        self._calls.retry(
            Gap(f"{self._where}: {urls}: {problem}: the range is read again"),
            self._read,
            owner=self,
            attempts=self._contradiction_count,
        )


def _contradiction(told: Sequence[_Told], part: Part, logs: Logs) -> tuple[str, set[int]] | None:
    """Return how headers and logs contradict each other, as when a reorg fell between the answers, and the
    endpoints that said so.
    """
    if part.last_hash not in (None, told[-1].head.hash):
        text = f"block {part.last}: its header is not the one that was told with the range's logs"
        return text, {told[-1].by, part.told_by}
    for parent, child in pairwise(told):
        if child.head.parent_hash != parent.head.hash:
            expected, found = parent.head.hash.hex(), child.head.parent_hash.hex()
            text = f"block {child.head.number}: expected the parent 0x{expected}, found 0x{found}"
            return text, {parent.by, child.by}
    for number, block_hash, _ in logs.blocks():
        header = told[number - part.first]
        if header.head.hash != block_hash:
            text = f"block {number}: its logs are of 0x{block_hash.hex()}, its header is another one"
            return text, {header.by, part.told_by}
    return None
