"""How the logs of many blocks are read in few questions: in ranges as long as the node answers."""

from bisect import insort
from collections import deque
from collections.abc import Callable

from msgspec import Struct

from tidemill._rust import Logs, parse_head, parse_logs
from tidemill.chains.evm.answers import RpcError
from tidemill.chains.evm.calls import Calls
from tidemill.schema.faults import Gap, Malformed

_ANSWERS_AT_SLOW_MAX = 32
"""After so many answers of as many blocks as a slow node is asked for, it is tried with twice as many."""


class RangeSize:
    """A number of blocks that is halved by a refusal and doubled by small answers."""

    def __init__(self, blocks: int, blocks_max: int, logs_wanted: int) -> None:
        self.blocks = min(blocks, blocks_max)
        self._blocks_max = blocks_max
        self._slow_max = blocks_max
        """Less than `blocks_max` since the node ran out of time, which passes."""
        self._slow_max_count = 0
        self._logs_wanted = logs_wanted

    def refused(self, blocks: int, *, is_slow: bool = False) -> int:
        """Note that so many blocks were too many, or too many in the node's time; return how many to try."""
        self.blocks = max(1, min(self.blocks, blocks // 2))
        if is_slow:
            self._slow_max, self._slow_max_count = min(self._slow_max, self.blocks), 0
        else:
            # a node's limit seldom moves: growing past it would be refused again
            self._blocks_max = max(1, min(self._blocks_max, blocks - 1))
        return self.blocks

    def answered(self, blocks: int, log_count: int) -> None:
        """Note that so many blocks were answered with so many logs."""
        self._slow_max_count += blocks >= self._slow_max
        if self._slow_max_count == _ANSWERS_AT_SLOW_MAX:
            self._slow_max, self._slow_max_count = min(2 * self._slow_max, self._blocks_max), 0
        if log_count > self._logs_wanted:
            self.blocks = max(1, self.blocks // 2)
        elif blocks >= self.blocks and 2 * log_count < self._logs_wanted:
            self.blocks = min(2 * self.blocks, self._blocks_max, self._slow_max)


class Part(Struct, eq=False):
    """The logs of some blocks, once they are here."""

    first: int
    last: int
    logs: Logs | None = None
    last_hash: bytes | None = None
    """Of the last block, where it was asked for before the logs."""
    told_by: int = 0
    """The endpoint that gave the logs."""


class RangeReader:
    """Reads logs from block to block; parts are asked in parallel and given in order."""

    def __init__(
        self,
        calls: Calls,
        size: RangeSize,
        parts_max: int,
        changed: Callable[[], None],
        asked: Callable[[int, int], None] | None = None,
    ) -> None:
        self._calls = calls
        self._size = size
        self._parts_max = parts_max
        self._changed = changed
        self._asked = asked
        self._filter: dict[str, object] = {}
        self._parts: list[Part] = []
        """Ascending, and the lowest block that is not taken is in the first."""
        self._rest: deque[tuple[int, int]] = deque()
        """First and last blocks of what is to be asked for, at first or in smaller parts, ascending."""
        self._next = 0
        """The first block that was in no part yet."""

    @property
    def is_active(self) -> bool:
        """Whether blocks are left to be read or taken."""
        return bool(self._parts or self._rest)

    def start(self, first: int, last: int, log_filter: dict[str, object]) -> None:
        """Begin to read; `changed` is called with each part that comes in."""
        self.stop()
        self._next, self._filter = first, log_filter
        if first <= last:
            self._rest.append((first, last))
        self._pump()

    def stop(self) -> None:
        """Forget all that is not taken."""
        self._calls.drop(self)
        self._parts.clear()
        self._rest.clear()

    def first_part(self) -> Part | None:
        """Return the first part where it is here."""
        return self._parts[0] if self._parts and self._parts[0].logs is not None else None

    def take(self) -> None:
        """Remove the first part, and ask for more."""
        del self._parts[0]
        self._pump()

    def _pump(self) -> None:
        while self._rest and len(self._parts) < self._parts_max:
            first, last = self._rest.popleft()
            part = Part(first, min(first + self._size.blocks - 1, last))
            if part.last < last:
                self._rest.appendleft((part.last + 1, last))
            insort(self._parts, part, key=lambda other: other.first)
            if first == self._next:
                self._next = part.last + 1
                if self._asked is not None:
                    self._asked(part.first, part.last)
            self._ask(part)

    def _ask(self, part: Part) -> None:
        if len(self._calls.links.cards) == 1 and self._asked is None:
            self._ask_logs(part)  # there are no headers to hold the logs against
            return
        # a node that is behind, or on another branch, may answer with silence: first, has it the last block?
        self._calls.ask_bulk(
            "eth_getBlockByNumber",
            [hex(part.last), False],
            lambda result: self._on_last(part, result),
            owner=self,
        )

    def _ask_logs(self, part: Part) -> None:
        self._calls.ask_bulk(
            "eth_getLogs",
            self._params(part),
            lambda result: self._on_logs(part, result),
            fails=lambda error: self._on_error(part, error),
            owner=self,
        )

    def _params(self, part: Part) -> list[dict[str, object]]:
        bounds: dict[str, object] = {"fromBlock": hex(part.first), "toBlock": hex(part.last)}
        return [bounds | self._filter]

    def _on_last(self, part: Part, result: bytes) -> None:
        head = parse_head(result)
        if head is None or head.number != part.last:
            url = self._calls.links.url_of(self._calls.answered_by)
            raise Gap(f"{url}: expected block {part.last}, the last of a range of logs, found none")
        part.last_hash = head.hash
        if len(self._calls.links.cards) == 1:
            self._ask_logs(part)
            return
        self._calls.ask_back(
            "eth_getLogs",
            self._params(part),
            lambda found: self._on_logs(part, found),
            fails=lambda error: self._on_error(part, error),
            lost=lambda: self._ask(part),
            owner=self,
        )

    def _on_logs(self, part: Part, result: bytes) -> None:
        logs = parse_logs(result)
        for number, _, _ in logs.blocks():
            if not part.first <= number <= part.last:
                raise Malformed(f"eth_getLogs: expected blocks {part.first} to {part.last}, found {number}")
        part.logs, part.told_by = logs, self._calls.answered_by
        self._size.answered(part.last - part.first + 1, len(logs))
        self._changed()

    def _on_error(self, part: Part, error: RpcError) -> bool:
        blocks = part.last - part.first + 1
        if not error.is_too_large or blocks == 1:
            return False
        self._size.refused(blocks, is_slow=error.is_slow)
        self._parts.remove(part)
        insort(self._rest, (part.first, part.last))
        self._pump()
        return True
