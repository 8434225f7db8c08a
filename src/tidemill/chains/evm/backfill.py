"""How is a long gap filled: ranges of logs and their headers, checked against each other, sealed in order."""

from collections.abc import Callable
from itertools import pairwise

from tidemill._rust import Head, Logs, parse_head
from tidemill.chains.evm.absent import Absent
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.ranges import Part, RangeReader, RangeSize
from tidemill.chains.evm.window import Window
from tidemill.schema.faults import Gap, Malformed

Seal = Callable[[tuple[Head, ...], Logs], None]

_NULLS_MAX = 8
"""So many times a node may lack a block that one of its heads implies; then that head is not believed."""


def _nothing() -> None:
    """Stand where nobody listens yet."""


class Backfill:
    """Reads the blocks after the tip up to one that has settled."""

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        seal: Seal,
        diverged: Callable[[Head], None],
    ) -> None:
        self._calls = calls
        self._window = window
        self._where = f"chain {config.source}"
        self._seal = seal
        self._diverged = diverged
        self._done: Callable[[], None] = _nothing
        self._stalled: Callable[[], None] = _nothing
        self._absent = Absent(calls, _NULLS_MAX)
        self._heads: dict[int, Head] = {}
        self._filter: dict[str, object] = {}
        self._last = -1
        size = RangeSize(config.range_blocks, config.range_blocks_max, config.range_logs_wanted)
        self._reader = RangeReader(calls, size, config.ranges_in_flight_max, self._advance, self._ask_heads)

    def when(self, *, done: Callable[[], None], stalled: Callable[[], None]) -> None:
        """Have `done` called after the last block, `stalled` where the node lacks blocks up to it."""
        self._done, self._stalled = done, stalled

    @property
    def is_active(self) -> bool:
        """Whether blocks are being read."""
        return self._reader.is_active

    def start(self, last: int, log_filter: dict[str, object]) -> None:
        """Read the blocks after the tip up to `last`."""
        self._heads.clear()
        self._absent.clear()
        self._last, self._filter = last, log_filter
        self._reader.start(self._window.tip_number + 1, last, log_filter)

    def stop(self) -> None:
        """Forget what is on its way."""
        if not self._reader.is_active:
            return  # at nearly every block
        self._calls.drop(self)
        self._reader.stop()
        self._heads.clear()

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
        self._heads[number] = head
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
        heads = tuple(self._heads.pop(number) for number in range(part.first, part.last + 1))
        assert part.logs is not None
        problem = _disagreement(heads, part.logs, part.last_hash)
        if problem is not None:
            self._calls.step.faults.append(Gap(f"{self._where}: {problem}: the range is read again"))
            self.stop()
            self.start(self._last, self._filter)
            return False
        if heads[0].parent_hash != self._window.tip_hash:
            self.stop()
            self._diverged(heads[0])
            return False
        self._seal(heads, part.logs)
        self._reader.take()
        return True


def _disagreement(heads: tuple[Head, ...], logs: Logs, last_hash: bytes | None) -> str | None:
    """Return how headers and logs contradict each other, as when a reorg fell between the answers."""
    if last_hash not in (None, heads[-1].hash):
        return f"block {heads[-1].number}: the endpoint that has its logs has another header"
    for parent, child in pairwise(heads):
        if child.parent_hash != parent.hash:
            expected, found = parent.hash.hex(), child.parent_hash.hex()
            return f"block {child.number}: expected the parent 0x{expected}, found 0x{found}"
    first = heads[0].number
    for number, block_hash, _ in logs.blocks():
        if heads[number - first].hash != block_hash:
            return f"block {number}: its logs are of 0x{block_hash.hex()}, its header is another one"
    return None
