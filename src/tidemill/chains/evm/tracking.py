"""Which logs of a chain are asked for: those of pools, of exchanges, and of tokens that fund wallets."""

from collections.abc import Mapping

from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.exchanges import exchanges_of
from tidemill.chains.evm.forks import Factory, speakers
from tidemill.chains.evm.topics import (
    CREATION_TOPICS,
    FILL_TOPICS,
    SHARE_TOPICS,
    TRANSFER,
    followed_topics,
    log_filter,
)


def tracked_logs(config: EvmConfig, factories: Mapping[bytes, Factory]) -> dict[str, object]:
    """Return the filter of the logs that `config` asks for.

    A factory's pools may be anywhere, so that logs of any address are asked for where one is tracked.

    Raises: Refused where an exchange is not known on the chain.
    """
    exchanges = exchanges_of(config)
    topics = _pool_topics(config, factories) if factories or config.pools else ()
    if exchanges.names:
        topics += FILL_TOPICS
    if exchanges.conditional_tokens:
        topics += SHARE_TOPICS
    if exchanges.funding_tokens:
        topics += (TRANSFER,)
    if factories:
        return log_filter(topics)
    pools = speakers(config) if config.pools else ()
    further = exchanges.funding_tokens | exchanges.conditional_tokens | exchanges.share_adapters
    return log_filter(topics, (*pools, *exchanges.names, *sorted(further)))


def _pool_topics(config: EvmConfig, factories: Mapping[bytes, Factory]) -> tuple[bytes, ...]:
    protocols = {factory.protocol for factory in factories.values()}
    topics = followed_topics(protocols, lists_pools=bool(config.pools))
    # where pools are listed alone, no others of a manager are to join them
    left_out = () if factories else CREATION_TOPICS
    return tuple(topic for topic in topics if topic not in left_out)
