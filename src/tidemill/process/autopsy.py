"""Follow each opportunity block by block until it no longer pays, and tell what became of it."""

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, ValidationError, json, structs

from tidemill._rust import CoinsPool, Head, Logs, PathWatch, PoolSet
from tidemill.process import autopsy_behind
from tidemill.process.autopsy_behind import Behind
from tidemill.process.autopsy_case import (
    Case,
    End,
    Hops,
    event_ns_of,
    event_of,
    path_of,
    profits_of,
    taker_of,
)
from tidemill.process.opportunities import OpportunityFinder
from tidemill.process.pools import Batches
from tidemill.process.survival import Lasted, half_life, survival
from tidemill.schema import derive
from tidemill.schema.events import AutopsyCause, OpportunityAutopsy
from tidemill.schema.faults import Malformed

_CASES_MAX = 10_000
"""Beyond so many, which only tokens that nobody can trade bring about, what is found is not followed."""

_COLUMNS = ["opportunity", "amount_in"]
_HOP_COLUMNS = ["opportunity", "pool", "token_in", "token_out"]
"""What is looked at of what was found."""
_RECENT = 1_000
"""Of so many that ended last the half-life is told: enough to be exact, few enough to follow a market."""

Cases = dict[bytes, Case | None]
"""By opportunity; None where there was none."""


class _Change(Struct, frozen=True):
    """What one block did to the cases."""

    number: int
    before: Cases
    after: Cases
    """Once the block is reverted: what it had made of them; empty until then."""


class AutopsyBook:
    """The opportunities of one chain that are followed.

    Feed it blocks in the order in which they happened, between them the order books that changed, and what
    the search found after each; then take what came of them. It reads neither clock nor network. `blocks` is
    how many blocks each is followed for, `window_blocks` how many of the newest blocks can be reverted.
    `pools` are the chain's, only read here.
    """

    def __init__(self, finder: OpportunityFinder, pools: PoolSet, *, blocks: int, window_blocks: int) -> None:
        self.ended: Counter[str] = Counter()
        """Those that ended in this run, by cause."""
        self.refused = 0
        """Opportunities that were not followed, as too many were."""
        self._recent: deque[Lasted] = deque(maxlen=_RECENT)
        """How many blocks those lasted that ended last in this run."""
        self._search = finder.search
        self._pools = pools
        self._source = pools.source
        self._blocks = blocks
        self._window_blocks = window_blocks
        self._behind: list[Behind] = []
        """What an earlier run left unfollowed."""
        self._watch = PathWatch(pools, finder.search)
        self._cases: dict[bytes, Case] = {}
        self._open: dict[bytes, bytes] = {}
        """The opportunity of each path that still pays."""
        self._changes: OrderedDict[bytes, _Change] = OrderedDict()
        """Of the newest blocks, and of those that were reverted, by hash."""
        self._tip: tuple[bytes, int, int] | None = None
        """Hash, number and timestamp (ns) of the newest block."""
        self._unsettled: dict[bytes, Case] = {}
        """What was known before the newest block of cases whose pools are not all known after it."""
        self._block: tuple[Head, Logs, int] | None = None
        """The newest block, its logs, and when it was read."""
        self._parent: tuple[bytes, int, int] | None = None
        """What the tip was before it."""
        self._told: list[OpportunityAutopsy] = []
        self._state: dict[bytes, bytes | None] = {}

    @property
    def is_idle(self) -> bool:
        """Whether it follows nothing."""
        return not self._cases

    @staticmethod
    def prefix_of(source: str) -> bytes:
        """Return what every key of a source's state starts with."""
        return autopsy_behind.prefix_of(source)

    def counts(self) -> dict[str, Any]:
        """Return how many are followed, how many ended in this run by cause, how many were too many, and
        after how many blocks half of the last ones had died; None where more than half had not.
        """
        number = self._tip[1] if self._tip is not None else 0
        paying = [
            Lasted(number - case.born_number, False) for case in self._cases.values() if case.end is None
        ]
        return {
            "followed": len(self._cases),
            "ended": dict(self.ended),
            "refused": self.refused,
            "half_life_blocks": half_life(survival([*self._recent, *paying])).duration,
        }

    def load(self, state: Mapping[bytes, bytes]) -> None:
        """Take up what an earlier run kept, once the pools are where it left them. Raises: Malformed."""
        changes: list[tuple[bytes, _Change]] = []
        for key, value in state.items():
            kind, _, rest = key.removeprefix(self.prefix_of(self._source)).partition(b"/")
            try:
                if kind == b"case":
                    self._cases[bytes.fromhex(rest.decode())] = json.decode(value, type=Case)
                elif kind == b"change":
                    changes.append((bytes.fromhex(rest.decode()), _decode_change(value)))
                elif kind == b"tip":
                    self._tip = json.decode(value, type=tuple[bytes, int, int])
                elif kind == b"behind":
                    self._behind.append(autopsy_behind.decode(value))
            except (ValidationError, ValueError, Malformed) as fault:
                raise Malformed(f"bus state {key!r}: expected an autopsy: {fault}") from fault
        self._changes = OrderedDict(sorted(changes, key=lambda item: item[1].number))
        self._behind.sort(key=lambda one: one.heads[0].number)
        self._index()

    @property
    def behind(self) -> list[bytes]:
        """The hashes of the blocks that an earlier run left unfollowed, in order."""
        return [head.hash for one in self._behind for head in one.heads]

    def catch_up(self, pools: PoolSet) -> None:
        """Follow the blocks that an earlier run left; `pools` are the chain's as they were before these."""
        behind, self._behind = self._behind, []
        if not behind:
            return
        watched = sorted({pool for case in self._cases.values() for pool in _pools_of(case)})
        self._watch.watch(pools, self._search, watched)
        for one in behind:
            self.seal(one.heads, one.logs, one.recv_ns)
            self._state[autopsy_behind.key_of(self._source, one.heads)] = None
        self.reread(pool for pool in watched if isinstance(self._pools.get(pool), CoinsPool))

    def seal(self, heads: Sequence[Head], logs: Logs, recv_ns: Sequence[int]) -> None:
        """Follow blocks with all their tracked logs; each is the child of the one before."""
        for head, read_ns in zip(heads, recv_ns, strict=True):
            self._unsettled.clear()
            self._block, self._parent = (head, logs, read_ns), self._tip
            if self._cases:
                self._follow(head, logs, read_ns)
            self._move((head.hash, head.number, event_ns_of(head)))

    def open(self, found: Batches, head: Head) -> None:
        """Begin to follow what the search found after the newest block, but for what is followed already."""
        if not self._blocks:
            return
        batches = dict(found)
        if "opportunity" not in batches:
            return
        hops: dict[bytes, list[tuple[bytes, bytes, bytes]]] = {}
        for row in derive.to_rows("opportunity_hop", batches["opportunity_hop"].select(_HOP_COLUMNS)):
            hops.setdefault(row["opportunity"], []).append((row["pool"], row["token_in"], row["token_out"]))
        before: Cases = {}
        for row in derive.to_rows("opportunity", batches["opportunity"].select(_COLUMNS)):
            path = tuple(hops[row["opportunity"]])
            if path_of(path) in self._open:
                continue
            if len(self._cases) >= _CASES_MAX:
                self.refused += 1
                continue
            before[row["opportunity"]] = None
            self._put(row["opportunity"], self._born(row["opportunity"], path, row["amount_in"], head))
        self._note((head.hash, head.number), before)

    def take_books(self, books: Sequence[bytes]) -> None:
        """Take order books as they are now, by what the search names them; between two blocks."""
        self._watch.take_books(self._search, books)
        moved = set(books)
        cases = [
            case for case in self._cases.values() if case.end is None and moved.intersection(_pools_of(case))
        ]
        if self._tip is None or not cases:
            return
        tip, number, _ = self._tip
        lefts: list[int | None] = [None] * len(cases)
        if self._block is not None and self._block[0].hash == tip:
            worths = self._watch.worth(self._block[0], [case.found for case in cases])
            lefts = [worth["left"] for worth in worths]
        before: Cases = {}
        for case, left in zip(cases, lefts, strict=True):
            later = self._after_books(case, left)
            if later != case:
                before[case.opportunity] = case
                self._put(case.opportunity, later)
        self._note((tip, number), before)
        if before:
            self._index(reread=False)

    def revert(self, head: Head, recv_ns: int, sequence: int) -> None:
        """Take the newest block back, once the pools are as before it."""
        self._unsettled.clear()
        change = self._changes.pop(head.hash, None)
        if change is not None:
            after = {opportunity: self._cases.get(opportunity) for opportunity in change.before}
            for opportunity, case in change.before.items():
                born = self._cases.get(opportunity)
                if case is None and born is not None:
                    end = End(AutopsyCause.REORGED, born.born_number, born.born_ns)
                    self._tell(born, end, (head, recv_ns), sequence)
                self._put(opportunity, case)
            self._keep_change(head.hash, _Change(change.number, change.before, after))
        self._move((head.parent_hash, head.number - 1, event_ns_of(head)))
        self._index()

    def restore(self, head: Head) -> None:
        """Take a reverted block as it was, once the pools are as after it; what it ended was told before."""
        self._unsettled.clear()
        change = self._changes.get(head.hash)
        if change is not None:
            for opportunity, case in change.after.items():
                self._put(opportunity, case)
            self._keep_change(head.hash, _Change(change.number, change.before, {}))
        self._move((head.hash, head.number, event_ns_of(head)))
        self._index()

    def reread(self, addresses: Iterable[bytes]) -> None:
        """Take pools anew: those whose logs never tell their state as they are after the newest block, while
        how others changed that were wrong is not known.
        """
        read = set(addresses)
        wrong = {pool for pool in read if not isinstance(self._pools.get(pool), CoinsPool)}
        for case in list(self._cases.values()):
            pools = _pools_of(case)
            if not read.intersection(pools):
                continue
            self._watch.watch(self._pools, self._search, pools)
            if case.opportunity not in self._unsettled or wrong.intersection(pools):
                self._unsettled.pop(case.opportunity, None)
                self._put(case.opportunity, self._doubt(case))
        self._settle()

    def take(self) -> tuple[Batches, dict[bytes, bytes | None]]:
        """Return what came of all since the last call: rows, and keys to set, or to delete where None."""
        batches: Batches = [("opportunity_autopsy", derive.to_batch(self._told))] if self._told else []
        state = self._state
        self._told, self._state = [], {}
        return batches, state

    # --- one block

    def _follow(self, head: Head, logs: Logs, recv_ns: int) -> None:
        is_linked = self._tip is None or self._tip[0] == head.parent_hash
        self._watch.apply(head, logs)
        cases = list(self._cases.values())
        before: Cases = {}
        worths = self._watch.worth(head, [case.found for case in cases])
        ends = self._ends(cases, worths, head, logs) if is_linked else {}
        for case, worth in zip(cases, worths, strict=True):
            later = self._after(case, worth, head, ends) if is_linked else self._lost(case)
            if later == case and not later.is_due:
                continue
            before[case.opportunity] = case
            if is_linked and worth["left"] is None:
                self._unsettled[case.opportunity] = case
                self._put(case.opportunity, later)
            else:
                self._know(later, head, recv_ns)
        self._changed(head, before)

    def _settle(self) -> None:
        """Judge the cases anew whose pools are all known now as they are after the newest block."""
        if self._block is None:
            return
        head, logs, recv_ns = self._block
        cases = list(self._unsettled.values())
        worths = self._watch.worth(head, [case.found for case in cases])
        before: Cases = {}
        tip, self._tip = self._tip, self._parent
        ends = self._ends(cases, worths, head, logs)
        for case, worth in zip(cases, worths, strict=True):
            if worth["left"] is not None:
                before[case.opportunity] = self._unsettled.pop(case.opportunity)
                self._know(self._after(case, worth, head, ends), head, recv_ns)
        self._tip = tip
        self._changed(head, before)

    def _know(self, case: Case, head: Head, recv_ns: int) -> None:
        """Take what became of a case, and tell it where all is known."""
        if case.end is not None and case.is_due:
            self._tell(case, case.end, (head, recv_ns))
            self._put(case.opportunity, None)
        else:
            self._put(case.opportunity, case)

    def _changed(self, head: Head, before: Cases) -> None:
        if before:
            self._note((head.hash, head.number), before)
            self._index(reread=False)

    def _after_books(self, case: Case, left: int | None) -> Case:
        """Return what is known of a case after a change of its order books; `left` is absent where one is
        void, or no block stands.
        """
        is_unsettled = self._unsettled.pop(case.opportunity, None) is not None
        if left is None or is_unsettled:
            case = self._doubt(case)
        if left != 0:
            return case
        assert self._tip is not None, "a path is followed from a block on"
        _, number, event_ns = self._tip
        died = End(AutopsyCause.CLOSED_BY_BOOK, number, event_ns)
        return structs.replace(case, end=died if case.doubted is None else _unknown(case))

    def _after(
        self, case: Case, worth: Mapping[str, int | None], head: Head, ends: Mapping[bytes, End]
    ) -> Case:
        """Return what is known of a case after the block; `ends` are those of cases that it ended."""
        left = worth["left"]
        if case.wants_profits(head.number):
            case = structs.replace(case, profits=(*case.profits, profits_of(worth)))
        if case.end is not None:
            return case
        if left == 0:
            return structs.replace(case, end=ends[case.opportunity])
        if left is None:
            case = self._doubt(case)
        if head.number - case.born_number < case.blocks:
            return case
        if left is None:
            return structs.replace(case, end=_unknown(case))
        return structs.replace(case, end=End(AutopsyCause.OUTLIVED, head.number, event_ns_of(head)))

    def _ends(
        self, cases: Sequence[Case], worths: Sequence[Mapping[str, int | None]], head: Head, logs: Logs
    ) -> dict[bytes, End]:
        """Return how the block ended those of the cases of which nothing is left now."""
        dead = [
            case for case, worth in zip(cases, worths, strict=True) if case.end is None and worth["left"] == 0
        ]
        ends = {case.opportunity: _unknown(case) for case in dead if case.doubted is not None}
        certain = [case for case in dead if case.doubted is None]
        told = self._watch.endings(self._pools, head, logs, [case.found for case in certain])
        for case, (kind, taken) in zip(certain, told, strict=True):
            if kind == "unknown":
                ends[case.opportunity] = _unknown(self._doubt(case))
            elif taken is None:
                ends[case.opportunity] = End(AutopsyCause.COSTS, head.number, event_ns_of(head))
            else:
                cause, taker = taker_of(case, taken)
                ends[case.opportunity] = End(cause, head.number, event_ns_of(head), taker)
        return ends

    def _doubt(self, case: Case) -> Case:
        """Return a case of which only what was known up to now is certain."""
        _, number, event_ns = self._tip or (b"", case.born_number, case.born_ns)
        return case if case.doubted is not None else structs.replace(case, doubted=(number, event_ns))

    def _lost(self, case: Case) -> Case:
        """Return a case of which a block was missed."""
        doubted = self._doubt(case)
        return structs.replace(doubted, end=_unknown(doubted))

    def _born(self, opportunity: bytes, hops: Hops, amount_in: int, head: Head) -> Case:
        gas_pool = self._search.gas_pool(self._pools, hops[0][1])
        case = Case(
            opportunity=opportunity,
            hops=hops,
            amount_in=amount_in,
            gas_pool=gas_pool,
            born_number=head.number,
            born_hash=head.hash,
            born_ns=event_ns_of(head),
            blocks=self._blocks,
            profits=(),
        )
        self._watch.watch(self._pools, self._search, _pools_of(case))
        self._watch.take_books(self._search, _pools_of(case))
        [worth] = self._watch.worth(head, [case.found])
        self._open[case.path] = opportunity
        return structs.replace(case, profits=(profits_of(worth),))

    # --- what is kept

    def _tell(self, case: Case, end: End, at: tuple[Head, int], sequence: int = 0) -> None:
        self._told.append(event_of(case, end, self._source, self._pools.chain_id, at, sequence))
        self.ended[end.cause.value] += 1
        if end.cause is not AutopsyCause.REORGED:
            self._recent.append(Lasted(end.number - case.born_number, end.is_death))

    def _put(self, opportunity: bytes, case: Case | None) -> None:
        key = self.prefix_of(self._source) + b"case/" + opportunity.hex().encode()
        if case is None:
            self._cases.pop(opportunity, None)
            self._state[key] = None
        else:
            self._cases[opportunity] = case
            self._state[key] = json.encode(case)

    def _note(self, block: tuple[bytes, int], before: Cases) -> None:
        """Keep what the cases were before the block; the first note of each counts."""
        if not before:
            return
        block_hash, number = block
        known = self._changes.get(block_hash)
        merged = {**before, **(known.before if known else {})}
        self._keep_change(block_hash, _Change(number, merged, {}))

    def _keep_change(self, block_hash: bytes, change: _Change) -> None:
        self._changes[block_hash] = change
        self._state[self._change_key(block_hash)] = _encode_change(change)

    def _change_key(self, block_hash: bytes) -> bytes:
        return self.prefix_of(self._source) + b"change/" + block_hash.hex().encode()

    def _move(self, tip: tuple[bytes, int, int]) -> None:
        if self._cases or self._changes:
            self._state[self.prefix_of(self._source) + b"tip/"] = json.encode(tip)
        self._tip = tip
        oldest = tip[1] - self._window_blocks
        old = [key for key, change in self._changes.items() if change.number <= oldest]
        for block_hash in old:
            del self._changes[block_hash]
            self._state[self._change_key(block_hash)] = None

    def _index(self, *, reread: bool = True) -> None:
        """Find the paths that still pay, and let the pools go that none needs."""
        self._open = {case.path: opportunity for opportunity, case in self._cases.items() if case.end is None}
        pools = sorted({pool for case in self._cases.values() for pool in _pools_of(case)})
        self._watch.keep(pools)
        if reread:
            self._watch.watch(self._pools, self._search, pools)


def _unknown(case: Case) -> End:
    """Return that nobody knows what became of a case that is in doubt."""
    number, event_ns = case.doubted or (case.born_number, case.born_ns)
    return End(AutopsyCause.UNKNOWN, number, event_ns)


def _pools_of(case: Case) -> list[bytes]:
    pools = [pool for pool, _, _ in case.hops]
    return pools if case.gas_pool is None else [*pools, case.gas_pool]


class _Kept(Struct, frozen=True, array_like=True):
    """A change as it is kept: JSON has no keys of bytes."""

    number: int
    before: list[tuple[bytes, Case | None]]
    after: list[tuple[bytes, Case | None]]


def _encode_change(change: _Change) -> bytes:
    return json.encode(_Kept(change.number, list(change.before.items()), list(change.after.items())))


def _decode_change(value: bytes) -> _Change:
    kept = json.decode(value, type=_Kept)
    return _Change(kept.number, dict(kept.before), dict(kept.after))
