"""Everything that looks for arbitrages in blocks: beside chains that are read, and on Solana clusters."""

from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from tidemill.app.inspecting.inspect_run import TOPICS, Committed, InspectRun, place_key
from tidemill.app.inspecting.inspecting import markets_with
from tidemill.app.inspecting.solana_run import SolanaRun
from tidemill.bus import Bus
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.solana.config import SolanaConfig, check_solana
from tidemill.core.clock import Clock
from tidemill.process.opportunities import SearchConfig


class Inspections:
    """The runs of one process. Raises: Refused, where a cluster's settings do not fit together."""

    def __init__(
        self,
        chains: Mapping[str, EvmConfig],
        search: Mapping[str, SearchConfig],
        clusters: Mapping[str, SolanaConfig],
        bus: Bus,
        told: tuple[Clock, Committed],
    ) -> None:
        clock, committed = told
        self._bus = bus
        self._off = [source for source, config in chains.items() if config.inspection == "off"]
        self.chains = {
            source: InspectRun(config, markets_with(config, search.get(source)), bus, clock, committed)
            for source, config in chains.items()
            if config.inspection != "off"
        }
        """By source."""
        self.clusters = {
            source: SolanaRun(source, check_solana(source, config), bus, clock, committed)
            for source, config in clusters.items()
        }
        """By source."""

    async def start(self) -> None:
        """Find the places of all chains; no block that is committed later is missed.

        A chain that is not inspected any more loses its place: who waits for it goes on without.
        """
        for run in self.chains.values():
            await run.start()
        places = [place_key(source, topic) for source in self._off for topic in TOPICS]
        kept = {key: None for key in places if await self._bus.get(key) is not None}
        if kept:
            await self._bus.commit([], kept)

    def beside(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """Return what is to run beside the chains, with its name."""
        return [(f"inspection {source}", run.run()) for source, run in self.chains.items()]

    def reading(self) -> list[tuple[str, Coroutine[Any, Any, None]]]:
        """Return what reads clusters, with its name."""
        return [(f"solana {source}", run.run()) for source, run in self.clusters.items()]

    def chain_status(self, source: str, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return how a chain's inspection fares, as a part of what is said of the chain; empty where off."""
        run = self.chains.get(source)
        return {} if run is None else {"inspection": run.status(redact)}

    def status(self, redact: Callable[[str], str]) -> dict[str, Any]:
        """Return how each cluster fares, as JSON has it."""
        return {source: run.status(redact) for source, run in self.clusters.items()}
