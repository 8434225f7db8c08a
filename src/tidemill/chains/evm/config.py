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
    protocol: Literal[
        "uniswap_v2", "uniswap_v3", "solidly", "algebra", "uniswap_v4", "balancer_v2", "balancer_v3"
    ]
    """Of Uniswap V4 the address is the PoolManager's, of Balancer the vault's; V3's pools are to be listed
    under `pools`.
    """
    dex: str
    rules: Literal["solidly", "velodrome", "v1", "v1_directional", "v2", "integral"] | None = None
    """Whose code its pools run: of Solidly the first or the second, of Algebra one of the rest."""
    fee_numerator: Positive = 997
    """Of V2 pools only: what is left of the amount in, in `fee_denominator` parts. V3 pools say their own
    fee.
    """
    fee_denominator: Positive = 1000
    from_block: NotNegative = 0
    """No pool of it is older."""


class V4PoolConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A Uniswap V4 pool, by its id or by the key that the id is the hash of."""

    manager: AddressText
    """The PoolManager."""
    pool_id: Annotated[str, Meta(pattern="^0x[0-9a-fA-F]{64}$")] | None = None
    """Without the key that is looked for in the manager's logs, from `from_block` on."""
    currency0: AddressText | None = None
    """Of the key; zero for the chain's coin."""
    currency1: AddressText | None = None
    fee_ppm: Annotated[int, Meta(ge=0, le=0x80_0000)] | None = None
    """Of the key: 8388608 where the pool's hook sets the fee."""
    tick_spacing: Annotated[int, Meta(ge=1, le=32_767)] | None = None
    hooks: AddressText = "0x" + "00" * 20
    from_block: NotNegative = 0


class ExchangeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A contract that settles orders in conditional tokens, as Polymarket's do."""

    address: AddressText
    name: str
    """What its fills carry as their channel."""
    venue: str | None = None
    """The venue whose matches it settles; absent where none of those that are read."""


class EndpointConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node, or a provider of nodes."""

    ws_url: str | None = None
    http_url: str | None = None


STATE_SYNC_CHAINS = frozenset({137, 80_002})
"""Polygon and its test chain: the receipt of a state sync is in neither root nor bloom of its block."""
ProofLevel = Literal["claimed", "bloom", "receipts_root", "agreed"]


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
    fallbacks: tuple[EndpointConfig, ...] = ()
    """Further endpoints. The best of all leads; the others take over where it fails, are asked where an
    answer does not convince, and bear witness. The first one leads again once it is as good as the others.
    """
    proof: ProofLevel = "claimed"
    """What must stand behind every block before it counts; the tip waits for it.

    claimed: the node's answer, which lacks no log that any endpoint announced.
    bloom: all logs of the block make the filter in its header. Two logs alike hide each other.
    receipts_root: the block's receipts make the root in its header; needs eth_getBlockReceipts.
    agreed: two endpoints gave the same logs for the block's hash; needs a fallback.
    """
    inspection: Literal["off", "receipts", "traces"] = "off"
    """Whether arbitrages are looked for in every block beside the reading of the chain, and what the node is
    asked for it: a block and its receipts, or its calls too, which tell tips and failed attempts. What
    Ethereum's blocks take is some 1 MB each, with calls ten times as much. Needs an `http_url`.
    """
    start_block: NotNegative | Literal["latest"] = "latest"
    """The first block whose events are wanted; a checkpoint goes before it."""
    dexes: tuple[str, ...] = ()
    """Exchanges by their names in forks.toml, whose factories on this chain are tracked."""
    factories: tuple[FactoryConfig, ...] = ()
    """Further factories."""
    pools: tuple[AddressText | V4PoolConfig, ...] = ()
    """Pools to track whether or not their factory's events are read; their factory must be a known one.
    Curve's pools and those of Balancer V3 are found here only. A Uniswap V4 pool has no address: it is a
    table of its manager and its id, or its key.
    """
    exchanges: tuple[str, ...] = ()
    """Venues by their names in exchanges.toml, whose contracts on this chain tell who traded."""
    exchange_contracts: tuple[ExchangeConfig, ...] = ()
    """Further contracts of that kind."""
    follows_funding: bool = False
    """Whether transfers of the exchanges' collateral are read too, which tell who funded a wallet. Only where
    no factory is tracked: beside one, the node would send the transfers of every token.
    """
    funding_tokens: tuple[AddressText, ...] = ()
    """Further tokens for that; of 6 decimals."""
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
    patience_ms: Positive = 2_000
    """How long an answer is waited for at first where another endpoint can be asked; then twice as long."""
    silence_ms: Positive = 2_500
    """A socket that announces no head for so long, or for 1.5 times its usual interval where that is longer,
    is asked for the newest one: one that lives and has nothing to say is left alone, a frozen one is not."""
    probe_timeout_ms: Positive = 2_000
    """How long that answer may take."""
    poll_ms: Positive = 1_000
    tick_ms: Positive = 50
    retry_first_ms: Positive = 200
    retry_max_ms: Positive = 10_000
    reconnect_first_ms: Positive = 250
    """A lost connection is tried again after this time, give or take half of it; then twice as long each
    time.
    """
    reconnect_max_ms: Positive = 3_000
    """A node that is back is found within 5 s, the half on top included."""

    @property
    def endpoints(self) -> tuple[EndpointConfig, ...]:
        """All endpoints, the first one first."""
        return (EndpointConfig(ws_url=self.ws_url, http_url=self.http_url), *self.fallbacks)


def check_config(config: EvmConfig) -> EvmConfig:
    """Return `config` where its parts fit together. Raises: Refused, naming the keys."""
    where = f"chain {config.source}"
    if not _NAME.fullmatch(config.source):
        raise Refused(f"{where}: name: expected at most 64 letters, digits, - and _, found {config.source!r}")
    for number, endpoint in enumerate(config.endpoints):
        _check_endpoint(f"{where}: fallbacks[{number - 1}]" if number else where, endpoint)
    if config.proof == "bloom" and config.chain_id in STATE_SYNC_CHAINS:
        raise Refused(
            f"{where}: proof = bloom: expected another level on chain {config.chain_id}, whose state syncs"
            " have logs that are not in the bloom; receipts_root is proof here"
        )
    if config.inspection != "off" and all(one.http_url is None for one in config.endpoints):
        raise Refused(f"{where}: inspection: expected an http_url to ask, found none")
    if config.proof == "agreed" and not config.fallbacks:
        raise Refused(f"{where}: proof = agreed: expected a fallback, for it takes two endpoints to agree")
    if config.settle_blocks >= config.walk_blocks_max:
        raise Refused(
            f"{where}: settle_blocks: expected less than walk_blocks_max ({config.walk_blocks_max})"
        )
    if config.walk_blocks_max >= config.window_blocks:
        raise Refused(f"{where}: walk_blocks_max: expected less than window_blocks ({config.window_blocks})")
    settles = config.exchanges or config.exchange_contracts
    if not (config.dexes or config.factories or config.pools or settles):
        raise Refused(f"{where}: expected dexes, factories, pools or exchanges: there is nothing to track")
    if config.follows_funding and (config.dexes or config.factories):
        raise Refused(
            f"{where}: follows_funding: expected no dexes and no factories beside it, for the node would send"
            " the transfers of every token"
        )
    return config


def _check_endpoint(where: str, endpoint: EndpointConfig) -> None:
    if endpoint.ws_url is None and endpoint.http_url is None:
        raise Refused(f"{where}: expected ws_url or http_url, found neither")
    urls = (("ws_url", endpoint.ws_url, "ws"), ("http_url", endpoint.http_url, "http"))
    for key, url, scheme in urls:
        if url is None:
            continue
        if not url.startswith((f"{scheme}://", f"{scheme}s://")):
            raise Refused(f"{where}: {key}: expected {scheme}:// or {scheme}s://, found {redact_url(url)}")
        if not _is_address(url):
            raise Refused(f"{where}: {key}: expected a host, and a port from 1 to 65535 if any, found others")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is no number or too large, or the brackets do not match
        return False


def without_secrets(config: EvmConfig) -> EvmConfig:
    """Return `config` as it may be written to a recording: endpoints without what opens them."""
    ws_url, http_url = _redacted(config.ws_url), _redacted(config.http_url)
    fallbacks = tuple(
        EndpointConfig(ws_url=_redacted(one.ws_url), http_url=_redacted(one.http_url))
        for one in config.fallbacks
    )
    return msgspec.structs.replace(config, ws_url=ws_url, http_url=http_url, fallbacks=fallbacks)


def _redacted(url: str | None) -> str | None:
    return None if url is None else redact_url(url)
