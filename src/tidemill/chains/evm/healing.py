"""How does a pool that contradicts its logs become right again: it is read anew, as it is after the tip.

While it is read no block is sealed, so that what was read fits the tip; blocks that come meanwhile wait with
their logs, and `heal_timeout_ms` bounds the wait.

A reading of the newest block that a next one overtakes is begun again (see bootstrap.py). Pools of Curve and
Balancer do without: their next log has them read again, and counts for nothing else.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from tidemill._rust import Head, keccak256
from tidemill.chains.evm.bootstrap import Bootstrap, Wanted
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.discovery import Creation
from tidemill.chains.evm.forks import known_factories
from tidemill.chains.evm.reports import Reports
from tidemill.chains.evm.steps import PoolSnapshot, Reread
from tidemill.chains.evm.v4_pools import KEY_BYTES, NAME_BYTES, creation_of
from tidemill.chains.evm.window import Window
from tidemill.core.clock import NS_PER_MS, NS_PER_S
from tidemill.schema.faults import Gap, Unreachable

_HOUR_NS = 3_600 * NS_PER_S
_GIVEN_WAY_MAX = 4
"""So often in a row a reading of coins' pools is put off for a block; then blocks wait for it."""
_DOUBLINGS_MAX = 6
"""A node that cannot tell the state is asked again after `retry_max_ms`; the wait doubles so many times."""


class _Reading(Struct, eq=False):
    """Pools on their way."""

    head: Head
    pools: tuple[bytes, ...]
    since_ns: int
    is_past: bool
    """Whether a block that follows `head` was announced before it was asked about."""


class Healing:
    """Reads drifted pools anew, a few times an hour each, and those of Curve and Balancer after each of their
    blocks.
    """

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        reports: Reports,
        released: Callable[[Sequence[PoolSnapshot]], None],
    ) -> None:
        """`released` takes what was read, once blocks may be sealed again."""
        self._calls = calls
        self._window = window
        self._config = config
        self._reports = reports
        self._released = released
        self._where = f"chain {config.source}"
        self._known = known_factories(config)
        self._bootstrap = Bootstrap(calls, window, config, self._known, self._accept, self._on_changed)
        self._reading: _Reading | None = None
        self._waiting: dict[bytes, int] = {}
        self._creations: dict[bytes, Creation] = {}
        """Of V4 pools, which no contract of their own describes."""
        self._read_ns: dict[bytes, list[int]] = {}
        self._failure_count = 0
        self._given_way_count = 0

    @property
    def is_holding(self) -> bool:
        """Whether the tip must not move forward."""
        return self._reading is not None

    def gives_way(self) -> bool:
        """Put off what is read, for the block after the tip has its logs; say whether it could be put off.

        A node that is busy takes longer to tell the state of Curve's and Balancer's pools than the next block
        takes to come. The logs of these pools are told without it.
        """
        reading = self._reading
        assert reading is not None
        if self._given_way_count >= _GIVEN_WAY_MAX or not self._is_of_coins(reading):
            return False
        self._given_way_count += 1
        self._forget_reading()
        self._waiting.update(dict.fromkeys(reading.pools, self._calls.now_ns))
        return True

    def want(self, names: Iterable[bytes]) -> None:
        """Take pools that contradict their logs, by their addresses, V4 pools by manager and key."""
        for name in names:
            pool = self._pool(name)
            is_read = self._reading is not None and pool in self._reading.pools
            if pool in self._window.coin_pools and not is_read:
                # its logs never tell its state: nothing is missing
                self._waiting[pool] = self._calls.now_ns
            if is_read or pool in self._waiting:
                continue
            number = max(self._window.tip_number, 0)
            self._reports.missing(number, number, f"pool 0x{pool.hex()}: its ticks are not known")
            self._wait(pool, self._calls.now_ns)

    def _pool(self, name: bytes) -> bytes:
        if len(name) != NAME_BYTES:
            return name
        manager = self._known.get(name[:-KEY_BYTES])
        if manager is None:
            return keccak256(name[-KEY_BYTES:])[:20]
        creation = creation_of(manager, name[-KEY_BYTES:])
        self._creations[creation.pool] = creation
        return creation.pool

    def start_due(self, *, is_past: bool) -> None:
        """Read the pools whose time has come; `is_past` says that a block after the tip is announced."""
        now_ns = self._calls.now_ns
        pools = tuple(pool for pool, due_ns in self._waiting.items() if due_ns <= now_ns)
        if not pools or self._reading is not None or not self._calls.links.is_any_open:
            return
        head = self._window.find(self._window.tip_hash)
        if head is None:
            return
        for pool in pools:
            del self._waiting[pool]
        self._reading = _Reading(head, pools, now_ns, is_past)
        self._read()

    def on_announced(self) -> None:
        """Take that a block after the tip is announced: what was asked before that is read again."""
        reading = self._reading
        if reading is None:
            return
        if self._is_settled(reading) and reading.head.hash == self._window.tip_hash:
            return
        head = self._window.find(self._window.tip_hash)
        if head is None:
            self._give_up(reading)
            return
        reading.head, reading.is_past = head, True
        self._read()

    def put_off(self) -> None:
        """Read what is read later: the tip has left the chain."""
        if self._reading is not None:
            self._give_up(self._reading)

    def tick(self) -> None:
        """Let blocks be sealed again where the node has not told the state in time."""
        reading = self._reading
        timeout_ms = self._config.heal_timeout_ms
        if reading is None or self._calls.now_ns - reading.since_ns <= timeout_ms * NS_PER_MS:
            return
        self._calls.step.faults.append(
            Unreachable(
                f"{self._where}: expected the state of {_names(reading.pools)} after block"
                f" {reading.head.number} within {timeout_ms} ms, found none: read again later"
            )
        )
        self._give_up(reading)
        self._released(())

    def _read(self) -> None:
        reading = self._reading
        assert reading is not None
        self._calls.drop(self)
        wanted = [Wanted(pool, self._creations.get(pool)) for pool in reading.pools]
        self._bootstrap.start(reading.head, wanted, is_settled=self._is_settled(reading))

    def _on_changed(self) -> None:
        assert self._reading is not None
        fault = Gap(
            f"{self._where}: block {self._reading.head.number} changed while pools were read: they are read"
            " again"
        )
        self._calls.retry(fault, self._read, owner=self)

    def _accept(self, snapshots: list[PoolSnapshot]) -> None:
        reading = self._reading
        assert reading is not None
        self._reading = None
        self._failure_count = self._given_way_count = 0
        if snapshots:
            reread = Reread(tuple(snapshots), self._window.next_sequence())
            self._calls.step.blocks.append(reread)
        self._tell(reading, {snapshot.address for snapshot in snapshots})
        self._released(snapshots)

    def _is_settled(self, reading: _Reading) -> bool:
        """Say whether what is told of the block may be believed at once."""
        return reading.is_past or self._is_of_coins(reading)

    def _is_of_coins(self, reading: _Reading) -> bool:
        return self._window.coin_pools.keys() >= {*reading.pools}

    def _tell(self, reading: _Reading, read: set[bytes]) -> None:
        head, now_ns = reading.head, self._calls.now_ns
        for pool in reading.pools:
            if pool in self._window.coin_pools:
                if pool not in read:  # a fault said why
                    self._waiting[pool] = now_ns + self._config.retry_max_ms * NS_PER_MS
                continue
            self._read_ns.setdefault(pool, []).append(now_ns)
            if pool in read:
                self._reports.reread(head, f"pool 0x{pool.hex()}: read anew after block {head.number}")
            else:
                self._wait(pool, now_ns + self._config.retry_max_ms * NS_PER_MS)

    def _forget_reading(self) -> None:
        self._bootstrap.stop()
        self._calls.drop(self)
        self._reading = None

    def _give_up(self, reading: _Reading) -> None:
        self._forget_reading()
        wait_ms = self._config.retry_max_ms << min(self._failure_count, _DOUBLINGS_MAX)
        self._failure_count += 1
        for pool in reading.pools:
            self._wait(pool, self._calls.now_ns + wait_ms * NS_PER_MS)

    def _wait(self, pool: bytes, due_ns: int) -> None:
        """Have a pool read at `due_ns`, or later where it was read too often within the hour."""
        now_ns, most = self._calls.now_ns, self._config.heals_per_hour_max
        recent = [read_ns for read_ns in self._read_ns.get(pool, ()) if now_ns - read_ns < _HOUR_NS]
        self._read_ns[pool] = recent
        if len(recent) >= most:
            due_ns = max(due_ns, recent[-most] + _HOUR_NS)
            self._calls.step.faults.append(
                Gap(
                    f"{self._where}: pool 0x{pool.hex()}: expected at most {most} readings anew within an"
                    f" hour, and its state is not known again: it quotes nothing for"
                    f" {(due_ns - now_ns) // NS_PER_S} s, then it is read again"
                )
            )
        self._waiting[pool] = due_ns


def _names(pools: tuple[bytes, ...]) -> str:
    named = f"pool 0x{pools[0].hex()}"
    return named if len(pools) == 1 else f"{named} and {len(pools) - 1} more"
