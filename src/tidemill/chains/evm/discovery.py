"""Which pools are there: those that a tracked factory says it created."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from tidemill._rust import Logs
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.ranges import RangeReader, RangeSize
from tidemill.chains.evm.topics import CREATION_TOPICS, PAIR_CREATED, log_filter
from tidemill.schema.faults import Malformed

_TICK_SPACING_MAX = 1 << 23


class Creation(Struct, frozen=True):
    """What a factory said of a new pool."""

    pool: bytes
    factory: Factory
    token0: bytes
    token1: bytes
    fee_ppm: int | None = None
    """Of V3 pools."""
    tick_spacing: int | None = None


def creations(logs: Logs, factories: Mapping[bytes, Factory]) -> list[Creation]:
    """Return the pools that `factories` created in `logs`, in order. Raises: Malformed."""
    said = logs.of_addresses(set(factories))
    if not len(said):
        return []  # as of nearly every block
    return [
        _creation(row["topics"], row["data"], factories[row["address"]])
        for row in said.to_arrow().to_pylist()
        if row["topics"] and row["topics"][0] in CREATION_TOPICS
    ]


def _creation(topics: list[bytes], data: bytes, factory: Factory) -> Creation:
    is_pair = topics[0] == PAIR_CREATED
    if len(topics) != (3 if is_pair else 4) or len(data) != 64:
        raise Malformed(
            f"factory 0x{factory.address.hex()}: expected tokens and 64 bytes, found {len(topics)} topics and"
            f" {len(data)} bytes"
        )
    token0, token1 = topics[1][12:], topics[2][12:]
    if is_pair:
        return Creation(data[12:32], factory, token0, token1)
    spacing = int.from_bytes(data[:32], "big")
    if not 0 < spacing < _TICK_SPACING_MAX:
        raise Malformed(f"factory 0x{factory.address.hex()}: expected a tick spacing, found {spacing}")
    fee_ppm = int.from_bytes(topics[3], "big")
    return Creation(data[44:64], factory, token0, token1, fee_ppm, spacing)


class Discovery:
    """Reads the events of factories from their first block to a given one."""

    def __init__(
        self,
        calls: Calls,
        config: EvmConfig,
        factories: Mapping[bytes, Factory],
        done: Callable[[list[Creation]], None],
    ) -> None:
        self._factories = factories
        self._done = done
        self._found: list[Creation] = []
        size = RangeSize(config.discovery_blocks_max, config.discovery_blocks_max, config.range_logs_wanted)
        self._reader = RangeReader(calls, size, config.ranges_in_flight_max, self._advance)

    def start(self, last: int) -> None:
        """Read up to block `last`; nothing is asked where there is nothing to read."""
        self._found = []
        first = min((factory.from_block for factory in self._factories.values()), default=last + 1)
        if first > last:
            self._done([])
            return
        self._reader.start(first, last, log_filter(CREATION_TOPICS, tuple(sorted(self._factories))))

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
