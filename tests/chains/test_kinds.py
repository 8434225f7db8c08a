"""What a node is asked of pools of further protocols, and what its answers are taken for."""

import pytest

from tidemill._rust import AlgebraPool, PoolSet, SolidlyPool, UniswapV4Pool, keccak256
from tidemill._rust import Factory as CompiledFactory
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.discovery import Creation, V4Key
from tidemill.chains.evm.forks import Factory, factories_of, load_forks
from tidemill.chains.evm.kinds import TICKED_KINDS, Unread, kind_of
from tidemill.chains.evm.steps import PoolSnapshot
from tidemill.chains.evm.topics import CREATION_TOPICS, TRACKED_TOPICS, followed_topics
from tidemill.chains.evm.words import int_word
from tidemill.schema.faults import Refused

TOKENS = bytes([1] * 20), bytes([2] * 20)
PRICE = 1 << 96


def about(protocol: str, rules: str | None = None, **more: object) -> Creation:
    factory = Factory(bytes([9] * 20), protocol, "dex", 9_999, 10_000, 0, rules)
    return Creation(bytes([7] * 20), factory, *TOKENS, **more)  # pyright: ignore[reportArgumentType]


def words(*values: int) -> bytes:
    return b"".join(int_word(value) for value in values)


def inserted(created: Creation, state: dict[str, object], **more: object) -> object:
    """Return the pool that the state makes, as the pools of a chain take it."""
    snapshot = PoolSnapshot(
        address=created.pool,
        protocol=created.factory.protocol,
        dex="dex",
        factory=created.factory.address,
        token0=created.token0,
        token1=created.token1,
        block_number=1,
        block_hash=bytes(32),
        block_timestamp_s=1,
        recv_ns=1,
        **state,  # pyright: ignore[reportArgumentType]
        **more,  # pyright: ignore[reportArgumentType]
    )
    pools = PoolSet("chain", 1, [])
    pools.insert(snapshot)
    return pools.get(created.pool)


def test_a_velodrome_pools_fee_is_asked_of_its_factory() -> None:
    created = about("solidly", "velodrome", is_stable=True)
    asked = kind_of("solidly").questions(created)
    assert asked["getFee()"] == (
        created.factory.address,
        bytes.fromhex("cc56b2c5") + bytes(12) + created.pool + int_word(1),
    )
    answers = {"metadata()": words(10**6, 10**18, 5, 6, 1, 0, 0), "getFee()": words(5)}
    pool = inserted(created, kind_of("solidly").state(created, answers))
    assert isinstance(pool, SolidlyPool)
    assert (pool.reserve0, pool.reserve1, pool.decimals) == (5, 6, (6, 18))
    assert (pool.is_stable, pool.fee_ppm, pool.is_complete) == (True, 500, True)


def test_a_solidly_factory_without_fees_leaves_the_one_that_is_stated_and_velodromes_may_not() -> None:
    answers = {"metadata()": words(10**6, 10**18, 5, 6, 0, 0, 0)}
    created = about("solidly", "solidly", is_stable=False)
    assert kind_of("solidly").state(created, answers)["fee_ppm"] == 100
    with pytest.raises(Unread, match="getFee"):
        kind_of("solidly").state(about("solidly", "velodrome", is_stable=False), answers)


def test_a_token_whose_unit_is_no_power_of_ten_is_refused() -> None:
    answers = {"metadata()": words(10**6 + 1, 10**18, 5, 6, 0, 0, 0), "getFee()": words(5)}
    with pytest.raises(Unread, match="power of ten"):
        kind_of("solidly").state(about("solidly", "velodrome"), answers)


@pytest.mark.parametrize(
    ("generation", "told", "fees"),
    [
        ("v1", (PRICE, -1, 500, 3, 0, 0, 1), (500, 500)),
        ("v1_directional", (PRICE, -1, 500, 700, 3, 0, 0, 1), (500, 700)),
        ("v2", (PRICE, -1, -60, 500, 3, 0, 1), (500, 500)),
        ("integral", (PRICE, -1, 500, 0, 0, 1), (500, 500)),
    ],
)
def test_each_generation_of_algebra_has_its_fee_at_its_own_place(
    generation: str, told: tuple[int, ...], fees: tuple[int, int]
) -> None:
    created = about("algebra", generation)
    answers = {"globalState()": words(*told), "liquidity()": words(77)}
    pool = inserted(created, kind_of("algebra").state(created, answers))
    assert isinstance(pool, AlgebraPool)
    assert (pool.fees_ppm, pool.tick, pool.liquidity, pool.generation) == (fees, -1, 77, generation)


def test_a_global_state_of_another_generation_is_refused() -> None:
    answers = {"globalState()": words(PRICE, 0, 500, 700, 3, 0, 0, 1), "liquidity()": words(77)}
    with pytest.raises(Unread, match=r"7 words of globalState\(\), found 8"):
        kind_of("algebra").state(about("algebra", "v1"), answers)


def test_limit_orders_at_a_tick_leave_the_pool_out() -> None:
    kind = TICKED_KINDS["algebra"]
    assert kind.liquidity(words(5, -5, 0, 0, 0, 0, 0, 0, 0)) == (5, -5)
    with pytest.raises(Unread, match="limit orders"):
        kind.liquidity(words(5, -5, 0, 0, 0, 0, 0, 0, 1))


def test_a_v4_pool_is_read_out_of_the_managers_storage() -> None:
    key = V4Key(bytes([5] * 32), bytes(20), is_fee_dynamic=False)
    created = about("uniswap_v4", fee_ppm=3_000, tick_spacing=60, key=key)
    kind = TICKED_KINDS["uniswap_v4"]
    slot = int.from_bytes(keccak256(key.pool_id + int_word(6)), "big")
    asked = kind.questions(created)
    assert asked["slot0()"] == (created.factory.address, bytes.fromhex("1e2eaeaf") + slot.to_bytes(32, "big"))
    mapping = (slot + 4).to_bytes(32, "big")
    assert kind.tick(created, -60)[1][4:] == keccak256(int_word(-60) + mapping)
    packed = PRICE | (0xFFFFFF << 160) | ((100 | 200 << 12) << 184) | (3_000 << 208)
    answers = {"slot0()": words(packed), "liquidity()": words(77)}
    pool = inserted(created, kind.state(created, answers), ticks=((-60, 5, 5), (60, 5, -5)))
    assert isinstance(pool, UniswapV4Pool)
    assert (pool.pool_id, pool.tick, pool.liquidity) == (key.pool_id, -1, 77)
    assert (pool.protocol_fee, pool.fee_ppm, pool.hooks) == (100 | 200 << 12, 3_100, None)
    assert kind.liquidity(((-5) % (1 << 128)).to_bytes(16, "big") + (7).to_bytes(16, "big")) == (7, -5)


def test_every_known_exchange_has_the_rules_that_its_protocol_needs() -> None:
    for fork in load_forks():
        needs = fork.protocol in ("solidly", "algebra")
        assert needs == (fork.rules is not None), fork.dex
        generation = fork.rules if fork.protocol == "algebra" else None
        assert CompiledFactory(bytes(20), fork.protocol, fork.dex, generation=generation) is not None


@pytest.mark.parametrize(("protocol", "rules"), [("algebra", None), ("solidly", "v1"), ("uniswap_v3", "v2")])
def test_a_factory_whose_rules_are_not_its_protocols_is_refused(protocol: str, rules: str | None) -> None:
    named = FactoryConfig(address="0x" + 40 * "1", protocol=protocol, dex="x", rules=rules)  # pyright: ignore
    config = EvmConfig(source="c", chain_id=1, http_url="http://127.0.0.1:1", factories=(named,))
    with pytest.raises(Refused, match="as rules of"):
        factories_of(config)


def test_whatever_creates_a_pool_is_tracked() -> None:
    assert set(CREATION_TOPICS) < set(followed_topics({"balancer_v2"}, lists_pools=False))
    assert len(set(TRACKED_TOPICS)) == len(TRACKED_TOPICS)
