"""Which logs of a chain are asked for: those of pools, of exchanges, and of tokens that fund wallets."""

from collections.abc import Mapping

from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.exchanges import exchanges_of
from tidemill.chains.evm.forks import Factory
from tidemill.chains.evm.topics import FILL_TOPICS, TRACKED_TOPICS, TRANSFER, log_filter


def tracked_logs(config: EvmConfig, factories: Mapping[bytes, Factory]) -> dict[str, object]:
    """Return the filter of the logs that `config` asks for.

    A factory's pools may be anywhere, so that logs of any address are asked for where one is tracked.

    Raises: Refused where an exchange is not known on the chain.
    """
    exchanges = exchanges_of(config)
    topics = TRACKED_TOPICS if factories or config.pools else ()
    if exchanges.names:
        topics += FILL_TOPICS
    if exchanges.funding_tokens:
        topics += (TRANSFER,)
    if factories:
        return log_filter(topics)
    pools = (bytes.fromhex(pool[2:]) for pool in config.pools)
    return log_filter(topics, (*pools, *exchanges.names, *sorted(exchanges.funding_tokens)))
