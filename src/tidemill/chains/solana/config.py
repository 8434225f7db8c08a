"""What does the reader of a Solana cluster have to be told."""

import re
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidemill.core.endpoint import redact_url
from tidemill.schema.faults import Refused

_Positive = Annotated[int, Meta(ge=1, le=(1 << 53) - 1)]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


class SolanaConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings under [solana.<name>]: a cluster whose blocks are inspected for arbitrages."""

    http_url: str
    """Answers getBlock and getTransaction."""
    ws_url: str | None = None
    """Tells blocks by blockSubscribe, which a node must be started to allow. Without it, or where it is
    refused, the newest slot is asked for every `poll_ms`.
    """
    chain_id: _Positive = 101
    """The cluster's number in events: Solana's token list calls its main net so."""
    commitment: Literal["confirmed", "finalized"] = "finalized"
    """From when on a block counts. What is final never leaves the chain; what is confirmed is told some 13 s
    earlier, and leaves it only where a third of the stake votes against its word.
    """
    poll_ms: _Positive = 400
    """About a slot."""
    silent_ms: _Positive = 10_000
    """Where no block was told for so long, the newest slot is asked for."""
    backfill_slots: Annotated[int, Meta(ge=1, le=500_000)] = 64
    """So many slots of a gap, those with a block, are asked for in one go; a node allows 500,000."""
    blocks_in_flight: _Positive = 4
    """Blocks of a gap that are asked for side by side; all of them are in memory."""
    retry_first_ms: _Positive = 200
    retry_max_ms: _Positive = 10_000


def check_solana(source: str, config: SolanaConfig) -> SolanaConfig:
    """Return `config` where its parts are addresses. Raises: Refused, naming the key."""
    if not _NAME.fullmatch(source):
        raise Refused(
            f"solana {source}: name: expected at most 64 letters, digits, - and _, found {source!r}"
        )
    for key, url, scheme in (("ws_url", config.ws_url, "ws"), ("http_url", config.http_url, "http")):
        if url is not None and not url.startswith((f"{scheme}://", f"{scheme}s://")):
            raise Refused(
                f"solana {source}: {key}: expected {scheme}:// or {scheme}s://, found {redact_url(url)}"
            )
    return config
