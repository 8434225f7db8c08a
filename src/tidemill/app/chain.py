"""Make the machine of one chain, and its pools, from settings and the state that an earlier run kept."""

from collections.abc import Iterable, Mapping

from tidemill._rust import Factory
from tidemill.bus import Bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.forks import known_factories
from tidemill.chains.evm.window import read_checkpoint, state_prefix
from tidemill.process.pools import PoolBook


async def kept_state(bus: Bus, source: str) -> dict[bytes, bytes]:
    """Return what an earlier run of `source` left on the bus: its follower's keys and its pools'."""
    found: dict[bytes, bytes] = {}
    for prefix in (state_prefix(source), PoolBook.prefix_of(source)):
        found.update(await bus.state(prefix))
    return found


def make_follower(config: EvmConfig, state: Mapping[bytes, bytes], run_id: str) -> EvmFollower:
    """Return the follower that goes on from `state`; from the beginning where that is empty.

    Raises: Refused, where the settings do not fit together; Malformed, where the state cannot be read.
    """
    return EvmFollower(config, read_checkpoint(state.items(), config.source), run_id)


def make_book(config: EvmConfig, state: Iterable[tuple[bytes, bytes]]) -> PoolBook:
    """Return the pools as `state` has them; other keys in it are passed over. Raises: Malformed."""
    factories = [
        Factory(
            factory.address, factory.protocol, factory.dex, factory.fee_numerator, factory.fee_denominator
        )
        for factory in known_factories(config).values()
    ]
    book = PoolBook(config.source, config.chain_id, factories, config.window_blocks)
    book.load((key, value) for key, value in state if key.startswith(book.prefix))
    return book
