"""What is to be scanned on which chain: names made tokens, chains scanned beside each other."""

import asyncio
import math
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from numbers import Real
from typing import Any

from msgspec import Struct

from tidemill._rust import PoolReading
from tidemill.app.chains.scanning import PairScanner
from tidemill.chains.evm.token_names import TokenNames, is_address
from tidemill.process.opportunities import SearchConfig
from tidemill.process.pair_search import Scan, ScanTerms, TokenPair, pair_of
from tidemill.schema.faults import Refused, Unknown, leaves

Names = tuple[str, str]


class ScanRequest(Struct, frozen=True):
    """What a user asks for; chains are named by their ids."""

    chains: Sequence[int]
    token_pairs: Sequence[Names]
    min_liquidity_usd: float
    stable_tokens: Mapping[int, Sequence[str]]
    """Addresses of tokens that are worth a dollar."""
    search: Mapping[int, SearchConfig]


async def scan_chains(
    request: ScanRequest, scanners: Mapping[int, PairScanner], known: Mapping[int, Sequence[PoolReading]]
) -> Scan:
    """Return what pays on each chain of the request, in their order; `known` are pools that were read before.

    Raises: Refused, for a pair of one token; Unknown, for a symbol that no chain's tokens have; Fault,
    where a node does not answer.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            named = [
                tasks.create_task(_names(request, scanners[chain_id], chain_id, known[chain_id]))
                for chain_id in request.chains
            ]
        names = dict(zip(request.chains, (task.result() for task in named), strict=True))
        pairs = _pairs(request.token_pairs, names)
        async with asyncio.TaskGroup() as tasks:
            scans = [
                tasks.create_task(scanners[chain_id].scan(_terms(request, chain_id, found), known[chain_id]))
                for chain_id, found in pairs.items()
                if found
            ]
    except BaseExceptionGroup as group:
        raise next(leaves(group)) from group
    done = [task.result() for task in scans]
    return Scan(
        tuple(found for scan in done for found in scan.opportunities),
        tuple(pool for scan in done for pool in scan.left_out),
        sum(scan.pool_count for scan in done),
    )


def check_request(request: ScanRequest) -> None:
    """Raises: Refused, for a list, a pair or a number that cannot be."""
    asked: Any = request.min_liquidity_usd
    least = float(asked) if isinstance(asked, (Real, Decimal)) else math.nan
    if not (math.isfinite(least) and least >= 0):
        raise Refused(f"min_liquidity_usd: expected a number from 0 on, found {asked!r}")
    _check_list("chains", request.chains)
    _check_list("token_pairs", request.token_pairs)
    pairs: Sequence[Any] = request.token_pairs
    for pair in pairs:
        if not (
            isinstance(pair, Sequence) and len(pair) == 2 and all(isinstance(name, str) for name in pair)
        ):
            raise Refused(f"token_pairs: expected two tokens each, found {pair!r}")
    for chain_id, tokens in request.stable_tokens.items():
        for token in tokens:
            if not is_address(token):
                raise Refused(f"stable_tokens: {chain_id}: expected 0x and 40 hex digits, found {token!r}")


def _check_list(name: str, found: Any) -> None:
    if isinstance(found, str) or not isinstance(found, Iterable):
        raise Refused(f"{name}: expected a list, found {found!r}")


async def _names(
    request: ScanRequest, scanner: PairScanner, chain_id: int, known: Iterable[PoolReading]
) -> TokenNames:
    tokens = {coin.address for reading in known for coin in reading.coins} | set(_stables(request, chain_id))
    search = request.search.get(chain_id)
    if search is not None:
        texts = (*search.start_tokens, *((search.gas_token,) if search.gas_token else ()))
        tokens.update(bytes.fromhex(text[2:]) for text in texts)
    return await scanner.names(tokens, [name for pair in request.token_pairs for name in pair])


def _pairs(wanted: Sequence[Names], names: Mapping[int, TokenNames]) -> dict[int, tuple[TokenPair, ...]]:
    """Return the pairs of each chain, each once; one whose symbols another chain knows is none here."""
    pairs: dict[int, dict[TokenPair, None]] = {chain_id: {} for chain_id in names}
    for pair in wanted:
        is_known = False
        for chain_id, of_chain in names.items():
            one, other = (of_chain.find(name) for name in pair)
            if one is None or other is None:
                continue
            if one == other:
                raise Refused(f"token_pairs: expected two tokens, found {pair[0]} and {pair[1]}")
            is_known = True
            pairs[chain_id][pair_of(one, other)] = None
        if names and not is_known:
            raise Unknown(_unknown(pair, names))
    return {chain_id: tuple(found) for chain_id, found in pairs.items()}


def _unknown(pair: Names, names: Mapping[int, TokenNames]) -> str:
    known = "; ".join(
        f"{', '.join(of_chain.symbols) or 'none'} on chain {chain_id}" for chain_id, of_chain in names.items()
    )
    return f"token_pairs: expected addresses or known symbols ({known}), found {pair[0]} and {pair[1]}"


def _terms(request: ScanRequest, chain_id: int, pairs: tuple[TokenPair, ...]) -> ScanTerms:
    search = request.search.get(chain_id)
    return ScanTerms(pairs, request.min_liquidity_usd, _stables(request, chain_id), search)


def _stables(request: ScanRequest, chain_id: int) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(token[2:]) for token in request.stable_tokens.get(chain_id, ()))
