"""Which pools are there: those that a tracked factory says it created."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from tidemill._rust import Logs
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.ranges import RangeReader, RangeSize
from tidemill.chains.evm.topics import (
    ALGEBRA_CUSTOM_POOL,
    ALGEBRA_POOL,
    CREATION_TOPICS,
    PAIR_CREATED,
    POOL_CREATED,
    SOLIDLY_PAIR_CREATED,
    TOKENS_REGISTERED,
    V4_INITIALIZE,
    VELODROME_POOL_CREATED,
    log_filter,
)
from tidemill.schema.faults import Malformed

_TICK_SPACING_MAX = 1 << 23
DYNAMIC_FEE = 0x800000
"""A V4 pool's fee where its hook sets it."""


class V4Key(Struct, frozen=True):
    """What a V4 pool's id is the hash of, beside its currencies, fee and spacing."""

    pool_id: bytes
    hooks: bytes
    is_fee_dynamic: bool


class Creation(Struct, frozen=True):
    """What a factory said of a new pool."""

    pool: bytes
    factory: Factory
    token0: bytes
    token1: bytes
    fee_ppm: int | None = None
    """Of V3 and V4 pools."""
    tick_spacing: int | None = None
    is_stable: bool | None = None
    """Of Solidly pools."""
    key: V4Key | None = None


def creations(logs: Logs, factories: Mapping[bytes, Factory]) -> list[Creation]:
    """Return the pools that `factories` created in `logs`, in order. Raises: Malformed."""
    if not factories:
        return []
    said = logs.matching(set(_SHAPES), set(factories))  # of some the swaps of all pools are logs too
    if not len(said):
        return []  # as of nearly every block
    found = [
        _creation(row["topics"], row["data"], factories[row["address"]])
        for row in said.to_arrow().to_pylist()
    ]
    return list({creation.pool: creation for creation in found if creation is not None}.values())


_SHAPES = {
    PAIR_CREATED: (3, 64),
    POOL_CREATED: (4, 64),
    SOLIDLY_PAIR_CREATED: (3, 96),
    VELODROME_POOL_CREATED: (4, 64),
    ALGEBRA_POOL: (3, 32),
    ALGEBRA_CUSTOM_POOL: (4, 32),
    V4_INITIALIZE: (4, 160),
    TOKENS_REGISTERED: (2, None),
}
"""Of each event that creates a pool: how many topics and bytes it has; None where that differs."""


def _creation(topics: list[bytes], data: bytes, factory: Factory) -> Creation | None:
    expected_topics, expected_bytes = _SHAPES[topics[0]]
    if len(topics) != expected_topics or expected_bytes not in (None, len(data)):
        raise Malformed(
            f"factory 0x{factory.address.hex()}: expected {expected_topics} topics and"
            f" {expected_bytes} bytes, found {len(topics)} topics and {len(data)} bytes"
        )
    if topics[0] == TOKENS_REGISTERED:
        return _balancer_v2(topics[1], data, factory)
    tokens = topics[1][12:], topics[2][12:]
    if topics[0] == PAIR_CREATED:
        return Creation(data[12:32], factory, *tokens)
    if topics[0] == POOL_CREATED:
        spacing, fee_ppm = _spacing(data[:32], factory), int.from_bytes(topics[3], "big")
        return Creation(data[44:64], factory, *tokens, fee_ppm, spacing)
    if topics[0] == SOLIDLY_PAIR_CREATED:
        return Creation(data[44:64], factory, *tokens, is_stable=bool(data[31]))
    if topics[0] == VELODROME_POOL_CREATED:
        return Creation(data[12:32], factory, *tokens, is_stable=bool(topics[3][31]))
    if topics[0] == ALGEBRA_POOL:
        return Creation(data[12:32], factory, *tokens)
    if topics[0] == ALGEBRA_CUSTOM_POOL:
        return Creation(data[12:32], factory, topics[2][12:], topics[3][12:])
    return _v4(topics, data, factory)


def _v4(topics: list[bytes], data: bytes, factory: Factory) -> Creation:
    pool_id, fee_ppm = topics[1], int.from_bytes(data[:32], "big")
    key = V4Key(pool_id, data[76:96], fee_ppm == DYNAMIC_FEE)
    tokens = topics[2][12:], topics[3][12:]
    spacing = _spacing(data[32:64], factory)
    return Creation(pool_id[:20], factory, *tokens, fee_ppm, spacing, key=key)


def _balancer_v2(pool_id: bytes, data: bytes, factory: Factory) -> Creation | None:
    """Return a pool of the vault; None where it has fewer than two tokens beside its own share."""
    start = int.from_bytes(data[:32], "big")
    count = int.from_bytes(data[start : start + 32], "big")
    words = [data[at : at + 32] for at in range(start + 32, len(data), 32)][:count]
    if len(words) != count or start % 32:
        raise Malformed(
            f"vault 0x{factory.address.hex()}: expected a list of tokens, found {len(data)} bytes"
        )
    pool = pool_id[:20]
    tokens = [word[12:] for word in words if word[12:] != pool]
    return Creation(pool, factory, tokens[0], tokens[1]) if len(tokens) > 1 else None


def _spacing(data: bytes, factory: Factory) -> int:
    spacing = int.from_bytes(data, "big")
    if not 0 < spacing < _TICK_SPACING_MAX:
        raise Malformed(f"factory 0x{factory.address.hex()}: expected a tick spacing, found {spacing}")
    return spacing


class Discovery:
    """Reads the events of factories from their first block to a given one: all, or of V4 pools by id."""

    def __init__(
        self,
        calls: Calls,
        config: EvmConfig,
        factories: Mapping[bytes, Factory],
        done: Callable[[list[Creation]], None],
        pool_ids: tuple[bytes, ...] = (),
    ) -> None:
        self._factories = factories
        self._pool_ids = pool_ids
        self._done = done
        self._found: list[Creation] = []
        size = RangeSize(config.discovery_blocks_max, config.discovery_blocks_max, config.range_logs_wanted)
        self._reader = RangeReader(calls, size, config.ranges_in_flight_max, self._advance)

    def start(self, last: int, after: int = -1) -> None:
        """Read up to block `last`; nothing is asked where there is nothing to read.

        What was found before is told too where the blocks up to `after` were read.
        """
        if after < 0:
            self._found = []
        first = min((factory.from_block for factory in self._factories.values()), default=last + 1)
        first = max(first, after + 1)
        if first > last:
            self._done(self._found)
            return
        factories = tuple(sorted(self._factories))
        if self._pool_ids:
            wanted = log_filter((V4_INITIALIZE,), factories, self._pool_ids)
        else:
            wanted = log_filter(CREATION_TOPICS, factories)
        self._reader.start(first, last, wanted)

    def stop(self) -> None:
        """Forget what is on its way."""
        self._reader.stop()

    def _advance(self) -> None:
        while (part := self._reader.first_part()) is not None:
            assert part.logs is not None
            self._found += creations(part.logs, self._factories)
            self._reader.take()
        if not self._reader.is_active:
            self._done(self._found)
