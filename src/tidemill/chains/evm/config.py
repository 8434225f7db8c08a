"""What does a chain's reader have to be told: its endpoints, its exchanges, and how hard it may ask."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Refused

Positive = Annotated[int, Meta(ge=1)]
NotNegative = Annotated[int, Meta(ge=0)]
AddressText = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]

MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
"""Its address on nearly every chain. Source: Multicall3's list of deployments."""


class FactoryConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A factory whose pools are tracked."""

    address: AddressText
    protocol: Literal["uniswap_v2", "uniswap_v3"]
    dex: str
    fee_numerator: Positive = 997
    """Of V2 pools only: what is left of the amount in, in `fee_denominator` parts. V3 pools say their own
    fee.
    """
    fee_denominator: Positive = 1000
    from_block: NotNegative = 0
    """No pool of it is older."""


class EvmConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [chains.<name>] of an EVM chain."""

    source: str
    """The chain's name in every event."""
    chain_id: Positive
    ws_url: str | None = None
    """Announces heads and logs. Without it, or while it is down, the newest head is asked for every
    `poll_ms`.
    """
    http_url: str | None = None
    """Takes the bulk of the questions; without it they go over the WebSocket."""
    start_block: NotNegative | Literal["latest"] = "latest"
    """The first block whose events are wanted; a checkpoint goes before it."""
    dexes: tuple[str, ...] = ()
    """Exchanges by their names in forks.toml, whose factories on this chain are tracked."""
    factories: tuple[FactoryConfig, ...] = ()
    """Further factories."""
    pools: tuple[AddressText, ...] = ()
    """Pools to track whether or not their factory's events are read; their factory must be a known one."""
    multicall: AddressText = MULTICALL3
    window_blocks: Positive = 256
    """A reorg that is deeper stops the chain. Deeper ones than 64 blocks are unheard of since Ethereum's
    merge.
    """
    range_blocks: Positive = 200
    """Blocks of a backfill's first range; ranges then grow and shrink with the answers."""
    range_blocks_max: Positive = 2_000
    range_logs_wanted: Positive = 10_000
    """Ranges grow while an answer has less than half of it."""
    ranges_in_flight_max: Positive = 4
    discovery_blocks_max: Positive = 100_000
    walk_blocks_max: Positive = 32
    """A longer gap is read in ranges, a shorter one block by block."""
    settle_blocks: NotNegative = 8
    """So many of the newest blocks are asked for by hash: a lagging node answers a range with silence."""
    logs_in_flight_max: Positive = 32
    multicall_calls: Positive = 500
    """Calls in one eth_call; halved when a node finds it too much."""
    calls_in_flight_max: Positive = 8
    """eth_calls in flight while the chain's state is read."""
    http_batch_calls: Positive = 100
    answer_timeout_ms: Positive = 10_000
    head_timeout_ms: Positive = 60_000
    """Without a head for so long the connection is replaced. Five of Ethereum's slots."""
    poll_ms: Positive = 1_000
    tick_ms: Positive = 50
    retry_first_ms: Positive = 200
    retry_max_ms: Positive = 10_000
    reconnect_first_ms: Positive = 250
    """A lost connection is tried again after this time, give or take half of it; then twice as long each
    time.
    """
    reconnect_max_ms: Positive = 15_000


def check_config(config: EvmConfig) -> EvmConfig:
    """Return `config` where its parts fit together. Raises: Refused, naming the keys."""
    where = f"chain {config.source}"
    if config.ws_url is None and config.http_url is None:
        raise Refused(f"{where}: expected ws_url or http_url, found neither")
    if config.ws_url is not None and not config.ws_url.startswith(("ws://", "wss://")):
        raise Refused(f"{where}: ws_url: expected ws:// or wss://, found {redact_url(config.ws_url)}")
    if config.http_url is not None and not config.http_url.startswith(("http://", "https://")):
        raise Refused(f"{where}: http_url: expected http:// or https://, found {redact_url(config.http_url)}")
    if config.settle_blocks >= config.walk_blocks_max:
        raise Refused(
            f"{where}: settle_blocks: expected less than walk_blocks_max ({config.walk_blocks_max})"
        )
    if config.walk_blocks_max >= config.window_blocks:
        raise Refused(f"{where}: walk_blocks_max: expected less than window_blocks ({config.window_blocks})")
    if not (config.dexes or config.factories or config.pools):
        raise Refused(f"{where}: expected dexes, factories or pools: there is nothing to track")
    return config


def without_secrets(config: EvmConfig) -> EvmConfig:
    """Return `config` as it may be written to a recording: endpoints without what opens them."""
    return msgspec.structs.replace(
        config,
        ws_url=None if config.ws_url is None else redact_url(config.ws_url),
        http_url=None if config.http_url is None else redact_url(config.http_url),
    )
