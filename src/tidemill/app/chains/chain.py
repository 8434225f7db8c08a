"""Make the machine of one chain, and its pools, from settings and the state that an earlier run kept."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from tidemill._rust import Factory
from tidemill.app.settings import Settings
from tidemill.bus import Bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.exchanges import exchanges_of
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.forks import known_factories
from tidemill.chains.evm.window import read_checkpoint, state_prefix
from tidemill.process.pools import PoolBook
from tidemill.process.whales.book import Settling, WhaleBook
from tidemill.process.whales.config import WhaleConfig
from tidemill.process.whales.shares import ShareLogs
from tidemill.schema.faults import Refused

_MS_PER_S = 1_000


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
            factory.address,
            factory.protocol,
            factory.dex,
            factory.fee_numerator,
            factory.fee_denominator,
            generation=factory.rules if factory.protocol == "algebra" else None,
        )
        for factory in known_factories(config).values()
    ]
    book = PoolBook(config.source, config.chain_id, factories, config.window_blocks)
    book.load((key, value) for key, value in state if key.startswith(book.prefix))
    return book


def make_whales(config: EvmConfig, whales: WhaleConfig, state: Mapping[bytes, bytes]) -> WhaleBook | None:
    """Return who watches the wallets of the chain's exchanges, as `state` has it; None where it has none.

    Raises: Refused, where an exchange is not known on the chain; Malformed.
    """
    exchanges = exchanges_of(config)
    if not exchanges.names:
        return None
    settling = Settling(
        config.source,
        config.chain_id,
        exchanges.names,
        exchanges.funding_tokens,
        exchanges.conduits,
        ShareLogs(exchanges.conditional_tokens, exchanges.share_adapters),
    )
    book = WhaleBook(settling, whales, config.window_blocks)
    book.load(state)
    return book


def chains_of(settings: Settings) -> dict[str, EvmConfig]:
    """Return the chains to read, by name, as [ingest] has them read. Raises: Refused."""
    ingest = settings.ingest
    return {
        name: with_transport(config, ingest.use_websockets, ingest.polling_interval_s)
        for name, config in settings.chains.items()
    }


def with_transport(config: EvmConfig, use_websockets: bool, polling_interval_s: float | None) -> EvmConfig:
    """Return `config` without its WebSockets, where they are not wanted, and with the interval of its polls.

    An interval of None leaves the chain's own. Raises: Refused, where nothing is left to read the chain by.
    """
    if polling_interval_s is not None:
        config = replace(config, poll_ms=max(1, round(polling_interval_s * _MS_PER_S)))
    if use_websockets:
        return config
    polled = [one for one in config.endpoints if one.http_url is not None]
    if not polled:
        raise Refused(
            f"chain {config.source}: http_url: expected one, as use_websockets is false, found none"
        )
    fallbacks = tuple(replace(one, ws_url=None) for one in polled[1:])
    return replace(config, ws_url=None, http_url=polled[0].http_url, fallbacks=fallbacks)
