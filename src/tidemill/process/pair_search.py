"""What pays between the pools of given pairs of tokens, of those that hold enough US dollars."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from tidemill._rust import Head, PoolReading, PoolSet, Searcher
from tidemill.process.opportunities import OpportunityFinder, SearchConfig
from tidemill.schema import derive
from tidemill.schema.events import Opportunity, OpportunityHop, OpportunityKind

_FOUND_MAX = 100_000
"""Told by the search; those through pools that are there for their prices leave, `found_max` are kept."""

TokenPair = tuple[bytes, bytes]
"""Two tokens' addresses, the lower one first."""


class LeftOut(Struct, frozen=True):
    """A pool of an asked pair that was not searched."""

    chain_id: int
    pool: bytes
    reason: str


class FoundOpportunity(Struct, frozen=True):
    """A path that pays, with the state that its amounts were computed from."""

    opportunity: Opportunity
    """What it pays after costs, and the block after which it does."""
    hops: tuple[OpportunityHop, ...]
    """Its swaps in their order, each with its exact amounts and its pool's state."""
    liquidity_usd: tuple[float | None, ...]
    """What the pool of each hop holds of both tokens; None where one of them has no price."""


class Scan(Struct, frozen=True):
    """What a scan found: the opportunities of each chain in turn, the most profitable first."""

    opportunities: tuple[FoundOpportunity, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    pool_count: int = 0
    """Pools that were searched."""

    def __iter__(self) -> Iterator[FoundOpportunity]:
        """Go through the opportunities."""
        return iter(self.opportunities)

    def __len__(self) -> int:
        """Return the number of opportunities."""
        return len(self.opportunities)

    def __getitem__(self, place: int) -> FoundOpportunity:
        """Return one of the opportunities."""
        return self.opportunities[place]


class ScanTerms(Struct, frozen=True):
    """What to scan a chain for."""

    pairs: tuple[TokenPair, ...]
    min_liquidity_usd: float
    stable_tokens: tuple[bytes, ...]
    """Tokens that are worth a dollar."""
    search: SearchConfig | None
    """Costs, and the tokens that a path rather begins with; None: no cost is known."""

    @property
    def pricing_pairs(self) -> tuple[TokenPair, ...]:
        """Pairs whose pools say what a token of `pairs` is worth in dollars and in gas."""
        known = set(self.stable_tokens)
        if self.search is not None and self.search.gas_token is not None:
            known.add(bytes.fromhex(self.search.gas_token[2:]))
        tokens = {token for pair in self.pairs for token in pair}
        wanted = {pair_of(one, other) for one in tokens for other in known if one != other}
        return tuple(sorted(wanted - set(self.pairs)))


class ScannedPools(Struct, eq=False):
    """Pools as they stand after one block."""

    source: str
    chain_id: int
    head: Head
    asked_ns: int
    """When they were asked for."""
    pools: PoolSet
    readings: dict[bytes, PoolReading]
    """Those of `pools`, by address: what they hold."""
    asked: tuple[bytes, ...]
    """Those of the asked pairs; the others are there for their prices."""


def pair_of(one: bytes, other: bytes) -> TokenPair:
    """Return two tokens in the order in which a pool has them."""
    return (one, other) if one < other else (other, one)


def search_pairs(terms: ScanTerms, scanned: ScannedPools) -> Scan:
    """Return what is left after costs of the paths through asked pools alone, and which were left out."""
    liquidity = _liquidity_usd(terms, scanned)
    reasons = {pool: _too_small(liquidity[pool], terms.min_liquidity_usd) for pool in scanned.asked}
    searched = [pool for pool, reason in reasons.items() if reason is None]
    config = _search_config(terms)
    finder = OpportunityFinder(replace(config, found_max=_FOUND_MAX), scanned.source, scanned.chain_id)
    # the search takes the price of gas from the other pools too, which it has to have met
    others = sorted(set(scanned.readings) - set(scanned.asked))
    finder.find(scanned.pools, others, scanned.head, scanned.asked_ns)
    found = dict(finder.find(scanned.pools, searched, scanned.head, scanned.asked_ns))
    paths = _paths({topic: derive.to_rows(topic, batch) for topic, batch in found.items()}, set(searched))
    reasons |= {pool: finder.unpriced.get(pool) for pool in searched}
    return Scan(
        tuple(
            FoundOpportunity(replace(one, rank=rank), hops, tuple(liquidity[hop.pool] for hop in hops))
            for rank, (one, hops) in enumerate(paths[: config.found_max], 1)
        ),
        tuple(LeftOut(scanned.chain_id, pool, why) for pool, why in reasons.items() if why is not None),
        sum(reason is None for reason in reasons.values()),
    )


def _liquidity_usd(terms: ScanTerms, scanned: ScannedPools) -> dict[bytes, float | None]:
    """Return what each pool holds of both tokens, in dollars; None where one of them has no price."""
    coins = {coin.address: coin for reading in scanned.readings.values() for coin in reading.coins}
    decimals = {token: coins[token].decimals for token in terms.stable_tokens if token in coins}
    stables = {token: told for token, told in decimals.items() if told is not None}
    searcher = Searcher()
    searcher.refresh(scanned.pools, list(scanned.readings))
    prices = {token: searcher.usd_price(scanned.pools, token, stables) for token in coins}
    liquidity: dict[bytes, float | None] = {}
    for pool, reading in scanned.readings.items():
        values = [
            coin.reserve * price[0] for coin in reading.coins if (price := prices[coin.address]) is not None
        ]
        liquidity[pool] = sum(values) if len(values) == len(reading.coins) else None
    return liquidity


def _too_small(liquidity_usd: float | None, min_liquidity_usd: float) -> str | None:
    if min_liquidity_usd <= 0:
        return None
    if liquidity_usd is None:
        return f"expected {min_liquidity_usd:.2f} USD, found no price: no pool leads to a stable token"
    if liquidity_usd < min_liquidity_usd:
        return f"expected {min_liquidity_usd:.2f} USD, found {liquidity_usd:.2f}"
    return None


def _search_config(terms: ScanTerms) -> SearchConfig:
    """Return what to look for: paths begin with the tokens of the settings, else with any of the pairs."""
    first = () if terms.search is None else tuple(token.lower() for token in terms.search.start_tokens)
    rest = sorted({f"0x{token.hex()}" for pair in terms.pairs for token in pair} - set(first))
    starts = (*first, *rest)
    return (
        SearchConfig(start_tokens=starts)
        if terms.search is None
        else replace(terms.search, start_tokens=starts)
    )


def _paths(
    rows: Mapping[str, Sequence[dict[str, Any]]], pools: set[bytes]
) -> list[tuple[Opportunity, tuple[OpportunityHop, ...]]]:
    """Return the opportunities whose hops are all through `pools`, in their order."""
    hops: dict[bytes, list[OpportunityHop]] = {}
    for row in rows.get("opportunity_hop", ()):
        hops.setdefault(row["opportunity"], []).append(OpportunityHop(**row))
    paths: list[tuple[Opportunity, tuple[OpportunityHop, ...]]] = []
    for row in rows.get("opportunity", ()):
        path = tuple(sorted(hops[row["opportunity"]], key=lambda hop: hop.hop))
        if all(hop.pool in pools for hop in path):
            row["kind"] = OpportunityKind(row["kind"])
            paths.append((Opportunity(**row), path))
    return paths
