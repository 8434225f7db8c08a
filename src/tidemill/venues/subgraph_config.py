"""What does a subgraph's reader have to be told: where it is, whose pools it indexes, how late it may be."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Refused
from tidemill.venues.subgraph_dialects import DIALECTS

Positive = Annotated[int, Meta(ge=1, le=1 << 32)]
NotNegative = Annotated[int, Meta(ge=0, le=1 << 32)]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SubgraphConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [subgraphs.<name>]."""

    source: str
    """The subgraph's name in every event."""
    chain: str
    """The chain that it indexes, by its section's name."""
    dex: str
    """Whose pools it indexes."""
    dialect: Literal["uniswap_v3", "algebra", "uniswap_v2", "messari", "balancer_v2", "balancer_v3"]
    """Which names its entities have: algebra is QuickSwap V3's, messari is used for Curve."""
    http_url: str | None = None
    """Takes the queries; without it they go over the WebSocket."""
    ws_url: str | None = None
    """Announces new swaps, by either GraphQL subprotocol; without it the indexer is asked every `poll_ms`."""
    token: str | None = None
    """Goes with every request as `Authorization: Bearer`; write ${NAME} and keep it in the environment."""
    pools: tuple[str, ...] = ()
    """Pools to read, by the indexer's ids; none stands for all."""
    start: Literal["latest"] | NotNegative = "latest"
    """The first second whose swaps are wanted, since 1970; a cursor goes before it."""
    use_chain: bool = True
    """Whether the chain stands in while the subgraph is late or dead."""
    lag_blocks_max: Positive = 50
    """A subgraph that is more blocks behind the chain's head is late, until it is at most half as much."""
    dead_after_ms: Positive = 10_000
    """One that answered no query for so long is dead."""
    poll_ms: Positive = 2_000
    """How often it is asked for its newest block; 100,000 free queries are one each 26 s."""
    announced_poll_ms: Positive = 10_000
    """The same, while a subscription announces swaps."""
    answer_timeout_ms: Positive = 10_000
    page_rows: Annotated[int, Meta(ge=1, le=1_000)] = 1_000
    """Rows of a page; indexers give 1,000 at most."""
    window_s: Positive = 600
    """Seconds of swaps that are read, and committed, at once while it catches up."""
    reread_s: Positive = 120
    """Seconds of swaps that are read again each time: what is gone or changed since, as by a reorg, is
    retracted.
    """
    operations_per_socket_max: Positive = 100
    """Subscriptions of one WebSocket; with more pools than that, further ones are opened."""
    pools_per_operation: Positive = 1
    """Pools that one subscription watches."""


def check_subgraph(config: SubgraphConfig) -> SubgraphConfig:
    """Return `config` where its parts fit together. Raises: Refused, naming the keys."""
    where = f"subgraph {config.source}"
    if not _NAME.fullmatch(config.source):
        raise Refused(f"{where}: name: expected at most 64 letters, digits, - and _, found {config.source!r}")
    if config.http_url is None and config.ws_url is None:
        raise Refused(f"{where}: expected http_url or ws_url, found neither")
    for key, url, scheme in (("http_url", config.http_url, "http"), ("ws_url", config.ws_url, "ws")):
        if url is not None and not url.startswith((f"{scheme}://", f"{scheme}s://")):
            raise Refused(f"{where}: {key}: expected {scheme}:// or {scheme}s://, found {redact_url(url)}")
    if len(set(config.pools)) != len(config.pools):
        raise Refused(f"{where}: pools: expected each once")
    return config


def dialect_of(dex: str) -> str | None:
    """Return which dialect the subgraphs of an exchange have; None where that is not known."""
    return next((name for name, dialect in DIALECTS.items() if dex in dialect.dexes), None)
