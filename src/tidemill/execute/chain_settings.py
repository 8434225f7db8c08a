"""What holds for one chain that trades are sent to: what is known of it, and what the settings say."""

from collections.abc import Mapping
from typing import NamedTuple

from msgspec import Struct, structs

from tidemill.core.hexadecimal import fixed_bytes
from tidemill.execute.chain_facts import CHAINS, ChainFacts
from tidemill.execute.config import ExecutionChainConfig, ExecutionSettings, TokenConfig
from tidemill.execute.deciding import Limits, TokenLimit
from tidemill.execute.live.live_config import LiveChainConfig
from tidemill.execute.plan.kinds import LoanSource
from tidemill.execute.plan.route import Address
from tidemill.execute.prices import TokenPrices
from tidemill.schema.faults import Refused

_BLOCK_MS = 1_000
_POLLS_A_BLOCK = 4
_POLL_MS_MIN = 50


class Endpoint(NamedTuple):
    """Where a chain is asked."""

    name: str
    chain_id: int
    http_urls: tuple[str, ...]
    """The one to ask first comes first. They may hold secrets."""


class ChainSettings(Struct, frozen=True, kw_only=True):
    """One chain."""

    facts: ChainFacts
    name: str
    """In every event."""
    http_urls: tuple[str, ...]
    poll_ms: int
    executor: Address | None
    lenders: Mapping[LoanSource, Address]
    routers: Mapping[Address, Address]
    """Each router's factory."""
    dollars: Mapping[Address, int]
    """Decimals of the tokens that are taken for a dollar."""
    limits: Limits
    live: LiveChainConfig = LiveChainConfig()
    prices: TokenPrices | None = None
    """Of tokens that are not taken for a dollar, where somebody tells of them."""

    @property
    def is_usable(self) -> bool:
        """Whether the chain lives, and the executor can stand there."""
        return self.facts.retired is None and self.facts.unfit is None

    def usd(self, token: Address, amount: int | None) -> float | None:
        """Return what so many smallest units are worth; None where it is no dollar and has no price."""
        if amount is None:
            return None
        decimals = self.dollars.get(token)
        if decimals is not None:
            return amount / 10**decimals
        return None if self.prices is None else self.prices.usd(token, amount)


def chains_of(settings: ExecutionSettings, endpoints: Mapping[int, Endpoint]) -> dict[int, ChainSettings]:
    """Return each chain that has an endpoint, by id; `endpoints` are those that other settings name.

    Raises: Refused, naming the setting that does not fit.
    """
    ids = {facts.name: facts.chain_id for facts in CHAINS.values()}
    configs: dict[int, ExecutionChainConfig] = {}
    urls = {chain_id: endpoint.http_urls for chain_id, endpoint in endpoints.items()}
    names = {chain_id: endpoint.name for chain_id, endpoint in endpoints.items()}
    by_name = {endpoint.name: chain_id for chain_id, endpoint in endpoints.items()}
    for name, config in settings.chains.items():
        chain_id = config.chain_id or by_name.get(name, ids.get(name))
        if chain_id is None:
            raise Refused(
                f"execution.chains.{name}.chain_id: expected a number, for no chain is known by that name"
            )
        if chain_id in configs:
            raise Refused(f"execution.chains.{name}: expected one section for chain {chain_id}, found two")
        configs[chain_id] = config
        names.setdefault(chain_id, name)
        first = urls.get(chain_id, ()) if config.http_url is None else (config.http_url,)
        if every := tuple(dict.fromkeys((*first, *config.fallback_urls))):
            urls[chain_id] = every
    return {
        chain_id: _chain(settings, configs.get(chain_id), Endpoint(names[chain_id], chain_id, every))
        for chain_id, every in urls.items()
    }


def _chain(
    settings: ExecutionSettings, config: ExecutionChainConfig | None, endpoint: Endpoint
) -> ChainSettings:
    config = config or ExecutionChainConfig(source=endpoint.name)
    facts = CHAINS.get(endpoint.chain_id) or ChainFacts(
        name=endpoint.name, chain_id=endpoint.chain_id, native="", block_ms=_BLOCK_MS
    )
    facts = structs.replace(
        facts, fee_rule=config.fee_rule or facts.fee_rule, block_ms=config.block_ms or facts.block_ms
    )
    executor = config.executor_address or settings.executor_address
    return ChainSettings(
        facts=facts,
        name=endpoint.name,
        http_urls=endpoint.http_urls,
        poll_ms=config.poll_ms or max(_POLL_MS_MIN, facts.block_ms // _POLLS_A_BLOCK),
        executor=None if executor is None else _bytes(executor),
        lenders=_lenders(facts, config),
        routers=ROUTERS.get(endpoint.chain_id, {})
        | {_bytes(one.address): _bytes(one.factory) for one in config.routers},
        dollars={_bytes(one.address): _decimals(endpoint, one) for one in config.tokens if one.is_dollar},
        limits=_limits(settings, config),
        live=config.live,
    )


def _lenders(facts: ChainFacts, config: ExecutionChainConfig) -> dict[LoanSource, Address]:
    found = {source: _bytes(lender) for source, lender in facts.lenders.items()}
    for source in LoanSource:
        lender: str | None = getattr(config, source.name.lower(), None)
        if lender is not None:
            found[source] = _bytes(lender)
    found[LoanSource.OWN_FUNDS] = bytes(20)
    return found


def _limits(settings: ExecutionSettings, config: ExecutionChainConfig) -> Limits:
    limits = settings.limits
    return Limits(
        slippage_max_bps=limits.slippage_max_bps,
        open_max=limits.open_max,
        trades_a_day_max=limits.trades_a_day_max,
        fee_a_day_max_wei=limits.fee_a_day_max_wei,
        gas_price_max_wei=limits.gas_price_max_wei,
        only_listed_tokens=limits.only_listed_tokens,
        tokens={
            _bytes(one.address): TokenLimit(_amount(one.amount_max), _amount(one.amount_a_day_max))
            for one in config.tokens
        },
        routers=frozenset(map(_bytes, config.allowed_routers)) or None,
    )


def _decimals(endpoint: Endpoint, token: TokenConfig) -> int:
    if token.decimals is None:
        raise Refused(
            f"execution.chains.{endpoint.name}.tokens: expected decimals of {token.address}, which is taken"
            " for a dollar"
        )
    return token.decimals


def _amount(text: str | None) -> int | None:
    return None if text is None else int(text)


def _bytes(address: str) -> Address:
    found = fixed_bytes(address, 20)
    assert found is not None, "the settings checked it"
    return found


ROUTERS: dict[int, dict[Address, Address]] = {
    1: {
        _bytes(router): _bytes(factory)
        for router, factory in (
            # Uniswap V2's, Uniswap V3's two, Sushi's. Source: their documents' deployment addresses.
            (
                "0x7a250d5630b4cf539739df2c5dacb4c659f2488d",
                "0x5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f",
            ),
            (
                "0xe592427a0aece92de3edee1f18e0157c05861564",
                "0x1f98431c8ad98523631ae4a59f267346ea31f984",
            ),
            (
                "0x68b3465833fb72a70ecdf485e0e4c7bd8665fc45",
                "0x1f98431c8ad98523631ae4a59f267346ea31f984",
            ),
            (
                "0xd9e1ce17f2641f24ae83637ab66a2cca9c378b9f",
                "0xc0aee478e3658e2610c5f7a4a2e1777ce9e4f2ac",
            ),
        )
    },
    137: {
        # QuickSwap V2's.
        _bytes("0xa5e0829caced8ffdd4de3c43696c57f7d7a678ff"): _bytes(
            "0x5757371414417b8c6caad45baef941abc7d3ab32"
        ),
    },
}
"""Routers that are known, by chain, each with the factory that knows its pools."""
