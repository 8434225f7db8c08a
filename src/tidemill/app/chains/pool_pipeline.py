"""The public PoolPipeline: what any pool of any chain holds, never older than stated."""

import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

from msgspec import Struct
from msgspec.structs import asdict
from typing_extensions import override

from tidemill.app.chains.dex_feed import known_dexes
from tidemill.app.chains.scan_request import ScanRequest, check_request, scan_chains
from tidemill.app.chains.scanning import PairScanner
from tidemill.app.operating.config_json import CHAIN_SECTIONS, settings_of
from tidemill.app.settings import Environment, Settings
from tidemill.app.venues.websocket_manager import WebSocketManager
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.pool_cache import PoolCache
from tidemill.chains.evm.pool_query import LyingDecimals, PoolQuery, PoolState
from tidemill.chains.evm.token_trials import TokenTrials
from tidemill.core.clock import NS_PER_S, Clock, SystemClock
from tidemill.core.config import read_env_file
from tidemill.core.hexadecimal import fixed_bytes
from tidemill.core.http import HttpEndpoint
from tidemill.core.started import Started
from tidemill.process.opportunities import SearchConfig
from tidemill.process.pair_search import Scan
from tidemill.schema.faults import Refused

_ADDRESS_BYTES = 20


class PoolReserves(TypedDict):
    """What a pool held after one block; amounts are raw integers, addresses `0x…` text."""

    pool_address: str
    chain_id: int
    dex_type: str
    """The kind of pool it was found to be."""
    dex: str | None
    """Whose pool it is, where its factory is a known one."""
    reserve0: int
    reserve1: int
    token0: str
    token1: str
    reserves: tuple[int, ...]
    """Of every token, of which pools of Curve and Balancer may have up to 8."""
    tokens: tuple[str, ...]
    decimals: tuple[int | None, ...]
    """None, in the reserves of a `LyingReserves`, where a token lies about them."""
    token_natures: tuple[str | None, ...]
    """ordinary, fee_on_transfer, rebasing or unmovable; None where that could not be told."""
    fee_e18: int | None
    """In 10^-18 of the amount; None where it is not known."""
    sqrt_price_x96: int | None
    """None, as the two below, for pools without ticks."""
    tick: int | None
    liquidity: int | None
    block_number: int
    block_hash: str
    age_s: float
    """Since before the chain was asked."""


class LyingReserves(LyingDecimals):
    """What a pool holds, a token of which lies about its decimals."""

    def __init__(self, message: str, reserves: PoolReserves) -> None:
        super().__init__(message)
        self.reserves = reserves
        """Raw amounts, which nobody can say the meaning of."""


class ScanCounts(Struct):
    """What became of the scans."""

    scans: int = 0
    """Asked for."""
    scans_failed: int = 0
    """Of these, ended by a fault."""
    scanned_pools: int = 0
    """Pools searched, once in each scan."""
    left_out_pools: int = 0
    """Pools of asked pairs that were not searched, once in each scan."""
    opportunities: int = 0
    """Told."""


class _Chain(NamedTuple):
    config: EvmConfig
    http_url: str


class PoolPipeline(Started):
    """Reads pools by their addresses, many in one call, and keeps what it read for a stated time.

    `config` is tidemill's own settings, whose `[pool_server] cache_duration_s` says how old a state may be,
    or a mapping as `settings_of` takes it, where `cache_duration_seconds` of
    `advanced_features.real_data_pipeline` does. `web3_connections` gives chains by their ids: a URL, or a
    Web3 object whose HTTP provider has one; they go before the URLs of `config`, and may be all the chains
    there are. With `use_websockets` what is kept of a pool is dropped as soon as an event of it is seen, of
    the exchanges that the settings name on chains with a `ws_url`. Use it as an async context manager, or
    call `start` and `stop`.

    Raises: Refused, naming the key, its value and what was expected.
    """

    def __init__(
        self,
        config: Settings | Environment | Mapping[str, Any],
        web3_connections: Mapping[int, Any] | None = None,
        use_websockets: bool | None = None,
        *,
        clock: Clock | None = None,
    ) -> None:
        given: Any = config.settings if isinstance(config, Environment) else config
        if isinstance(given, Settings):
            settings = given
        else:
            names_none = isinstance(given, Mapping) and all(name not in given for name in CHAIN_SECTIONS)
            if web3_connections and names_none:
                given = {**given, CHAIN_SECTIONS[0]: {}}  # the connections are the chains
            settings = settings_of(given, {**read_env_file(Path(".env")), **os.environ})
        self._settings = settings
        self._duration_s = settings.pool_server.cache_duration_s
        self._use_websockets = settings.ingest.use_websockets if use_websockets is None else use_websockets
        self._chains = _chains_by_id(settings, web3_connections or {})
        self._clock = clock or SystemClock()
        self._caches: dict[int, PoolCache] = {}
        self._trials: dict[int, TokenTrials] = {}
        self._scanners: dict[int, PairScanner] = {}
        self._scans = ScanCounts()
        self._stack: AsyncExitStack | None = None
        self._started_ns = 0
        self._events = 0

    @override
    async def start(self) -> None:
        """Make ready to ask; nothing is sent yet but by WebSockets. Started already, nothing happens."""
        if self._stack is not None:
            return
        async with AsyncExitStack() as stack:
            for chain_id, chain in self._chains.items():
                http = await stack.enter_async_context(HttpEndpoint(chain.http_url, self._clock))
                query = PoolQuery(chain.config, http, self._clock)
                trials = self._trials[chain_id] = TokenTrials(query)
                cache = PoolCache(query, self._clock, self._duration_s, trials=trials)
                stack.push_async_callback(cache.close)
                self._caches[chain_id] = cache
                self._scanners[chain_id] = PairScanner(chain.config, query, trials)
            if self._use_websockets:
                await self._listen(stack)
            self._stack = stack.pop_all()
        self._started_ns = self._clock.now_ns()

    @override
    async def stop(self) -> None:
        """End what is being asked and close every connection; stopped already, nothing happens."""
        stack, self._stack = self._stack, None
        if stack is not None:
            await stack.aclose()
            self._caches.clear()
            self._scanners.clear()

    async def get_pool_reserves(
        self, chain_id: int, pool_address: str, dex_type: str | None = None
    ) -> PoolReserves:
        """Return what a pool holds. Without `dex_type` its kind is recognised from the chain.

        Raises: Refused, for a chain, an address or an exchange that cannot be; NotContract, UnknownPool,
        WrongKind, RevertingView, StrangeAnswer, OutOfRange, PoolLocked or EmptyPool, for what is at the
        address; LyingReserves, which has the raw reserves, for a token of it that lies about its decimals;
        Unreachable, where the node does not answer, as an older state is told in no case.
        """
        address = _address_of(pool_address)
        cache = self._caches.get(chain_id)
        if cache is None:
            raise Refused(self._unknown(chain_id))
        state = await cache.get(address, dex_type)
        reserves = self._told(chain_id, state)
        if state.decimals_fault is not None:
            cache.counts.failed += 1
            raise LyingReserves(str(state.decimals_fault), reserves)
        return reserves

    async def scan_opportunities(
        self,
        chains: Sequence[int],
        token_pairs: Sequence[tuple[str, str]],
        min_liquidity_usd: float = 0.0,
        *,
        stable_tokens: Mapping[int, Sequence[str]] | None = None,
        search: Mapping[int, SearchConfig] | None = None,
    ) -> Scan:
        """Return what pays now between the pools of `token_pairs` on each of `chains`, given by their ids.

        A token is an address, or a symbol that one alone of the chain's tokens at hand has: `stable_tokens`,
        those of `search`, and those of pools that were asked for before. Pools that hold less than
        `min_liquidity_usd`, at prices that pools to `stable_tokens` say, are left out, and so are those
        without a price. `search` says what a transaction costs; absent: what the settings say for the chain.

        Raises: Refused, for a chain, a pair or a number that cannot be; Unknown, for a symbol that is known
        on none of the chains; Fault, where a node does not answer.
        """
        self._scans.scans += 1
        try:
            costs = self._searches() if search is None else search
            request = ScanRequest(chains, token_pairs, min_liquidity_usd, stable_tokens or {}, costs)
            check_request(request)
            for chain_id in chains:
                if chain_id not in self._scanners:
                    raise Refused(self._unknown(chain_id))
            known = {chain_id: cache.readings for chain_id, cache in self._caches.items()}
            scan = await scan_chains(request, self._scanners, known)
        except BaseException:
            self._scans.scans_failed += 1
            raise
        self._scans.scanned_pools += scan.pool_count
        self._scans.left_out_pools += len(scan.left_out)
        self._scans.opportunities += len(scan)
        return scan

    def get_stats(self) -> dict[str, Any]:
        """Return how often pools were asked for, told from what was kept, read, and failed, in all and by
        chain id.
        """
        chains = {chain_id: asdict(cache.counts) for chain_id, cache in self._caches.items()}
        totals = {
            name: sum(counts[name] for counts in chains.values())
            for name in ("asked", "hits", "reads", "failed")
        }
        uptime_ns = self._clock.now_ns() - self._started_ns if self._stack is not None else 0
        return {
            **totals,
            **asdict(self._scans),
            "events": self._events,
            "cache_duration_seconds": self._duration_s,
            "use_websockets": self._use_websockets,
            "uptime_seconds": uptime_ns / NS_PER_S,
            "chains": chains,
        }

    def _searches(self) -> dict[int, SearchConfig]:
        """Return what the settings say of searches, by chain id."""
        chains = self._settings.chains
        return {
            chains[name].chain_id: config for name, config in self._settings.search.items() if name in chains
        }

    async def _listen(self, stack: AsyncExitStack) -> None:
        """Follow every exchange that the settings name, where a chain has a WebSocket."""
        followed = [
            (name, dex)
            for name, config in self._settings.chains.items()
            if config.ws_url is not None and config.chain_id in self._caches
            for dex in known_dexes(config)
            if dex in config.dexes or any(dex == factory.dex for factory in config.factories)
        ]
        if not followed:
            return
        manager = await stack.enter_async_context(WebSocketManager(self._settings, clock=self._clock))
        for name, dex in followed:
            manager.register_callback(f"{dex}:{name}", self._on_event)
            await manager.connect(dex, name)

    def _on_event(self, event: dict[str, Any]) -> None:
        cache = self._caches.get(event.get("chain_id", 0))
        if cache is None or event["event"] not in ("swap", "liquidity_change", "pool_state"):
            return
        self._events += 1
        cache.forget(bytes.fromhex(event["pool"][2:]), before_block=event["block_number"])

    def _unknown(self, chain_id: int) -> str:
        if self._stack is None:
            return "pools: expected a started pipeline, found one that is not; await start() first"
        known = ", ".join(map(str, sorted(self._caches))) or "none, as no chain has an http_url"
        return f"chain_id: expected one of {known}, found {chain_id!r}"

    def _told(self, chain_id: int, state: PoolState) -> PoolReserves:
        reading = state.reading
        coins = reading.coins
        tokens = tuple(f"0x{coin.address.hex()}" for coin in coins)
        reserves = tuple(coin.reserve for coin in coins)
        natures = self._trials[chain_id].natures
        return PoolReserves(
            pool_address=f"0x{reading.address.hex()}",
            chain_id=chain_id,
            dex_type=reading.kind,
            dex=state.dex,
            reserve0=reserves[0],
            reserve1=reserves[1],
            token0=tokens[0],
            token1=tokens[1],
            reserves=reserves,
            tokens=tokens,
            decimals=tuple(coin.decimals for coin in coins),
            token_natures=tuple(natures.get(coin.address) for coin in coins),
            fee_e18=reading.fee_e18,
            sqrt_price_x96=reading.sqrt_price_x96,
            tick=reading.tick,
            liquidity=reading.liquidity,
            block_number=state.block_number,
            block_hash=f"0x{state.block_hash.hex()}",
            age_s=(self._clock.now_ns() - state.asked_ns) / NS_PER_S,
        )


def _chains_by_id(settings: Settings, connections: Mapping[Any, Any]) -> dict[int, _Chain]:
    """Return the chains that can be asked over HTTP, by id. Raises: Refused."""
    chains = {
        config.chain_id: _Chain(config, config.http_url)
        for config in settings.chains.values()
        if config.http_url is not None
    }
    by_id = {config.chain_id: config for config in settings.chains.values()}
    for chain_id, connection in connections.items():
        if not (isinstance(chain_id, int) and chain_id >= 1):
            raise Refused(f"web3_connections: expected chain ids above zero, found {chain_id!r}")
        url = _url_of(chain_id, connection)
        config = by_id.get(chain_id) or EvmConfig(source=f"chain-{chain_id}", chain_id=chain_id, http_url=url)
        chains[chain_id] = _Chain(config, url)
    return chains


def _url_of(chain_id: int, connection: Any) -> str:
    """Return the URL of a connection: itself, or what its HTTP provider calls its endpoint."""
    if isinstance(connection, str):
        url: Any = connection
    else:
        url = getattr(getattr(connection, "provider", connection), "endpoint_uri", None)
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        found = type(connection).__name__
        raise Refused(
            f"web3_connections: {chain_id}: expected an http:// or https:// URL, or a Web3 object with an"
            f" HTTP provider, found {found}"
        )
    return url


def _address_of(text: Any) -> bytes:
    """Return the bytes of an address, checksummed or not. Raises: Refused."""
    address = fixed_bytes(text, _ADDRESS_BYTES) if isinstance(text, str) else None
    if address is None:
        raise Refused(f"pool_address: expected 0x and 40 hex digits, found {text!r}")
    return address
