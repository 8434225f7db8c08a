"""Whose pools are these: the exchanges we know, as data."""

import tomllib
from functools import cache
from importlib import resources

import msgspec
from msgspec import Struct

from tidemill.chains.evm.config import AddressText, EvmConfig, FactoryConfig
from tidemill.schema.faults import Refused

_RULES: dict[str, tuple[str | None, ...]] = {
    "solidly": ("solidly", "velodrome"),
    "algebra": ("v1", "v1_directional", "v2", "integral"),
}
"""Protocols whose pools run one of several code bases; the others have none to tell."""


class Factory(Struct, frozen=True):
    """A factory on one chain, and what its pools have in common."""

    address: bytes
    protocol: str
    dex: str
    fee_numerator: int
    fee_denominator: int
    from_block: int
    rules: str | None = None
    """Of Solidly and Algebra: whose code its pools run."""


class Fork(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One exchange: which protocol it copied, with which fee, and its factory on each chain."""

    dex: str
    protocol: str
    factories: dict[int, AddressText]
    fee_numerator: int = 997
    fee_denominator: int = 1000
    rules: str | None = None
    """Of Solidly and Algebra: whose code its pools run."""
    init_code_hash: str | None = None
    """Gives its pools' addresses by CREATE2; absent where we have not seen it stated."""


class _Forks(Struct, forbid_unknown_fields=True):
    fork: list[Fork]


@cache
def load_forks() -> tuple[Fork, ...]:
    """Return every exchange of forks.toml."""
    text = resources.files("tidemill.chains.evm").joinpath("forks.toml").read_text("utf-8")
    return tuple(msgspec.convert(tomllib.loads(text), _Forks, strict=False).fork)


def factories_of(config: EvmConfig) -> dict[bytes, Factory]:
    """Return the factories that `config` asks for, by address.

    Raises: Refused where an exchange is not in forks.toml, or not on this chain.
    """
    forks = load_forks()
    found: dict[bytes, Factory] = {}
    for dex in config.dexes:
        on_chain = [fork for fork in forks if fork.dex == dex and config.chain_id in fork.factories]
        if not on_chain:
            known = sorted({fork.dex for fork in forks if config.chain_id in fork.factories})
            raise Refused(
                f"chain {config.source}: dexes: expected one of {', '.join(known) or 'none'} on chain id"
                f" {config.chain_id}, found {dex}"
            )
        for fork in on_chain:
            _add(found, _factory(fork, config.chain_id))
    for named in config.factories:
        _add(found, _configured(named))
    return found


def known_factories(config: EvmConfig) -> dict[bytes, Factory]:
    """Return every factory of the chain that pools may belong to, asked for or not, by address."""
    managers = (
        FactoryConfig(address=pool.manager, protocol="uniswap_v4", dex="uniswap_v4")
        for pool in config.pools
        if not isinstance(pool, str)
    )
    forks = (_factory(fork, config.chain_id) for fork in load_forks() if config.chain_id in fork.factories)
    known = (*map(_configured, managers), *forks)
    return {factory.address: factory for factory in known} | factories_of(config)


def speakers(config: EvmConfig) -> tuple[bytes, ...]:
    """Return whose logs tell of the listed pools: their own, their V4 managers', and Balancer's vaults'."""
    named = (pool if isinstance(pool, str) else pool.manager for pool in config.pools)
    listed = dict.fromkeys(bytes.fromhex(text[2:]) for text in named)
    vaults = (one for one in known_factories(config).values() if one.protocol.startswith("balancer"))
    return (*listed, *(vault.address for vault in vaults))


def _add(found: dict[bytes, Factory], factory: Factory) -> None:
    found[factory.address] = factory


def _factory(fork: Fork, chain_id: int) -> Factory:
    address = bytes.fromhex(fork.factories[chain_id][2:])
    return Factory(address, fork.protocol, fork.dex, fork.fee_numerator, fork.fee_denominator, 0, fork.rules)


def _configured(named: FactoryConfig) -> Factory:
    expected = _RULES.get(named.protocol, (None,))
    if named.rules not in expected:
        known = " or ".join(rules or "none" for rules in expected)
        raise Refused(
            f"factory {named.address}: expected {known} as rules of {named.protocol}, found"
            f" {named.rules or 'none'}"
        )
    address = bytes.fromhex(named.address[2:])
    return Factory(
        address,
        named.protocol,
        named.dex,
        named.fee_numerator,
        named.fee_denominator,
        named.from_block,
        named.rules,
    )
