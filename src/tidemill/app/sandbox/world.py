"""How a sandbox world is read: its chain's settings, which of its pools are followed, what is searched."""

from collections.abc import Collection, Mapping
from typing import Any, Literal

from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.process.opportunities import SearchConfig, StableToken
from tidemill.sandbox.world import Address, FurtherPool, Pool, Protocol, World

SOURCE = "sandbox"
"""The chain's name in the events of a world."""

_Followed = Literal["uniswap_v3", "algebra", "uniswap_v4", "balancer_v2", "balancer_v3"]

FOLLOWED: Mapping[Protocol, tuple[_Followed | None, Literal["v1", "v2", "integral"] | None]] = {
    "algebra_v1": ("algebra", "v1"),
    "algebra_v2": ("algebra", "v2"),
    "algebra_integral": ("algebra", "integral"),
    "uniswap_v4": ("uniswap_v4", None),
    "pancake_v3": ("uniswap_v3", None),
    "balancer_v2_weighted": ("balancer_v2", None),
    "balancer_v2_stable": ("balancer_v2", None),
    "balancer_v3_weighted": ("balancer_v3", None),
    "balancer_v3_stable": ("balancer_v3", None),
    "curve_stable": (None, None),
    "curve_stable_ng": (None, None),
}
"""Of each further kind of pools that is followed: its factory's protocol, its rules. Those of Curve and of
Balancer V3 are listed."""

_STABLE_SYMBOLS = ("USDC", "USDT", "DAI")
"""The sandbox's tokens whose fair price is a dollar, always."""

_NAME_DIGITS = 42
"""0x and 20 bytes: the name of a V4 pool is the beginning of its id."""


def world_config(
    world: World, *, source: str = SOURCE, further: Collection[Protocol] = FOLLOWED
) -> EvmConfig:
    """Return the settings that read a sandbox world from its first contract on, with these further pools."""
    factories = [
        FactoryConfig(
            address=factory.address,
            protocol=factory.protocol,
            dex=factory.dex,
            from_block=world.deploy_block,
            **_fee(factory.fee_numerator, factory.fee_denominator),
        )
        for factory in world.factories
    ]
    followed = [pool for pool in _further(world) if pool.protocol in further]
    for address, pool in {_creator(pool): pool for pool in followed}.items():
        protocol, rules = FOLLOWED[pool.protocol]
        if protocol is None:
            continue
        factories.append(
            FactoryConfig(
                address=address,
                protocol=protocol,
                dex=pool.dex,
                rules=rules,
                from_block=world.deploy_block,
            )
        )
    return EvmConfig(
        source=source,
        chain_id=world.chain_id,
        ws_url=world.ws_url,
        http_url=world.http_url,
        start_block=world.deploy_block,
        factories=tuple(factories),
        pools=tuple(pool.address for pool in followed if FOLLOWED[pool.protocol][0] in (None, "balancer_v3")),
        multicall=world.multicall,
    )


def world_search(world: World) -> SearchConfig:
    """Return what to look for in a sandbox world: whatever begins and ends with its gas token."""
    stable_tokens = tuple(
        StableToken(address=token.address, decimals=token.decimals)
        for token in map(world.token, _STABLE_SYMBOLS)
    )
    return SearchConfig(start_tokens=(world.weth,), gas_token=world.weth, stable_tokens=stable_tokens)


def followed_pools(world: World) -> tuple[Pool | FurtherPool, ...]:
    """Return the pools that `world_config` has followed."""
    return (*world.pools, *_further(world))


def pool_name(pool: Pool | FurtherPool) -> bytes:
    """Return what a pool is called in events: its address, of V4 the first 20 bytes of its id."""
    is_named_by_id = isinstance(pool, FurtherPool) and pool.protocol == "uniswap_v4" and pool.pool_id
    return bytes.fromhex((is_named_by_id or pool.address)[2:_NAME_DIGITS])


def emitters(world: World) -> list[Address]:
    """Return the contracts whose logs tell what happens in the pools that are followed."""
    vaults = [pool.vault for pool in _further(world) if pool.vault is not None]
    return list(dict.fromkeys([*(pool.address for pool in followed_pools(world)), *vaults]))


def _further(world: World) -> list[FurtherPool]:
    return [pool for pool in world.further_pools if pool.protocol in FOLLOWED]


def _creator(pool: FurtherPool) -> Address:
    """Return the contract whose logs tell of new pools: V4's manager, Balancer's vault, or a factory."""
    is_of_vault = FOLLOWED[pool.protocol][0] in ("balancer_v2", "balancer_v3")
    return (pool.vault if is_of_vault else pool.factory) or pool.address


def _fee(taken: int | None, denominator: int) -> dict[str, Any]:
    """Return what a V2 pool leaves of the amount in; the world says what it takes."""
    return {} if taken is None else {"fee_numerator": denominator - taken, "fee_denominator": denominator}
