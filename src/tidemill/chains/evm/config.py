"""What does a chain's reader have to be told: its endpoints, its exchanges, and how hard it may ask."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta, Struct

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Refused

_MOST = (1 << 53) - 1
"""More than any of these can be, and small enough for every number that is made of it."""
Positive = Annotated[int, Meta(ge=1, le=_MOST)]
NotNegative = Annotated[int, Meta(ge=0, le=_MOST)]
ChainId = Annotated[int, Meta(ge=1, le=(1 << 63) - 1)]
"""Larger ones do not fit the events; EIP-2294 bounds them below that."""
AddressText = Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{40}$")]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
"""A name becomes a part of keys and of file names."""

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
    chain_id: ChainId
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
    heal_timeout_ms: Positive = 10_000
    """While a pool that contradicts its logs is read anew no block is sealed, for at most so long."""
    heals_per_hour_max: Positive = 3
    """A pool that drifts more often stays without quotes until the hour is over: its contract is not what it
    says, and reading it holds up the chain.
    """
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
    if not _NAME.fullmatch(config.source):
        raise Refused(f"{where}: name: expected at most 64 letters, digits, - and _, found {config.source!r}")
    if config.ws_url is None and config.http_url is None:
        raise Refused(f"{where}: expected ws_url or http_url, found neither")
    if config.ws_url is not None and not config.ws_url.startswith(("ws://", "wss://")):
        raise Refused(f"{where}: ws_url: expected ws:// or wss://, found {redact_url(config.ws_url)}")
    if config.http_url is not None and not config.http_url.startswith(("http://", "https://")):
        raise Refused(f"{where}: http_url: expected http:// or https://, found {redact_url(config.http_url)}")
    for key, url in (("ws_url", config.ws_url), ("http_url", config.http_url)):
        if url is not None and not _is_address(url):
            raise Refused(f"{where}: {key}: expected a host, and a port from 1 to 65535 if any, found others")
    if config.settle_blocks >= config.walk_blocks_max:
        raise Refused(
            f"{where}: settle_blocks: expected less than walk_blocks_max ({config.walk_blocks_max})"
        )
    if config.walk_blocks_max >= config.window_blocks:
        raise Refused(f"{where}: walk_blocks_max: expected less than window_blocks ({config.window_blocks})")
    if not (config.dexes or config.factories or config.pools):
        raise Refused(f"{where}: expected dexes, factories or pools: there is nothing to track")
    return config


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number or too large, or the brackets do not match
        return False


def without_secrets(config: EvmConfig) -> EvmConfig:
    """Return `config` as it may be written to a recording: endpoints without what opens them."""
    return msgspec.structs.replace(
        config,
        ws_url=None if config.ws_url is None else redact_url(config.ws_url),
        http_url=None if config.http_url is None else redact_url(config.http_url),
    )
