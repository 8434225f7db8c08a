"""What is each pool's state after one block: asked of the contracts in rounds of many calls each.

Pools from a list are asked first whose they are. Then all are asked their price or their reserves, those with
ticks the words of their bitmaps, and then the ticks whose bit is set. All are asked of the same block, whose
hash is compared afterwards.

A node may answer about its newest block from the state that the next one has left, until it announces that
one (anvil does): logs of the next block would then be counted twice. So an answer about a block that nothing
follows yet is believed only after a while without a successor; where one comes, the caller has the block read
once more, for what it left no longer changes.
"""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec import Struct

from tidemill._rust import Head, parse_head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.coin_pools import COIN_PROTOCOLS, CoinPools
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.discovery import Creation
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.kinds import TICKED_KINDS, Ticked, Unread, kind_of
from tidemill.chains.evm.multicall import Multicall, OnLost, Question, Views
from tidemill.chains.evm.steps import PoolSnapshot
from tidemill.chains.evm.window import Window
from tidemill.chains.evm.words import signed, word
from tidemill.schema.faults import Unknown

_TOKEN0 = bytes.fromhex("0dfe1681")
_TOKEN1 = bytes.fromhex("d21220a7")
_FACTORY = bytes.fromhex("c45a0155")
_FEE = bytes.fromhex("ddca3f43")
_TICK_SPACING = bytes.fromhex("d0c93a7c")
_STABLE = bytes.fromhex("22be3de1")

_LISTED = (_TOKEN0, _TOKEN1, _FACTORY, _FEE, _TICK_SPACING, _STABLE)
_MAX_TICK = 887_272
_NO_TICKS = bytes(32)
_SETTLED_MS = 500
"""A node that has the next block's state announces that block sooner."""


class Wanted(Struct, frozen=True):
    """A pool to read; what its factory said of it is absent for a pool from a list."""

    pool: bytes
    creation: Creation | None = None


class _Ticked(Struct, eq=False):
    """A pool whose ticks are being read."""

    about: Creation
    kind: Ticked
    snapshot: PoolSnapshot
    ticks: list[int]
    found: list[tuple[int, int, int]]


class Bootstrap:
    """Reads the state of many pools after one block."""

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        known: Mapping[bytes, Factory],
        done: Callable[[list[PoolSnapshot]], None],
        changed: Callable[[], None],
        lost: OnLost | None = None,
    ) -> None:
        """`done` takes what was read; `changed` is told where the block is another one by then, `lost` where
        its state is gone.
        """
        self._calls = calls
        self._known = known
        self._where = f"chain {config.source}"
        self._done = done
        self._changed = changed
        self._lost = lost
        self._multicall = Multicall(calls, config)
        self._coin_pools = CoinPools(calls, window, config, known, lost)
        self._head: Head | None = None
        self._snapshots: list[PoolSnapshot] = []
        self._of_coins: list[bytes] = []
        self._newest: int | None = None
        self._is_settled = False

    def start(
        self, head: Head, wanted: Sequence[Wanted], newest: int | None = None, *, is_settled: bool
    ) -> None:
        """Read the pools `wanted` as they are after `head`; `is_settled` says that what is told of it may be
        believed at once.

        Pools of Curve and Balancer that are not there yet are described by the block `newest`.
        """
        self.stop()
        self._head, self._newest, self._is_settled = head, newest, is_settled
        created: list[Creation] = []
        self._of_coins = []
        for creation in (pool.creation for pool in wanted if pool.creation is not None):
            if creation.factory.protocol in COIN_PROTOCOLS:
                self._coin_pools.expect(creation.pool, creation.factory.protocol)
                self._of_coins.append(creation.pool)
            else:
                created.append(creation)
        listed = [pool.pool for pool in wanted if pool.creation is None]
        self._of_coins += [pool for pool in listed if self._coin_pools.is_known(pool)]
        listed = [pool for pool in listed if not self._coin_pools.is_known(pool)]
        if not listed and not created:
            self._read_coins([])
            return
        if not listed:
            self._ask_states(created)
            return
        asked = [(pool, selector) for pool in listed for selector in _LISTED]
        self._ask(list(asked), lambda found: self._on_described(created, asked, found))

    def stop(self) -> None:
        """Forget what is on its way."""
        self._calls.drop(self)
        self._multicall.stop()
        self._coin_pools.stop()

    def _on_described(
        self, created: list[Creation], asked: list[tuple[bytes, bytes]], found: list[bytes | None]
    ) -> None:
        answers: dict[bytes, dict[bytes, bytes]] = {}
        for (pool, selector), answer in zip(asked, found, strict=True):
            words = answers.setdefault(pool, {})
            if answer:
                words[selector] = answer
        for pool, words in answers.items():
            about = self._described(pool, words)
            if about is None and _TOKEN0 not in words:
                self._of_coins.append(pool)
            elif about is None:
                self._fault(pool, f"expected a pool of a known factory, found {self._found(words)}")
            else:
                created.append(about)
        self._ask_states(created)

    def _described(self, pool: bytes, words: Mapping[bytes, bytes]) -> Creation | None:
        """Return what a listed pool says of itself where its factory is a known one."""
        if any(len(words.get(selector, b"")) != 32 for selector in (_TOKEN0, _TOKEN1, _FACTORY)):
            return None
        factory = self._known.get(words[_FACTORY][12:])
        if factory is None:
            return None
        token0, token1 = words[_TOKEN0][12:], words[_TOKEN1][12:]
        if factory.protocol == "solidly" and len(words.get(_STABLE, b"")) == 32:
            return Creation(pool, factory, token0, token1, is_stable=bool(word(words[_STABLE], 0)))
        if factory.protocol in ("uniswap_v2", "algebra"):
            return Creation(pool, factory, token0, token1)
        if factory.protocol != "uniswap_v3" or any(
            len(words.get(selector, b"")) != 32 for selector in (_FEE, _TICK_SPACING)
        ):
            return None
        return Creation(pool, factory, token0, token1, word(words[_FEE], 0), signed(words[_TICK_SPACING], 0))

    @staticmethod
    def _found(words: Mapping[bytes, bytes]) -> str:
        factory = words.get(_FACTORY)
        return "no factory" if factory is None else f"the factory 0x{factory[12:].hex()}"

    def _ask_states(self, created: list[Creation]) -> None:
        asked = [
            (about, name, question)
            for about in created
            for name, question in kind_of(about.factory.protocol).questions(about).items()
        ]
        self._ask([question for *_, question in asked], lambda found: self._on_states(asked, found))

    def _on_states(self, asked: list[tuple[Creation, str, Question]], found: list[bytes | None]) -> None:
        answers: dict[bytes, dict[str, bytes]] = {}
        created: dict[bytes, Creation] = {}
        for (about, name, _), answer in zip(asked, found, strict=True):
            created[about.pool] = about
            of_pool = answers.setdefault(about.pool, {})
            if answer:
                of_pool[name] = answer
        self._snapshots = []
        ticked: list[_Ticked] = []
        for pool, about in created.items():
            snapshot = self._snapshot(about, answers[pool])
            if snapshot is None:
                continue
            self._snapshots.append(snapshot)
            kind = TICKED_KINDS.get(about.factory.protocol)
            if kind is not None:
                ticked.append(_Ticked(about, kind, snapshot, [], []))
        self._ask_bitmaps(ticked)

    def _snapshot(self, about: Creation, answers: Mapping[str, bytes]) -> PoolSnapshot | None:
        assert self._head is not None
        factory = about.factory
        try:
            state = kind_of(factory.protocol).state(about, answers)
        except Unread as unread:
            self._fault(about.pool, f"expected {unread}")
            return None
        return PoolSnapshot(
            address=about.pool,
            protocol=factory.protocol,
            dex=factory.dex,
            factory=factory.address,
            token0=about.token0,
            token1=about.token1,
            block_number=self._head.number,
            block_hash=self._head.hash,
            block_timestamp_s=self._head.timestamp_s,
            recv_ns=self._calls.now_ns,
            **state,
        )

    def _ask_bitmaps(self, ticked: list[_Ticked]) -> None:
        asked = [(pool, index) for pool in ticked for index in _bitmap_words(pool.kind.spacing(pool.about))]
        questions = [pool.kind.bitmap(pool.about, index) for pool, index in asked]
        self._ask(questions, lambda found: self._on_bitmaps(ticked, asked, found))

    def _on_bitmaps(
        self, ticked: list[_Ticked], asked: list[tuple[_Ticked, int]], found: list[bytes | None]
    ) -> None:
        for (pool, index), answer in zip(asked, found, strict=True):
            if answer == _NO_TICKS:  # as nearly all are
                continue
            if answer is None or len(answer) != 32:
                self._leave_out(ticked, pool, f"expected word {index} of its tick bitmap, found none")
                continue
            bits = word(answer, 0)
            while bits:
                lowest = bits & -bits
                place = (index << 8) + lowest.bit_length() - 1
                pool.ticks.append(place * pool.kind.spacing(pool.about))
                bits ^= lowest
        of_ticks = [(pool, tick) for pool in ticked for tick in pool.ticks]
        questions = [pool.kind.tick(pool.about, tick) for pool, tick in of_ticks]
        self._ask(questions, lambda answers: self._on_ticks(ticked, of_ticks, answers))

    def _on_ticks(
        self, ticked: list[_Ticked], asked: list[tuple[_Ticked, int]], found: list[bytes | None]
    ) -> None:
        for (pool, tick), answer in zip(asked, found, strict=True):
            try:
                gross, net = pool.kind.liquidity(answer or b"")
            except Unread as unread:
                self._leave_out(ticked, pool, f"ticks({tick}): expected {unread}")
                continue
            pool.found.append((tick, gross, net))
        complete = {pool.snapshot.address: pool for pool in ticked}
        done: list[PoolSnapshot] = []
        for snapshot in self._snapshots:
            pool = complete.get(snapshot.address)
            if pool is not None:
                done.append(_with_ticks(snapshot, tuple(pool.found)))
            elif snapshot.protocol not in TICKED_KINDS:
                done.append(snapshot)
        self._read_coins(done)

    def _read_coins(self, done: list[PoolSnapshot]) -> None:
        if not self._of_coins:
            self._check(done)
            return
        assert self._head is not None
        self._coin_pools.read(
            self._head, self._of_coins, lambda read: self._check([*done, *read]), self._newest
        )

    def _check(self, read: list[PoolSnapshot]) -> None:
        assert self._head is not None
        self._calls.ask_bulk(
            "eth_getBlockByNumber",
            [hex(self._head.number), False],
            lambda result: self._on_checked(read, result),
            owner=self,
        )

    def _on_checked(self, read: list[PoolSnapshot], result: bytes) -> None:
        """Hand over what was read where its block is still the same; of a newest block, after a while.

        Like a block's events, states are told as received with the answer that completes them: this one.
        """
        assert self._head is not None
        found = parse_head(result)
        if found is None or found.hash != self._head.hash:
            self._changed()
            return
        now_ns = self._calls.now_ns
        read = [msgspec.structs.replace(one, recv_ns=now_ns) for one in read]
        if self._is_settled or not read:
            self._hand_over(read)
        else:
            self._calls.wait(_SETTLED_MS, lambda: self._hand_over(read), owner=self)

    def _hand_over(self, read: list[PoolSnapshot]) -> None:
        self._coin_pools.tell_problems()
        self._done(read)

    def _ask(self, questions: list[Question], then: Callable[[list[bytes | None]], None]) -> None:
        assert self._head is not None
        views = Views(questions)
        self._multicall.ask(views, self._head.number, lambda: then(views.answers), lost=self._lost)

    def _leave_out(self, ticked: list[_Ticked], pool: _Ticked, problem: str) -> None:
        """Drop a pool whose ticks are not all known: its quotes would be wrong."""
        if pool in ticked:
            ticked.remove(pool)
            self._fault(pool.snapshot.address, problem)

    def _fault(self, pool: bytes, problem: str) -> None:
        self._calls.step.faults.append(Unknown(f"{self._where}: pool 0x{pool.hex()}: {problem}"))


def _with_ticks(snapshot: PoolSnapshot, ticks: tuple[tuple[int, int, int], ...]) -> PoolSnapshot:
    return msgspec.structs.replace(snapshot, ticks=ticks)


def _bitmap_words(tick_spacing: int) -> range:
    """Return the bitmap's words that can hold a tick; division rounds down, as the contract's does."""
    return range((-_MAX_TICK // tick_spacing) >> 8, ((_MAX_TICK // tick_spacing) >> 8) + 1)
