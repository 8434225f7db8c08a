"""How a chain begins: the right chain, the block to start after, its pools, and their state at it."""

from collections.abc import Callable, Mapping

from tidemill._rust import Head, parse_head
from tidemill.chains.evm.absent import Absent
from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.chains.evm.bootstrap import Bootstrap, Wanted
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.discovery import Creation, Discovery
from tidemill.chains.evm.forks import Factory, known_factories
from tidemill.chains.evm.multicall import STATE_BLOCKS_MIN
from tidemill.chains.evm.sealing import Sealing
from tidemill.chains.evm.steps import Began, PoolSnapshot
from tidemill.chains.evm.tokens import Tokens
from tidemill.chains.evm.v4_pools import listed_pools
from tidemill.chains.evm.window import Window
from tidemill.schema.faults import Gap, Malformed, Unknown

_NULLS_MAX = 8
"""So many times a node may lack the newest block that was told; then that is not believed."""


class Opening:
    """Finds the first tip, and the state of every pool at it."""

    def __init__(
        self,
        calls: Calls,
        window: Window,
        config: EvmConfig,
        factories: Mapping[bytes, Factory],
        tokens: Tokens,
        sealing: Sealing,
        ready: Callable[[], None],
    ) -> None:
        self._calls = calls
        self._window = window
        self._config = config
        self._factories = factories
        self._tokens = tokens
        self._sealing = sealing
        self._ready = ready
        self._where = f"chain {config.source}"
        self._begun = False
        self._base_number = -1
        self._base: Head | None = None
        self._newest = -1
        self._absent = Absent(calls, _NULLS_MAX)
        self._discovered_to = -1
        """Up to this block the creations of pools need not be looked for again."""
        self._wanted: list[Wanted] | None = None
        """The pools that are read; None before they are known."""
        self._is_past = False
        """Whether a block after the first tip is known."""
        self._listed = listed_pools(config)
        self._discovery = Discovery(calls, config, factories, self._on_discovered)
        managers = {manager.address: manager for manager in self._listed.managers}
        self._created: list[Creation] = []
        self._by_id = Discovery(calls, config, managers, self._on_found, self._listed.ids)
        known = known_factories(config)
        self._bootstrap = Bootstrap(
            calls, window, config, known, self._on_snapshots, self._on_changed, self._on_lost
        )

    def ask_newest(self) -> None:
        """Ask for the newest head."""
        self._calls.drop(self._calls.newest)
        self._calls.ask("eth_getBlockByNumber", ["latest", False], self._on_newest, owner=self._calls.newest)

    def _on_newest(self, result: bytes) -> None:
        head = parse_head(result)
        if head is None:
            raise Malformed(f"{self._where}: expected the newest block, found none")
        self.on_head(head)

    def on_head(self, head: Head) -> None:
        """Begin when the chain has reached the block to start after; then take that it went on."""
        self._newest = max(self._newest, head.number)
        if self._begun:
            self._on_later(head)
            return
        start = self._config.start_block
        base_number = head.number if isinstance(start, str) else start - 1
        if base_number < 0:
            self._begun = True
            self._ready()
        elif base_number <= head.number:
            self._begun = True
            self._base_number, self._is_past = base_number, base_number < head.number
            self._ask_base()

    def begin_anew(self) -> None:
        """Begin after the block that took the first tip's place; what was sealed after that is reverted."""
        number = self._window.tip_number
        discovered_to = -1 if self._base is None else number - self._config.window_blocks
        self._begun, self._wanted, self._is_past = True, None, False
        self._base_number, self._newest = number, max(self._newest, number)
        self._discovered_to = max(discovered_to, -1)
        fault = Gap(f"{self._where}: block {number}, after which the chain begins, left it: it begins anew")
        self._calls.retry(fault, self._ask_base, owner=self)

    def _on_later(self, head: Head) -> None:
        """Have what was asked of a newest block read again once another follows it."""
        if self._is_past or head.number <= self._base_number:
            return
        self._is_past = True
        if self._wanted is not None:
            self._read_pools()

    def _ask_base(self) -> None:
        self._calls.ask_bulk(
            "eth_getBlockByNumber", [hex(self._base_number), False], self._on_base, owner=self
        )

    def _on_base(self, result: bytes) -> None:
        number, head = self._base_number, parse_head(result)
        if head is None or head.number != number:
            if self._absent.found_none(number):
                self._begin_at_newest()
                return
            raise Gap(f"{self._where}: expected block {number}, the node has none yet")
        self._absent.clear()
        if self._window.is_canonical(number, head.hash):
            self._ready()  # it is back, and was read
            return
        self._base = head
        if any(factory.from_block <= number for factory in self._factories.values()):
            self._discovery.start(number, self._discovered_to)
        else:
            self._on_discovered([])

    def _on_discovered(self, created: list[Creation]) -> None:
        assert self._base is not None
        self._created = created
        if self._listed.ids:
            self._by_id.start(self._base.number, self._discovered_to)
        else:
            self._on_found([])

    def _on_found(self, found: list[Creation]) -> None:
        """Read the pools of the factories, and those that are listed."""
        assert self._base is not None
        ids = {creation.key.pool_id for creation in found if creation.key is not None}
        self._calls.step.faults += [
            Unknown(
                f"{self._where}: pools: expected the log that made pool 0x{pool_id.hex()} up to block"
                f" {self._base.number}, found none"
            )
            for pool_id in self._listed.ids
            if pool_id not in ids
        ]
        creations = (*self._created, *self._listed.creations, *found)
        wanted = {creation.pool: Wanted(creation.pool, creation) for creation in creations}
        for listed in self._config.pools:
            if isinstance(listed, str):
                pool = bytes.fromhex(listed[2:])
                wanted.setdefault(pool, Wanted(pool))
        self._wanted = list(wanted.values())
        self._read_pools()

    def _read_pools(self) -> None:
        assert self._base is not None
        assert self._wanted is not None
        self._bootstrap.start(self._base, self._wanted, self._newest, is_settled=self._is_past)

    def _on_changed(self) -> None:
        """Begin again at the block that took the first tip's place, which may be the newest."""
        number = self._base_number
        self._calls.step.faults.append(
            Gap(f"{self._where}: block {number} changed while its state was read: it is read again")
        )
        self._wanted, self._is_past, self._discovered_to = None, False, -1
        self._ask_base()

    def _on_lost(self, error: RpcError) -> bool:
        """Where a chain that begins at the newest block went on for so long that its state is gone, begin at
        a newer one.
        """
        number = self._base_number
        is_latest = isinstance(self._config.start_block, str)
        if not is_latest or self._newest - number <= STATE_BLOCKS_MIN:
            return False
        self._calls.step.faults.append(fault_of(error, f"{self._where}: pools as of block {number}"))
        self._discovered_to = max(number - self._config.window_blocks, -1)
        self._begin_at_newest()
        return True

    def _begin_at_newest(self) -> None:
        """Begin where the node says that the chain is now."""
        self._bootstrap.stop()
        self._absent.clear()
        self._wanted, self._begun, self._newest = None, False, -1
        self.ask_newest()

    def _on_snapshots(self, snapshots: list[PoolSnapshot]) -> None:
        head = self._base
        assert head is not None
        self._calls.step.blocks.append(Began(tuple(snapshots)))
        read = [pool for pool in snapshots if pool.reading is not None or not pool.coins]
        self._tokens.want(token for pool in read for token in pool.coins or (pool.token0, pool.token1))
        before = self._window.find(self._window.tip_hash)
        if before is not None:
            self._sealing.leave(before)
        self._window.anchor(head)
        self._tokens.ask(head.number, head.timestamp_s)
        # those of pools that are not there yet may be as young: they are asked later, as of the newest block
        self._tokens.want(coin for pool in snapshots for coin in pool.coins)
        self._ready()
