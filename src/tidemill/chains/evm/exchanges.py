"""Which contracts tell of filled orders on a chain, and which tokens tell who funded a wallet: data."""

import tomllib
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from tidemill.chains.evm.config import AddressText, EvmConfig
from tidemill.schema.faults import Refused


class Exchange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One venue's contracts on one chain."""

    venue: str
    chain_id: int
    collateral: tuple[AddressText, ...]
    """What shares are paid with; 6 decimals."""
    conduits: tuple[AddressText, ...]
    """Contracts that pay out or take in collateral and so fund nobody."""
    conditional_tokens: tuple[AddressText, ...] = ()
    """Contracts that split, merge and redeem shares."""
    share_adapters: tuple[AddressText, ...] = ()
    """Contracts that have these do it for wallets."""
    contracts: dict[str, AddressText]
    """By the name that their fills carry."""


class Exchanges(Struct, frozen=True):
    """What a chain's settings ask for."""

    names: dict[bytes, str]
    """By contract: the name that its fills carry."""
    funding_tokens: frozenset[bytes]
    """Tokens whose transfers are followed; none where `follows_funding` is off."""
    conduits: frozenset[bytes]
    """Who is no funder."""
    conditional_tokens: frozenset[bytes]
    share_adapters: frozenset[bytes]


class _Listed(Struct, forbid_unknown_fields=True):
    exchange: list[Exchange]


@cache
def load_exchanges() -> tuple[Exchange, ...]:
    """Return every exchange of exchanges.toml."""
    text = resources.files("tidemill.chains.evm").joinpath("exchanges.toml").read_text("utf-8")
    return tuple(msgspec.convert(tomllib.loads(text), _Listed).exchange)


def exchanges_of(config: EvmConfig) -> Exchanges:
    """Return the exchanges that `config` asks for.

    Raises: Refused where one is not in exchanges.toml, or not on this chain.
    """
    names: dict[bytes, str] = {}
    tokens: set[bytes] = set()
    conduits: set[bytes] = set()
    shares: set[bytes] = set()
    adapters: set[bytes] = set()
    on_chain = {one.venue: one for one in load_exchanges() if one.chain_id == config.chain_id}
    for venue in config.exchanges:
        found = on_chain.get(venue)
        if found is None:
            raise Refused(
                f"chain {config.source}: exchanges: expected one of {', '.join(on_chain) or 'none'} on chain"
                f" id {config.chain_id}, found {venue}"
            )
        names |= {_bytes(address): name for name, address in found.contracts.items()}
        tokens.update(map(_bytes, found.collateral))
        conduits.update(map(_bytes, found.conduits))
        shares.update(map(_bytes, found.conditional_tokens))
        adapters.update(map(_bytes, found.share_adapters))
    names |= {_bytes(one.address): one.name for one in config.exchange_contracts}
    tokens.update(map(_bytes, config.funding_tokens))
    followed = frozenset(tokens) if config.follows_funding else frozenset[bytes]()
    funders_not = frozenset(conduits | names.keys() | {bytes(20)})
    return Exchanges(names, followed, funders_not, frozenset(shares), frozenset(adapters))


def venues_of(config: EvmConfig) -> frozenset[str]:
    """Return the venues whose matches the chain settles, as `config` names them."""
    return frozenset((*config.exchanges, *(one.venue for one in config.exchange_contracts if one.venue)))


def _bytes(address: str) -> bytes:
    return bytes.fromhex(address[2:])
