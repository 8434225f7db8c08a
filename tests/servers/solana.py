"""The sandbox's emulated Solana node, served on a loopback port."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tests.servers.loopback import loopback

from tidemill.chains.solana.config import SolanaConfig
from tidemill.sandbox.emulators.solana.serving import SolanaFaults, SolanaNode


@asynccontextmanager
async def solana_node(
    ledger: Mapping[int, Mapping[str, Any]], **faults: Any
) -> AsyncIterator[tuple[SolanaNode, SolanaConfig]]:
    """Serve a node, and yield it with the settings that read it."""
    node = SolanaNode(ledger, SolanaFaults(**faults))
    async with loopback(node.application(), shutdown_timeout=0.2) as place:
        yield (
            node,
            SolanaConfig(http_url=f"http://{place}/", ws_url=f"ws://{place}/", poll_ms=20, retry_first_ms=20),
        )
