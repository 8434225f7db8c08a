"""How does the tip follow the chain: heads are linked, gaps filled, forks switched, blocks sealed in order.

The node's announcements are taken as canonical: a head that hangs on a known block makes its branch the
canonical one, whatever its length, because after a restart or a rollback a node's chain can be shorter than
it was. A head that is canonical already, such as a lagging node repeats, changes nothing.
"""

from collections.abc import Callable, Mapping, Sequence

from tidemill._rust import Head, Logs, parse_head
from tidemill.chains.evm.absent import Absent
from tidemill.chains.evm.backfill import Backfill
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.confirming import Confirming
from tidemill.chains.evm.dispute import Disputes
from tidemill.chains.evm.healing import Healing
from tidemill.chains.evm.jury import Jury
from tidemill.chains.evm.line import Known, Line, Linked, Missing, Pending
from tidemill.chains.evm.proving import Proving
from tidemill.chains.evm.scorecard import Vice
from tidemill.chains.evm.sealing import Sealing
from tidemill.chains.evm.steps import PoolSnapshot
from tidemill.chains.evm.tokens import Tokens
from tidemill.chains.evm.window import Window
from tidemill.chains.evm.witness import Announced
from tidemill.schema.faults import Gap, Malformed, Unsafe

_NULLS_MAX = 3
"""A node that has announced a block and three times does not have it is on another branch by now."""


class Following:
    """Follows the chain from the tip on."""

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        sealing: Sealing,
        tokens: Tokens,
        log_filter: Mapping[str, object],
        jury: Jury,
        unanchored: Callable[[], None],
    ) -> None:
        """`unanchored` is told where the block that the chain begins after left it; it is the tip then."""
        self.stale_head_count = 0
        self._calls = calls
        self._window = window
        self._config = config
        self._sealing = sealing
        self._tokens = tokens
        self._on_unanchored = unanchored
        self._filter = dict(log_filter)
        self._where = f"chain {config.source}"
        self._line = Line(window, 2 * config.window_blocks)
        self._backfill = Backfill(calls, window, config, sealing.witness, self._seal_range, self._on_diverged)
        self._healing = Healing(calls, window, config, sealing.reports, self._on_reread)
        self._backfill.when(done=self._advance, stalled=self._on_stalled)
        self._proving = Proving(calls, config, log_filter, proven=self._seal, doubted=self._on_doubted)
        sealing.cause = self._proving.cause
        self._newest: Head | None = None
        self._target: Head | None = None
        self._fork: Head | None = None
        self._waypoint: Head | None = None
        """A block on the way to a target that is far, where every block needs a proof of its own."""
        self._confirming = Confirming(
            calls, jury, self._where, confirmed=self._on_confirmed, denied=self._start_over
        )
        self._disputes = Disputes(calls, config, sealing.witness)
        self._teller = 0
        """The endpoint that told the target."""
        self._wanted: set[int | bytes] = set()
        self._numbered: bytes | None = None
        self._absent = Absent(calls, _NULLS_MAX)
        self._is_far_behind = False
        self._has_caught_up = False
        self._first_seen_ns: dict[bytes, int] = {}

    def on_head(self, head: Head) -> None:
        """Take an announced head."""
        if head.number < self._window.lowest_number:
            self._on_far_behind(head)
            return
        self._is_far_behind = False
        self._sealing.reports.found(self._window.tip_number, head.number)
        if self._newest is None or head.number >= self._newest.number:
            self._newest = head
        self._first_seen_ns.setdefault(head.hash, self._calls.now_ns)
        while len(self._first_seen_ns) > 2 * self._config.window_blocks:
            del self._first_seen_ns[next(iter(self._first_seen_ns))]
        if isinstance(self._line.place(head), Known):
            self.stale_head_count += 1
            self._confirming.stop()
            return
        self._target, self._teller = head, self._calls.answered_by
        self._advance()

    def _on_far_behind(self, head: Head) -> None:
        """A head below the window says nothing of a reorg: its node lags, or began anew."""
        self.stale_head_count += 1
        if self._is_far_behind:
            return
        self._is_far_behind = True
        self._calls.step.faults.append(
            Gap(
                f"{self._where}: expected a head near block {self._window.tip_number}, the node announces"
                f" {head.number}: it lags, or its chain is another one"
            )
        )

    def on_announced_logs(self, announced: Announced) -> None:
        """Take logs of the subscription: they prove nothing complete, but an answer that lacks one wrong."""
        for block_hash in self._disputes.hear(announced):
            self._redo(block_hash)

    def on_drift(self, pools: Sequence[bytes]) -> None:
        """Take pools that contradict their logs: they are read anew."""
        self._healing.want(pools)
        self._heal()

    def tick(self) -> None:
        """Go on with what waits for its time."""
        self._confirming.tick()
        self._healing.tick()
        self._heal()

    def _heal(self) -> None:
        """Read pools anew where the tip is near: nodes forget the state of old blocks.

        At first the tip has to get to the newest block: before that, pools may not be there yet.
        """
        newest = self._newest
        if newest is None or self._backfill.is_active:
            return
        behind = newest.number - self._window.tip_number
        self._has_caught_up = self._has_caught_up or behind <= 0
        if self._has_caught_up and behind <= self._config.walk_blocks_max:
            self._healing.start_due(is_past=bool(self._line.pending))

    def ask_newest(self) -> None:
        """Ask for the newest head."""
        self._calls.drop(self._calls.newest)
        self._calls.ask("eth_getBlockByNumber", ["latest", False], self._on_newest, owner=self._calls.newest)

    def _on_newest(self, result: bytes) -> None:
        head = parse_head(result)
        if head is None:
            raise Malformed(f"{self._where}: expected the newest block, found none")
        self.on_head(head)

    def _advance(self) -> None:
        """Bring the tip nearer to the fork, if one is looked for, and then to the target."""
        for wanted in (self._fork, self._waypoint, self._target):
            if wanted is None:
                continue
            match self._line.place(wanted):
                case Known():
                    self._reached(wanted)
                case Linked(path):
                    self._reached(wanted)
                    self._adopt(path)
                case Missing(root):
                    self._seek(wanted, root)
                    return

    def _reached(self, head: Head) -> None:
        if head is self._fork:
            self._fork = None
        if head is self._waypoint:
            self._waypoint = None
        if head is self._target:
            self._target = None

    def _seek(self, wanted: Head, root: Head) -> None:
        """Ask for what is between the end of the line and `root`."""
        if self._backfill.is_active:
            return
        gap = root.number - 1 - self._line.end_number
        if gap > self._config.walk_blocks_max:
            if self._config.proof != "claimed":
                self._ask_waypoint()
            elif not (self._line.pending or self._healing.is_holding):
                self._drop_wanted()
                self._backfill.start(root.number - 1 - self._config.settle_blocks, self._filter)
            return
        if root.number - 1 < self._window.lowest_number:
            if self._confirming.is_confirmed((root,), self._teller):
                self._leave_window(root)
            return
        if gap >= 2 and self._numbered != wanted.hash:
            # the blocks between are asked for at once; what does not link is then walked by hash
            self._numbered = wanted.hash
            for number in range(self._line.end_number + 1, root.number - 1):
                self._want(number, "eth_getBlockByNumber", hex(number))
        self._want(root.parent_hash, "eth_getBlockByHash", "0x" + root.parent_hash.hex())

    def _ask_waypoint(self) -> None:
        """Ask for a block as far on as may be walked, once those before it are sealed."""
        if self._line.pending or self._wanted or self._waypoint is not None:
            return
        number = self._line.end_number + self._config.walk_blocks_max
        self._wanted.add(number)
        self._calls.ask_bulk(
            "eth_getBlockByNumber",
            [hex(number), False],
            lambda result: self._on_wanted(number, result),
            owner=self._wanted,
        )

    def _want(self, key: int | bytes, method: str, name: str) -> None:
        if key in self._wanted:
            return
        self._wanted.add(key)
        self._calls.ask(
            method, [name, False], lambda result: self._on_wanted(key, result), owner=self._wanted
        )

    def _on_wanted(self, key: int | bytes, result: bytes) -> None:
        head = parse_head(result)
        if head is None:
            if self._absent.found_none(key):
                self._on_stalled()
                return
            raise Gap(f"{self._where}: expected block {_name(key)}, the node has none")
        if key not in (head.number, head.hash):
            raise Malformed(f"{self._where}: expected block {_name(key)}, found 0x{head.hash.hex()}")
        self._wanted.discard(key)
        self._line.remember(head)
        if head.number == self._line.end_number + self._config.walk_blocks_max and not self._wanted:
            self._waypoint = head
        if not self._wanted:
            self._advance()

    def _drop_wanted(self) -> None:
        if self._wanted:
            self._calls.drop(self._wanted)
            self._wanted.clear()
        self._absent.clear()

    def _on_stalled(self) -> None:
        """Have another endpoint lead in the end where one tells blocks that lead nowhere."""
        self._calls.links.cards[self._teller].did(Vice.FAILED, self._calls.now_ns)
        self._start_over()

    def _start_over(self) -> None:
        """Forget a target that the node does not lead to, and ask for the newest head."""
        self._forget_heads()
        self.ask_newest()

    def _forget_heads(self) -> None:
        self._drop_wanted()
        self._backfill.stop()
        self._line.forget_orphans()
        self._confirming.stop()
        self._target = self._fork = self._waypoint = self._newest = None

    def _adopt(self, path: tuple[Head, ...]) -> None:
        """Make `path` the end of the line: what is above its parent leaves the canonical chain."""
        parent_number = path[0].number - 1
        is_reorg = parent_number < self._window.tip_number
        if is_reorg and not self._confirming.is_confirmed(path, self._teller):
            return
        self._confirming.stop()
        self._drop_wanted()
        self._backfill.stop()
        self._cut(parent_number)
        while self._window.tip_number > parent_number:
            head = self._sealing.revert()
            if self._proving.can_prove(head):  # one of before a restart is asked for where it is needed again
                self._line.remember(head)
        for head in path:
            pending = self._line.append(head, self._first_seen_ns.get(head.hash, self._calls.now_ns))
            pending.told_by = self._teller
        self._healing.on_announced()
        self._ask_logs()

    def _on_confirmed(self, head: Head) -> None:
        self._target = self._target or head
        self._advance()

    def _on_doubted(self, pending: Pending) -> None:
        """Drop a block whose header nothing confirms, and begin again where the next leader is."""
        self._cut(pending.head.number - 1)
        self._start_over()

    def _cut(self, number: int) -> None:
        for pending in self._line.cut(number):
            self._calls.drop(pending)

    def _ask_logs(self) -> None:
        for pending in self._line.pending[: self._config.logs_in_flight_max]:
            if not pending.asked:
                pending.asked = True
                self._proving.ask(pending)

    def _on_reread(self, snapshots: Sequence[PoolSnapshot]) -> None:
        """Go on after pools were read; some of their coins may be new."""
        self._tokens.want(coin for snapshot in snapshots for coin in snapshot.coins)
        self._seal()

    def _seal(self) -> None:
        pending = self._line.pending
        is_ready = bool(pending) and pending[0].logs is not None
        if self._healing.is_holding and not (is_ready and self._healing.gives_way()):
            return
        while pending and pending[0].logs is not None:
            first = pending[0]
            if missing := self._disputes.missing(first):
                self._ask_again(first, missing)
                return
            del pending[0]
            self._sealing.seal_block(first, self._tokens)
        self._ask_tokens()
        self._ask_logs()
        if not pending:
            self._advance()

    def _ask_again(self, pending: Pending, missing: list[int]) -> None:
        pending.logs = None
        fault = Gap(
            f"{self._where}: block {pending.head.number}: log {missing[0]} was announced, or told before, and"
            " the answer lacks it"
        )
        self._calls.retry(fault, lambda: self._proving.ask(pending), owner=pending)

    def _seal_range(self, heads: tuple[Head, ...], logs: Logs) -> None:
        self._sealing.seal_range(heads, logs, self._tokens)
        self._ask_tokens()

    def _ask_tokens(self) -> None:
        if self._newest is not None:
            self._tokens.ask(self._newest.number, self._newest.timestamp_s)

    def _on_diverged(self, head: Head) -> None:
        """The chain after the tip is another one: look for where it left ours."""
        self._fork, self._teller = head, self._calls.answered_by
        self._advance()

    def _redo(self, block_hash: bytes) -> None:
        """Seal again a block that was sealed without a log that its node announces now, and
        those after it.
        """
        head = self._window.find(block_hash)
        if head is None:
            return
        self._calls.step.faults.append(
            Gap(
                f"{self._where}: block {head.number}: a log was announced that its answer lacked: it is read"
                " again"
            )
        )
        self._sealing.reports.missing(head.number, head.number, "the answer lacked a log that was announced")
        pending = [block.head for block in self._line.pending]
        path: list[Head] = []
        self._cut(self._window.tip_number)
        while self._window.tip_number >= head.number:
            path.append(self._sealing.revert())
        self._adopt((*reversed(path), *pending))

    def _leave_window(self, root: Head) -> None:
        """Undo all and begin anew where the window goes back to where the chain began, or stop."""
        if self._window.is_anchored:
            self._cut(self._window.tip_number)
            while self._window.tip_number > self._window.lowest_number:
                self._sealing.revert()
            self._healing.put_off()
            self._forget_heads()
            self._on_unanchored()
            return
        lowest, tip = self._window.lowest_number, self._window.tip_number
        window_blocks = self._config.window_blocks
        cause = f"a reorg goes below block {lowest}, the lowest of the window of {window_blocks} blocks"
        self._sealing.reports.missing(max(lowest, 0), max(tip, 0), cause)
        self._calls.step.stop = Unsafe(
            f"{self._where}: expected block {root.number} to follow a known block, but {cause}; its stored"
            " events after that block are not of the canonical chain: remove the chain's data and start again"
        )


def _name(key: int | bytes) -> str:
    return str(key) if isinstance(key, int) else f"0x{key.hex()}"
