"""Which pools does one chain have for given pairs, and what pays between them: found, read and searched."""

import asyncio
from collections.abc import Iterable

from tidemill._rust import PoolReading, PoolSet
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import known_factories
from tidemill.chains.evm.pool_finding import found_pools, places, snapshot_of
from tidemill.chains.evm.pool_query import PoolQuery, PoolState, PoolWanted
from tidemill.chains.evm.token_names import TokenNames, is_address, symbol_questions
from tidemill.chains.evm.token_trials import TokenTrials, holders
from tidemill.process.pair_search import LeftOut, Scan, ScannedPools, ScanTerms, pair_of, search_pairs
from tidemill.schema.faults import Fault, Gap, Malformed


class PairScanner:
    """Scans one chain for what pays between the pools of pairs of tokens."""

    def __init__(self, config: EvmConfig, query: PoolQuery, trials: TokenTrials) -> None:
        self._config = config
        self._query = query
        self._trials = trials
        self._factories = tuple(known_factories(config).values())

    async def names(self, tokens: Iterable[bytes], wanted: Iterable[str]) -> TokenNames:
        """Return which of `tokens` the names `wanted` may mean; no token is asked where all are addresses."""
        where = f"chain {self._config.source}"
        if all(is_address(name) for name in wanted):
            return TokenNames(where)
        known = sorted(set(tokens))
        return TokenNames(where, known, await self._query.ask(symbol_questions(known)))

    async def scan(self, terms: ScanTerms, known: Iterable[PoolReading]) -> Scan:
        """Return what pays in the pools of `terms.pairs`, those of `known` too, after the newest block.

        Raises: Fault, where the node does not answer; Gap, where reorgs took two blocks away meanwhile.
        """
        listed = {reading.address for reading in known if _is_of(reading, terms)}
        try:
            scanned, left_out = await self._read(terms, listed)
        except Gap:  # a reorg in the middle of a reading is rare, two in a row are a sick node
            scanned, left_out = await self._read(terms, listed)
        found = Scan() if scanned is None else await asyncio.to_thread(search_pairs, terms, scanned)
        return Scan(found.opportunities, (*left_out, *found.left_out), found.pool_count)

    async def _read(self, terms: ScanTerms, listed: set[bytes]) -> tuple[ScannedPools | None, list[LeftOut]]:
        asked_places = places(self._factories, [*terms.pairs, *terms.pricing_pairs])
        answers = await self._query.ask([place.question for place in asked_places])
        found = found_pools(asked_places, answers)
        asked = listed | {pool.address for pool in found if pool.pair in terms.pairs}
        wanted = sorted(asked | {pool.address for pool in found})
        states = await self._query.read([PoolWanted(pool) for pool in wanted], is_exact=True)
        left_out = [
            LeftOut(self._config.chain_id, pool, str(state))
            for pool, state in zip(wanted, states, strict=True)
            if isinstance(state, Fault) and pool in asked
        ]
        read = [state for state in states if isinstance(state, PoolState)]
        await self._trials.learn(holders(read))
        unusual = {state.reading.address: why for state in read if (why := self._unusual(state)) is not None}
        read = [state for state in read if state.reading.address not in unusual]
        left_out += [
            LeftOut(self._config.chain_id, pool, why) for pool, why in unusual.items() if pool in asked
        ]
        if not read:
            return None, left_out
        scanned, unfollowed = await self._scanned(read, asked)
        return scanned, left_out + unfollowed

    def _unusual(self, state: PoolState) -> str | None:
        """Return which token of a pool moves otherwise than its swaps are computed, and how."""
        return self._trials.unusual(coin.address for coin in state.reading.coins)

    async def _scanned(self, read: list[PoolState], asked: set[bytes]) -> tuple[ScannedPools, list[LeftOut]]:
        source, chain_id = self._config.source, self._config.chain_id
        head = await self._query.head(read[0].block_hash)
        pools, readings = PoolSet(source, chain_id, []), dict[bytes, PoolReading]()
        left_out: list[LeftOut] = []
        for state in read:
            pool, snapshot = state.reading.address, snapshot_of(state, head.timestamp_s)
            if snapshot is None:
                kind = f"a pool of {state.dex or 'an unknown factory'} of the kind {state.reading.kind}"
                why = f"expected one whose swaps are computed exactly, found {state.reading.doubt or kind}"
                left_out.append(LeftOut(chain_id, pool, why))
                continue
            try:
                pools.insert(snapshot)
            except Malformed as fault:
                left_out.append(LeftOut(chain_id, pool, str(fault)))
                continue
            readings[pool] = state.reading
        left_out = [one for one in left_out if one.pool in asked]
        within = tuple(sorted(asked & readings.keys()))
        return ScannedPools(source, chain_id, head, read[0].asked_ns, pools, readings, within), left_out


def _is_of(reading: PoolReading, terms: ScanTerms) -> bool:
    if len(reading.coins) != 2:
        return False
    one, other = reading.coins
    return pair_of(one.address, other.address) in terms.pairs
