"""Read subgraphs beside the chains: commit what they tell with their cursors, say who stands in for them."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.app.chains.pipeline import batches_of
from tidemill.app.chains.probe import block_number_of
from tidemill.app.insisting import commit_surely
from tidemill.bus import Bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.core.clock import NS_PER_S, Clock
from tidemill.process.pools import Batches
from tidemill.schema.events import Health
from tidemill.schema.faults import Fault, Refused, leaves
from tidemill.venues.subgraph_config import SubgraphConfig, check_subgraph
from tidemill.venues.subgraph_freshness import Verdict
from tidemill.venues.subgraph_reader import SubgraphReader

_log = logging.getLogger("tidemill.subgraphs")

_HEAD_TIMEOUT_S = 3.0


def subgraphs_of(
    subgraphs: Mapping[str, SubgraphConfig], chains: Mapping[str, EvmConfig]
) -> dict[str, SubgraphConfig]:
    """Return `subgraphs` where they fit together, and to the chains. Raises: Refused, naming the keys."""
    for name, config in subgraphs.items():
        check_subgraph(config)
        if name in chains:
            raise Refused(f"subgraphs.{name}: expected another name than a chain has, found the same")
        if config.chain not in chains:
            known = ", ".join(sorted(chains)) or "none, as no chain is configured"
            raise Refused(f"subgraphs.{name}.chain: expected one of {known}, found {config.chain!r}")
    return dict(subgraphs)


async def newest_block(config: EvmConfig) -> int | None:
    """Return the number of the newest block that an endpoint of the chain has; None where none says."""
    for endpoint in config.endpoints:
        url = endpoint.http_url or endpoint.ws_url
        try:
            async with asyncio.timeout(_HEAD_TIMEOUT_S):
                return None if url is None else await block_number_of(url)
        except (Fault, TimeoutError):
            continue  # how the chain fares is told by its own reader
    return None


def subgraph_status(reader: SubgraphReader, now_ns: int) -> dict[str, Any]:
    """Return how a subgraph fares, as JSON has it."""
    freshness, head, shards = reader.freshness, reader.head, reader.shards
    heard_ns = reader.last_message_ns
    return {
        "state": freshness.verdict.value,
        "detail": freshness.why,
        "endpoint": reader.endpoint,
        "block": head.number if head else None,
        "lag_blocks": freshness.lag_blocks,
        "told_to_block": reader.cursor.block_number,
        "last_message_age_s": None if heard_ns is None else (now_ns - heard_ns) / NS_PER_S,
        "sockets": {
            str(shard): {
                "state": link.state.value,
                "subprotocol": link.subprotocol,
                "operations": len(link.keys),
                "connections": link.connection_count,
            }
            for shard, link in (shards.links.items() if shards else ())
        },
        "faults": reader.fault_count,
        "last_fault": str(reader.faults[-1]) if reader.faults else "",
    }


class SubgraphRun:
    """One subgraph that `up` reads, from its kept cursor on."""

    def __init__(
        self,
        config: SubgraphConfig,
        chain: EvmConfig,
        bus: Bus,
        clock: Clock,
        *,
        chain_number: Callable[[], int | None],
        chain_alive: Callable[[], bool],
        on_batches: Callable[[Batches, list[int]], None],
    ) -> None:
        self.reads = "subgraph"
        """What is to be relied on: subgraph, chain or nothing."""
        self.ended = ""
        """Why it is not read any more."""
        self._config = config
        self._key = f"subgraph/{config.source}/cursor".encode()
        self._bus = bus
        self._clock = clock
        self._chain = chain
        self._chain_number = chain_number
        self._chain_alive = chain_alive
        self._on_batches = on_batches
        self.reader = SubgraphReader(
            config,
            chain.chain_id,
            clock,
            secrets.token_hex(8),
            self._commit,
            chain_number=self._number,
            stand_in=self._stand_in,
        )

    async def run(self) -> None:
        """Read until cancelled; a fault that ends it is kept in `ended`."""
        try:
            kept = dict(await self._bus.state(self._key))
            await self.reader.run(kept.get(self._key))
        except* Fault as faults:
            self.ended = str(next(leaves(faults)))
            _log.error("subgraph %s ended, the others go on: %s", self._config.source, self.ended)

    def status(self) -> dict[str, Any]:
        """Return how it fares, as JSON has it."""
        told = {"chain": self._config.chain, "dex": self._config.dex, "reads": self.reads}
        told |= subgraph_status(self.reader, self._clock.now_ns())
        return told | ({"state": "stopped", "last_fault": self.ended} if self.ended else {})

    async def _number(self) -> int | None:
        number = self._chain_number()
        return await newest_block(self._chain) if number is None else number

    def _stand_in(self, verdict: Verdict) -> str:
        before = self.reads
        if verdict.is_relied_on:
            self.reads = "subgraph"
            return "" if before == "subgraph" else "it is relied on again"
        dex, chain = self._config.dex, self._config.chain
        if self._config.use_chain and self._chain_alive():
            self.reads = "chain"
            return f"{dex} as chain {chain} tells it stands in for it"
        self.reads = "nothing"
        why = f"{dex} is not read from chain {chain}" if self._config.use_chain else "use_chain is false"
        return f"nothing stands in for it: {why}"

    async def _commit(self, events: Sequence[Struct], cursor: bytes) -> None:
        for event in events:
            if isinstance(event, Health) and event.detail:
                _log.warning("subgraph %s: %s: %s", event.source, event.state.value, event.detail)
        batches = batches_of(events)
        self._on_batches(batches, await commit_surely(self._bus, batches, {self._key: cursor}))
