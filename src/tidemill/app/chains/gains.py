"""Count the arbitrage transactions that were told since the start, and what those of Solana gained."""

from collections import Counter
from collections.abc import Collection

from tidemill.core.rate import Rate
from tidemill.process.pools import Batches

_LAMPORTS_PER_SOL = 10**9


class Gains:
    """What was told of arbitrages; read it, never change it."""

    def __init__(self, clusters: Collection[str]) -> None:
        """Make one; `clusters` are the sources whose native coin is SOL."""
        self.transactions: Counter[tuple[str, str]] = Counter()
        """By source and kind."""
        self.rates: dict[str, Rate] = {}
        """By source."""
        self._lamports: Counter[str] = Counter()
        self._clusters = frozenset(clusters)

    @property
    def net_sol(self) -> dict[str, float]:
        """By cluster, what they gained net of fees and tips, as far as it is known in SOL."""
        return {source: lamports / _LAMPORTS_PER_SOL for source, lamports in self._lamports.items()}

    def take(self, batches: Batches, now_ns: int) -> None:
        """Count the arbitrages among `batches`."""
        for topic, batch in batches:
            if topic != "arbitrage":
                continue
            columns = (batch.column(name).to_pylist() for name in ("source", "kind", "net_profit_native_wei"))
            for source, kind, net in zip(*columns, strict=True):
                self.transactions[source, kind] += 1
                self.rates.setdefault(source, Rate()).add(1, now_ns)
                if source in self._clusters and net is not None:
                    self._lamports[source] += int.from_bytes(net, "little", signed=True)
