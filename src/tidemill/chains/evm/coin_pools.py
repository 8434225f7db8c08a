"""What is the state of pools whose logs do not tell it: all that their contracts answer after one block.

Which calls to ask and what their answers mean is decided in Rust, round by round; here they are asked.
"""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from tidemill._rust import CoinQueries, CoinReading, Head
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.multicall import Multicall, OnLost
from tidemill.chains.evm.steps import PoolSnapshot
from tidemill.chains.evm.window import Window
from tidemill.schema.faults import Fault, Unknown

COIN_PROTOCOLS = frozenset({"curve_stable", "curve_crypto", "balancer_v2", "balancer_v3"})
"""Protocols whose pools are read anew after each block with a log of theirs."""


class _Job(Struct, eq=False):
    """Pools that are read together."""

    head: Head
    newest: int
    pools: Sequence[bytes]
    then: Callable[[list[PoolSnapshot]], None]
    done: list[PoolSnapshot]


class CoinPools:
    """Reads Curve's and Balancer's pools; their kinds are found out once and kept."""

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        known: Mapping[bytes, Factory],
        lost: OnLost | None,
    ) -> None:
        self._calls = calls
        self._lost = lost
        self._window = window
        self._protocols: dict[bytes, str] = {}
        """Of pools that were not read yet, as who made them says."""
        self._before: dict[bytes, CoinReading] = {}
        """Of pools that were read, what tells most likely all that is to be asked."""
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
        job = _Job(head, newest if newest is not None else head.number, pools, then, [])
        kinds = self._window.coin_pools | self._protocols
        asked = [(pool, kinds.get(pool), self._before.get(pool)) for pool in pools]
        self._ask_round(job, head.number, CoinQueries(asked, head.timestamp_s))

    def _ask_round(self, job: _Job, block_number: int, queries: CoinQueries) -> None:
        if not len(queries):
            self._close(job, block_number, queries)
            return

        def answered() -> None:
            queries.advance()
            self._ask_round(job, block_number, queries)

        self._multicall.ask(queries, block_number, answered, lost=self._lost)

    def _close(self, job: _Job, block_number: int, queries: CoinQueries) -> None:
        """Take what was read; what could not be is described by the newest block, where that is another."""
        is_described = block_number != job.head.number
        missed: dict[bytes, str] = {}
        for pool, read in zip(job.pools, queries.results(), strict=True):
            self._before.pop(pool, None)
            if not isinstance(read, CoinReading):
                missed[pool] = read.message.removeprefix(f"0x{pool.hex()}: ")
            elif problem := self._problem(read, is_described=is_described):
                missed[pool] = problem
            else:
                self._window.set_coin_pool(pool, read.kind)
                self._doubted.discard(pool)
                if not is_described:
                    self._before[pool] = read
                job.done.append(self._snapshot(job.head, pool, read, is_described=is_described))
        if missed and block_number < job.newest:
            job.pools = tuple(missed)
            unknown = [(pool, None, None) for pool in missed]
            again = CoinQueries(unknown, job.head.timestamp_s, is_described=True)
            self._ask_round(job, job.newest, again)
            return
        for pool, problem in missed.items():
            self._fault(pool, problem)
        job.then(job.done)

    def _problem(self, read: CoinReading, *, is_described: bool) -> str | None:
        """Return what keeps a pool from being followed."""
        if read.kind not in COIN_PROTOCOLS:
            return f"expected a pool of a known factory, found one of kind {read.kind}"
        if read.doubt is not None and not is_described:
            return f"expected what an exact swap needs: {read.doubt}"
        if read.kind.startswith("balancer") and read.factory not in self._known:
            found = "none" if read.factory is None else f"0x{read.factory.hex()}"
            return f"expected a vault that the settings list under factories, found {found}"
        return None

    def _snapshot(self, head: Head, pool: bytes, read: CoinReading, *, is_described: bool) -> PoolSnapshot:
        factory = self._known.get(read.factory or b"")
        coins = read.coins
        return PoolSnapshot(
            address=pool,
            protocol=read.kind,
            dex="curve" if factory is None else factory.dex,
            # the first pools of Curve were made by no factory: such a pool stands for itself
            factory=read.factory or pool,
            token0=coins[0],
            token1=coins[1],
            fee_ppm=read.fee_ppm,
            block_number=head.number,
            block_hash=head.hash,
            block_timestamp_s=head.timestamp_s,
            recv_ns=self._calls.now_ns,
            coins=coins,
            reading=None if is_described else read,
        )

    def _fault(self, pool: bytes, problem: str) -> None:
        self._problems[pool] = Unknown(f"{self._where}: pool 0x{pool.hex()}: {problem}")
