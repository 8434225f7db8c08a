"""What is the state of pools whose logs do not tell it: all that their contracts answer after one block.

Which calls to ask and what their answers mean is decided in Rust, round by round; here they are asked, and
kept with what came, for the exact pool is made of them again wherever it is needed.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from tidemill._rust import Head, PoolQueries, PoolReading, advance_queries, lasting_answers
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.multicall import Multicall, Question
from tidemill.chains.evm.steps import CallAnswer, PoolSnapshot
from tidemill.chains.evm.window import Window
from tidemill.schema.faults import Fault, Unknown

COIN_PROTOCOLS = frozenset({"curve_stable", "curve_crypto", "balancer_v2", "balancer_v3"})
"""Protocols whose pools are read anew after each block with a log of theirs."""

_RAMP_ENDS = bytes.fromhex("14052288")
"""future_A_time(), which says how long the amplification of a Curve pool moves."""
_E18_PER_PPM = 10**12
_UINT128_MAX = (1 << 128) - 1


class _Expected(Struct, frozen=True):
    """What a pool's last reading tells of the next one."""

    lasting: tuple[CallAnswer, ...]
    """What need not be asked again."""
    questions: tuple[Question, ...]
    """What most likely is all that is to be asked; none where that is to be found out again."""


_NOTHING_EXPECTED = _Expected((), ())


class _Asked(Struct, eq=False):
    """One pool on its way."""

    pool: bytes
    kind: str | None
    """Absent while it is found out."""
    queries: PoolQueries
    extra: tuple[Question, ...]
    """What is asked on top, once."""
    answers: list[CallAnswer]
    """What made the reading; at first what lasts of an earlier one."""
    is_expected: bool
    """Whether the first round asks what an earlier reading asked."""
    round_count: int = 0

    def questions(self) -> list[Question]:
        return [*self.extra, *(self.queries.call(index) for index in range(len(self.queries)))]

    def expected_next(self) -> _Expected:
        """Return what to expect of the next reading, where this one succeeded."""
        lasting = tuple(lasting_answers(self.answers))
        # Trials that had to be found out at the first try are to be found out at the next.
        if self.is_expected and self.round_count > 1:
            return _Expected(lasting, ())
        known = {(to, data) for to, data, _ in lasting}
        asked = ((to, data) for to, data, _ in self.answers if data != _RAMP_ENDS)
        return _Expected(lasting, tuple(question for question in asked if question not in known))

    def take(self, questions: Sequence[Question], found: Sequence[bytes | None]) -> None:
        """Take a round's answers; the queries are still to advance."""
        self.answers += [(to, data, answer) for (to, data), answer in zip(questions, found, strict=True)]
        self.queries.put_all(found[len(self.extra) :])
        self.extra = ()
        self.round_count += 1


def _asked(pool: bytes, kind: str | None, expected: _Expected = _NOTHING_EXPECTED) -> _Asked:
    """Return what is asked of a pool."""
    told = {pool: (expected.lasting, expected.questions)}
    queries = PoolQueries([(pool, kind)], is_exact=kind is not None, expected=told)
    extra = ((pool, _RAMP_ENDS),) if kind == "curve_stable" else ()
    return _Asked(pool, kind, queries, extra, list(expected.lasting), bool(expected.questions))


class _Job(Struct, eq=False):
    """Pools that are read together."""

    head: Head
    newest: int
    then: Callable[[list[PoolSnapshot]], None]
    done: list[PoolSnapshot]
    missed: dict[bytes, str]
    """Those that could not be read, and why."""


class CoinPools:
    """Reads Curve's and Balancer's pools; their kinds are found out once and kept."""

    def __init__(
        self, calls: Calls, window: Window, config: EvmConfig, known: Mapping[bytes, Factory]
    ) -> None:
        self._calls = calls
        self._window = window
        self._protocols: dict[bytes, str] = {}
        """Of pools that were not read yet, as who made them says."""
        self._expected: dict[bytes, _Expected] = {}
        self._known = known
        self._where = f"chain {config.source}"
        self._multicall = Multicall(calls, config)
        self._problems: dict[bytes, Fault] = {}
        self._doubted: set[bytes] = set()
        """Pools that were followed, and that the last reading could not tell."""

    def is_known(self, pool: bytes) -> bool:
        """Whether it was found to be such a pool."""
        return pool in self._window.coin_pools

    def expect(self, pool: bytes, protocol: str) -> None:
        """Take the protocol of a pool from who made it."""
        self._protocols[pool] = protocol

    def stop(self) -> None:
        """Forget what is on its way, and what was found."""
        self._multicall.stop()
        self._problems.clear()

    def tell_problems(self) -> None:
        """Report the pools that the last reading could not tell exactly, once it is known to count.

        One that was followed is reported where the reading before could not tell it either: a node that is
        making the next block may mix it into what it tells of the newest.
        """
        for pool, problem in self._problems.items():
            if pool in self._doubted or not self.is_known(pool):
                self._calls.step.faults.append(problem)
            else:
                self._doubted.add(pool)
        self._problems.clear()

    def read(
        self,
        head: Head,
        pools: Sequence[bytes],
        then: Callable[[list[PoolSnapshot]], None],
        newest: int | None = None,
    ) -> None:
        """Read `pools` as they are after `head`; `tell_problems` reports those that cannot be told exactly.

        Where the block `newest` is named too, a pool that cannot be read after `head` is told without a
        state, as that block describes it: what it is, and its coins, never change.
        """
        job = _Job(head, newest if newest is not None else head.number, then, [], {})
        kinds = self._window.coin_pools | self._protocols
        asked = [_asked(pool, kinds.get(pool), self._expected.get(pool, _NOTHING_EXPECTED)) for pool in pools]
        self._ask_round(job, head.number, asked)

    def _ask_round(self, job: _Job, block_number: int, asked: list[_Asked]) -> None:
        rounds: list[tuple[_Asked, list[Question]]] = []
        for one in asked:
            is_described = block_number != job.head.number
            going = one if len(one.queries) else self._ended(job, one, is_described=is_described)
            if going is not None:
                rounds.append((going, going.questions()))
        if not rounds:
            self._close(job, block_number)
            return

        def answered(found: list[bytes | None]) -> None:
            first = 0
            for one, questions in rounds:
                one.take(questions, found[first : first + len(questions)])
                first += len(questions)
            advance_queries([one.queries for one, _ in rounds])
            self._ask_round(job, block_number, [one for one, _ in rounds])

        self._multicall.ask([one for _, part in rounds for one in part], block_number, answered)

    def _close(self, job: _Job, block_number: int) -> None:
        if job.missed and block_number < job.newest:
            asked = [_asked(pool, None) for pool in job.missed]
            job.missed.clear()
            self._ask_round(job, job.newest, asked)
            return
        for pool, problem in job.missed.items():
            self._fault(pool, problem)
        job.then(job.done)

    def _ended(self, job: _Job, asked: _Asked, *, is_described: bool) -> _Asked | None:
        """Add what was read to what is done; return what is asked next where only the kind was found out."""
        (read,) = asked.queries.results()
        expected = self._expected.pop(asked.pool, None)
        if not isinstance(read, PoolReading):
            job.missed[asked.pool] = read.message.removeprefix(f"0x{asked.pool.hex()}: ")
        elif read.kind not in COIN_PROTOCOLS:
            job.missed[asked.pool] = f"expected a pool of a known factory, found one of kind {read.kind}"
        elif asked.kind is None and not is_described:
            return _asked(asked.pool, read.kind)
        elif problem := self._problem(read, is_described=is_described):
            job.missed[asked.pool] = problem
        else:
            self._window.set_coin_pool(asked.pool, read.kind)
            self._doubted.discard(asked.pool)
            if not is_described:
                if expected is None or not asked.is_expected or asked.round_count > 1:
                    expected = asked.expected_next()
                self._expected[asked.pool] = expected
            job.done.append(self._snapshot(job.head, asked, read, is_described=is_described))
        return None

    def _problem(self, read: PoolReading, *, is_described: bool) -> str | None:
        """Return what keeps a pool from being followed."""
        doubt = read.doubt or next((coin.decimals_fault for coin in read.coins if coin.decimals_fault), None)
        if doubt is not None and not is_described:
            return f"expected what an exact swap needs: {doubt}"
        if read.kind.startswith("balancer") and read.factory not in self._known:
            found = "none" if read.factory is None else f"0x{read.factory.hex()}"
            return f"expected a vault that the settings list under factories, found {found}"
        return None

    def _snapshot(self, head: Head, asked: _Asked, read: PoolReading, *, is_described: bool) -> PoolSnapshot:
        factory = self._known.get(read.factory or b"")
        reserves = [
            coin.reserve if coin.reserve <= _UINT128_MAX and not is_described else None for coin in read.coins
        ]
        fee_e18 = None if is_described else read.fee_e18
        return PoolSnapshot(
            address=asked.pool,
            protocol=read.kind,
            dex="curve" if factory is None else factory.dex,
            # the first pools of Curve were made by no factory: such a pool stands for itself
            factory=read.factory or asked.pool,
            token0=read.coins[0].address,
            token1=read.coins[1].address,
            fee_ppm=None if fee_e18 is None else (fee_e18 + _E18_PER_PPM // 2) // _E18_PER_PPM,
            block_number=head.number,
            block_hash=head.hash,
            block_timestamp_s=head.timestamp_s,
            recv_ns=self._calls.now_ns,
            reserve0=reserves[0],
            reserve1=reserves[1],
            coins=tuple(coin.address for coin in read.coins),
            answers=() if is_described else tuple(asked.answers),
            reading=None if is_described else read,
        )

    def _fault(self, pool: bytes, problem: str) -> None:
        self._problems[pool] = Unknown(f"{self._where}: pool 0x{pool.hex()}: {problem}")
