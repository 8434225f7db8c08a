"""Which pools of Curve and Balancer are followed, and by which contracts' logs."""

import pytest
from tests.process.chainlogs import head, logs_of, word

from tidemill._rust import keccak256
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.discovery import creations
from tidemill.chains.evm.forks import Factory, factories_of, known_factories, speakers
from tidemill.chains.evm.topics import (
    COIN_TOPICS,
    CREATION_TOPICS,
    TOKENS_REGISTERED,
    TRACKED_TOPICS,
    followed_topics,
)
from tidemill.schema.faults import Malformed

VAULT = Factory(b"\xba" * 20, "balancer_v2", "balancer", 997, 1000, 0)
POOL, COIN_A, COIN_B = b"\x50" * 20, b"\x01" * 20, b"\x02" * 20
MAINNET_VAULTS = ("ba12222222228d8ba445958a75a0704d566bf2c8", "ba1333333333a1ba1108e8412f11850a5c319ba9")


def registered(*tokens: bytes, count: int | None = None):
    """Return the vault's log of a new pool and its tokens, with as many asset managers."""
    many = len(tokens) if count is None else count
    listed = b"".join(map(word, (64, 64 + 32 * (many + 1), many, *tokens)))
    return VAULT.address, [TOKENS_REGISTERED, POOL + bytes(12)], listed


def found(*said):
    return creations(logs_of(head(1), list(said)), {VAULT.address: VAULT})


def config(**more) -> EvmConfig:
    return EvmConfig(source="ethereum", chain_id=1, **more)


def test_a_pool_of_the_vault_has_the_tokens_that_are_registered_but_its_own_share() -> None:
    [creation] = found(registered(COIN_A, POOL, COIN_B))
    assert (creation.pool, creation.token0, creation.token1) == (POOL, COIN_A, COIN_B)
    assert creation.factory is VAULT


def test_a_pool_of_one_token_trades_nothing() -> None:
    assert found(registered(COIN_A, POOL)) == []


@pytest.mark.parametrize("said", [registered(COIN_A, count=9), (*registered()[:2], b"\x01" * 32)])
def test_tokens_that_the_log_lacks_make_it_malformed(said) -> None:
    with pytest.raises(Malformed, match="expected a list of tokens"):
        found(said)


def test_the_topic_is_that_of_the_event() -> None:
    assert keccak256(b"TokensRegistered(bytes32,address[],address[])") == TOKENS_REGISTERED
    assert TOKENS_REGISTERED in CREATION_TOPICS


def test_logs_of_pools_of_coins_are_asked_for_only_where_such_a_pool_can_be_followed() -> None:
    assert followed_topics({"uniswap_v2"}, lists_pools=False) == TRACKED_TOPICS
    assert followed_topics({"uniswap_v2"}, lists_pools=True) == TRACKED_TOPICS + COIN_TOPICS
    assert followed_topics({"balancer_v3"}, lists_pools=False) == TRACKED_TOPICS + COIN_TOPICS
    assert followed_topics({"balancer_v2"}, lists_pools=False)[-1] == TOKENS_REGISTERED


def test_a_listed_pool_is_spoken_for_by_itself_and_by_the_vaults_of_its_chain() -> None:
    listed = config(pools=("0x" + POOL.hex(),))
    assert speakers(listed) == (POOL, *map(bytes.fromhex, MAINNET_VAULTS))
    assert factories_of(listed) == {}  # the vault's other pools are not looked for
    assert {known_factories(listed)[bytes.fromhex(vault)].dex for vault in MAINNET_VAULTS} == {
        "balancer_v2",
        "balancer_v3",
    }


def test_all_pools_of_the_vault_are_looked_for_where_it_is_asked_for_by_its_name() -> None:
    assert set(factories_of(config(dexes=("balancer_v2",)))) == {bytes.fromhex(MAINNET_VAULTS[0])}
