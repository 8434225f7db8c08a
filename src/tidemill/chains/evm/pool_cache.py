"""Which pools' states are young enough to be told again: those asked for within a stated time, and no older.

Questions that come while others are being asked wait, and are then asked together in one go.
"""

import asyncio
from collections import OrderedDict

from msgspec import Struct
from msgspec.structs import replace

from tidemill._rust import PoolReading, dex_types
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.chains.evm.token_trials import TokenTrials, holders
from tidemill.core.clock import NS_PER_S, Clock
from tidemill.schema.faults import Fault, Gap, Refused

_KINDS = {name: frozenset(kinds) for name, kinds in dex_types()}


class CacheCounts(Struct):
    """How often what happened."""

    asked: int = 0
    """States asked for."""
    hits: int = 0
    """Of these, told from what was read before."""
    reads: int = 0
    """Readings of the node, of one or many pools each."""
    failed: int = 0
    """States that could not be told."""


class _Waiting(Struct, eq=False):
    wanted: PoolWanted
    answer: "asyncio.Future[PoolState]"


class PoolCache:
    """States of one chain's pools, none older than `duration_s` when it is told."""

    def __init__(
        self,
        query: PoolQuery,
        clock: Clock,
        duration_s: float,
        *,
        trials: TokenTrials | None = None,
        pools_max: int = 10_000,
    ) -> None:
        self.counts = CacheCounts()
        self._query = query
        self._trials = trials
        """What tries the tokens of a pool, when it is first read."""
        self._clock = clock
        self._duration_ns = int(duration_s * NS_PER_S)
        self._pools_max = pools_max
        self._known: OrderedDict[bytes, PoolState] = OrderedDict()
        self._stale: set[bytes] = set()
        """Pools that are known to have changed since they were read."""
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    async def get(self, address: bytes, dex_type: str | None = None) -> PoolState:
        """Return the state of a pool. Raises: Fault, of `PoolQuery.read`; nothing is told instead of it."""
        if dex_type is not None and dex_type not in _KINDS:
            raise Refused(f"dex_type: expected one of {', '.join(_KINDS)}, found {dex_type!r}")
        self.counts.asked += 1
        known = self._fresh(address)
        if known is not None and self._fits(known.reading, dex_type):
            self.counts.hits += 1
            return known
        waiting = _Waiting(PoolWanted(address, dex_type), asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._read_waiting(), name="pool cache")
        try:
            return await waiting.answer
        except Fault:
            self.counts.failed += 1
            raise

    @property
    def readings(self) -> list[PoolReading]:
        """What is kept of pools, fresh or not."""
        return [state.reading for state in self._known.values()]

    def forget(self, address: bytes, *, before_block: int) -> None:
        """Take note that a pool changed in a block: what was read before it is not told any more."""
        known = self._known.get(address)
        if known is not None and known.block_number < before_block:
            self._stale.add(address)

    async def close(self) -> None:
        """End what is being asked; who waits for it is told so."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._answer_all(self._waiting, Refused("pools: closed while the pool was being read"))
        self._waiting = []

    def _fresh(self, address: bytes) -> PoolState | None:
        known = self._known.get(address)
        if known is None or address in self._stale:
            return None
        age_ns = self._clock.now_ns() - known.asked_ns
        # a clock set back makes ages that nothing is known of
        return known if 0 <= age_ns < self._duration_ns else None

    @staticmethod
    def _fits(reading: PoolReading, dex_type: str | None) -> bool:
        return dex_type is None or reading.kind in _KINDS[dex_type]

    async def _read_waiting(self) -> None:
        while self._waiting:
            # those asked in the same turn of the loop go together
            await asyncio.sleep(0)
            batch, self._waiting = self._waiting, []
            try:
                await self._read(batch)
            except Fault as fault:
                self._answer_all(batch, fault)
            except BaseException as error:
                self._answer_all(batch, Refused(f"pools: the reading ended: {type(error).__name__}"))
                raise

    async def _read(self, batch: list[_Waiting]) -> None:
        wanted = {(one.wanted.address, one.wanted.dex_type): self._with_before(one.wanted) for one in batch}
        found = dict(zip(wanted, await self._ask(list(wanted.values())), strict=True))
        # what was known of a pool may be what does not fit any more: it is read from its beginning
        retried = [
            key for key, told in found.items() if isinstance(told, Fault) and wanted[key].before is not None
        ]
        if retried:
            anew = await self._ask([replace(wanted[key], before=None) for key in retried])
            found |= zip(retried, anew, strict=True)
        for (address, _), told in found.items():
            if isinstance(told, PoolState):
                self._keep(address, told)
        if self._trials is not None:
            await self._trials.learn(
                holders(state for state in found.values() if isinstance(state, PoolState))
            )
        for one in batch:
            told = found[one.wanted.address, one.wanted.dex_type]
            self._answer_all([one], told)

    async def _ask(self, wanted: list[PoolWanted]) -> list[PoolState | Fault]:
        self.counts.reads += 1
        try:
            return await self._query.read(wanted)
        except Gap:  # a reorg in the middle of a reading is rare, two in a row are a sick node
            self.counts.reads += 1
            return await self._query.read(wanted)

    def _with_before(self, wanted: PoolWanted) -> PoolWanted:
        known = self._known.get(wanted.address)
        if known is None or not self._fits(known.reading, wanted.dex_type):
            return wanted
        return replace(wanted, before=known.reading)

    def _keep(self, address: bytes, state: PoolState) -> None:
        self._known[address] = state
        self._stale.discard(address)
        self._known.move_to_end(address)
        while len(self._known) > self._pools_max:
            oldest, _ = self._known.popitem(last=False)
            self._stale.discard(oldest)

    @staticmethod
    def _answer_all(batch: list[_Waiting], told: PoolState | Fault) -> None:
        for one in batch:
            if one.answer.done():
                continue
            if isinstance(told, PoolState):
                one.answer.set_result(told)
            else:
                one.answer.set_exception(told)
