"""Does a chain begin with the pools that are there, as they are, and then miss nothing."""

from itertools import pairwise

import pytest

from tidemill.chains.evm.config import EvmConfig, FactoryConfig, check_config
from tidemill.chains.evm.forks import factories_of, load_forks
from tidemill.chains.evm.steps import PoolSnapshot, Sealed
from tidemill.schema.faults import Refused

from .contracts import MulticallNode, words
from .driver import FACTORY, Driver, begun, chain_of, config_of
from .fake_node import FakeBlock, head_notice
from .test_tokens import FullNode, follow

V3_FACTORY = "0x" + "fb" * 20
PAIR_A, PAIR_B, POOL_C = ("0x" + digit * 40 for digit in "abc")
TOKEN_X, TOKEN_Y, TOKEN_Z = ("0x" + digit * 40 for digit in "123")
TICKS = {-887220: (5, 5), -120: (7, 7), 60: (7, -7), 15420: (3, 3), 887220: (8, -8)}


def factories() -> tuple[FactoryConfig, ...]:
    return (
        FactoryConfig(address=FACTORY, protocol="uniswap_v2", dex="uniswap_v2"),
        FactoryConfig(address=V3_FACTORY, protocol="uniswap_v3", dex="uniswap_v3"),
    )


def grown_node() -> MulticallNode:
    node = MulticallNode()
    node.add_v2(PAIR_A, FACTORY, (TOKEN_X, TOKEN_Y), (10**18, 3 * 10**9))
    node.mine(1, blocks=300)
    node.add_v3(POOL_C, V3_FACTORY, (TOKEN_X, TOKEN_Z), tick=-1, ticks=TICKS)
    node.mine(1, blocks=50)
    node.say(TOKEN_X, symbol="0x" + f"{32:064x}{3:064x}" + b"XYZ".hex().ljust(64, "0"), decimals=words(18))
    node.say(TOKEN_Y, symbol="0x" + b"MKR".hex().ljust(64, "0"), decimals=words(6))
    return node


def opened(node: MulticallNode, **changes: object) -> Driver:
    return Driver(node, config_of(factories=factories(), start_block="latest", **changes)).open()


def snapshots(driver: Driver) -> dict[str, PoolSnapshot]:
    return {"0x" + pool.address.hex(): pool for pool in begun(driver.steps)}


def test_pools_are_discovered_and_read_as_of_the_newest_block() -> None:
    node = grown_node()
    driver = opened(node)
    found = snapshots(driver)
    assert set(found) == {PAIR_A, POOL_C}
    pair, pool = found[PAIR_A], found[POOL_C]
    assert (pair.reserve0, pair.reserve1, pair.fee_ppm, pair.ticks) == (10**18, 3 * 10**9, 3000, ())
    assert (pool.tick, pool.liquidity, pool.tick_spacing, pool.fee_ppm) == (-1, 12, 60, 3000)
    assert pool.ticks == tuple((tick, *TICKS[tick]) for tick in sorted(TICKS))
    assert pool.block_number == node.tip.number
    assert driver.blocks == []
    driver.mine(2, blocks=2)
    assert driver.canonical() == chain_of(node, first=node.tip.number - 1)
    assert driver.faults == []


def test_tokens_are_described_as_their_contracts_do_and_never_guessed() -> None:
    driver = opened(grown_node())
    found = {"0x" + event.token.hex(): (event.symbol, event.decimals) for event in driver.events("token")}
    assert found == {TOKEN_X: ("XYZ", 18), TOKEN_Y: ("MKR", 6), TOKEN_Z: (None, None)}


@pytest.mark.parametrize("calls_max", [1, 3, 7])
def test_a_node_that_takes_few_calls_at_once_is_asked_for_fewer(calls_max: int) -> None:
    node = grown_node()
    node.calls_max = calls_max
    assert snapshots(opened(node)).keys() == {PAIR_A, POOL_C}


def test_a_chain_without_multicall_is_asked_call_by_call() -> None:
    node = grown_node()
    node.is_deployed = False
    found = snapshots(opened(node))
    assert found[POOL_C].ticks == tuple((tick, *TICKS[tick]) for tick in sorted(TICKS))


@pytest.mark.parametrize("range_max", [1, 10, 77])
def test_ranges_are_halved_until_the_node_answers(range_max: int) -> None:
    node = grown_node()
    node.range_max = range_max
    driver = opened(node, range_blocks=64)
    assert set(snapshots(driver)) == {PAIR_A, POOL_C}
    assert driver.faults == []


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_answers_makes_no_difference(seed: int) -> None:
    node = grown_node()
    node.range_max = 40
    config = config_of(factories=factories(), start_block="latest", multicall_calls=5)
    driver = Driver(node, config)
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    driver.shuffled(seed).tick(500)
    assert set(snapshots(driver)) == {PAIR_A, POOL_C}
    assert snapshots(driver)[POOL_C].ticks == tuple((tick, *TICKS[tick]) for tick in sorted(TICKS))


def test_what_a_node_tells_of_its_newest_block_is_asked_again_where_the_next_one_comes() -> None:
    node = grown_node()
    told, newest = dict(node.contracts), node.tip.number
    node.say(PAIR_A, reserves=words(1, 2, 3))  # of the block that is being made
    driver = Driver(node, config_of(factories=factories(), start_block="latest"))
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    driver.settle()
    assert snapshots(driver) == {}
    node.contracts = told  # that block is there: what is told of the one before is of that
    driver.announce(node.mine(1)).settle()
    pair = snapshots(driver)[PAIR_A]
    assert (pair.block_number, pair.reserve0, pair.reserve1) == (newest, 10**18, 3 * 10**9)
    assert driver.canonical() == chain_of(node, first=newest + 1)


def test_what_a_node_tells_of_its_newest_block_is_believed_after_a_while_without_a_next_one() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block="latest"))
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    driver.settle().tick(400)
    assert snapshots(driver) == {}
    driver.tick(100)
    assert snapshots(driver).keys() == {PAIR_A, POOL_C}


def test_what_a_node_tells_of_a_block_that_another_follows_is_asked_once() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block=node.tip.number)).open()
    assert snapshots(driver).keys() == {PAIR_A, POOL_C}


def test_a_reorg_of_the_block_that_was_read_has_it_read_again() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block="latest"))
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    while not any(call.method == "eth_call" for call in driver.calls):
        driver.answer(driver.calls[0])
    node.reorg(1)
    driver.settle().tick(500)
    found = snapshots(driver)
    assert "changed while its state was read" in driver.faults[0]
    assert found[PAIR_A].block_hash == bytes.fromhex(node.tip.hash[2:])


def test_a_chain_whose_first_block_has_no_state_any_more_begins_at_the_newest() -> None:
    node = FullNode()
    node.add_pairs(3)
    node.mine(0, blocks=300)
    driver = Driver(node, config_of(start_block="latest"))
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    while not any(call.method == "eth_call" for call in driver.calls):
        driver.answer(driver.calls[0])
    node.add_pairs(1)
    node.mine(0, blocks=150)
    newest = node.tip.number
    follow(driver.announce(node.tip), seconds=8)
    assert {pool.block_number for pool in snapshots(driver).values()} == {newest}
    assert len(snapshots(driver)) == 4
    assert "pools as of block 303: the node answered -32000: missing trie node" in driver.faults[0]
    follow(driver.announce(node.mine(1)), seconds=3)
    assert driver.canonical() == chain_of(node, first=newest + 1)
    asked = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    assert [one["fromBlock"] for one in asked[:2]] == ["0x0", hex(303 - driver.config.window_blocks + 1)]


def test_a_newest_block_that_nobody_has_does_not_keep_a_chain_from_beginning() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block="latest"))
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    driver.answer(driver.calls[0])
    driver.frame(head_notice(FakeBlock(10**9, "0x" + "ab" * 32, "0x" + "cd" * 32, [])))
    follow(driver, seconds=40)
    assert snapshots(driver).keys() == {PAIR_A, POOL_C}
    assert driver.mine(blocks=2).canonical() == chain_of(node, first=353)


@pytest.mark.parametrize("is_restarted", [False, True])
@pytest.mark.parametrize("sealed", [0, 1, 4])
@pytest.mark.parametrize(("depth", "blocks"), [(1, 1), (1, 2), (3, 5), (3, 60)])
def test_a_reorg_of_the_first_tip_has_the_chain_begin_anew_after_the_block_in_its_place(
    depth: int, blocks: int, sealed: int, is_restarted: bool
) -> None:
    node = grown_node()
    driver = opened(node)
    first = node.tip
    assert snapshots(driver)[PAIR_A].block_hash == bytes.fromhex(first.hash[2:])
    driver.mine(blocks=sealed)
    told = driver.emitted_logs()
    gone = [block.hash for block in node.blocks[first.number :]]
    if is_restarted:
        before, driver = driver.steps, Driver(node, driver.config, driver.state).open()
        driver.steps[:0] = before
    node.reorg(sealed + depth, blocks=sealed + blocks)
    while node.tip.number < first.number:
        node.mine(1)
    driver.announce(node.tip).settle()
    driver.tick(500)
    driver.settle().tick(500)
    driver.settle(ticks=2)
    assert driver.stop is None
    assert driver.follower.tip == (node.tip.number, bytes.fromhex(node.tip.hash[2:]))
    assert driver.canonical() == chain_of(node, first=first.number + 1)
    after = node.blocks[first.number + 1 :]
    assert driver.emitted_logs() == [*told, *((block.hash, 0) for block in after if block.logs)]
    assert snapshots(driver).keys() == {PAIR_A, POOL_C}
    replacing = bytes.fromhex(node.blocks[first.number].hash[2:])
    assert {pool.block_hash for pool in snapshots(driver).values()} == {replacing}
    left = [("0x" + event.block_hash.hex(), event.kind) for event in driver.events("reorg")]
    assert left == [(block_hash, "reverted") for block_hash in reversed(gone)]
    again = Driver(node, driver.config, driver.state).open()
    assert again.follower.tip == driver.follower.tip
    assert (again.blocks, snapshots(again), again.faults) == ([], {}, [])


def test_a_first_tip_that_left_and_is_back_is_not_read_again() -> None:
    node = grown_node()
    driver = opened(node)
    left = node.reorg(1, blocks=2)
    driver.announce(node.tip).settle()
    node.go_back_to(left)
    driver.tick(500)
    driver.settle()
    driver.mine(blocks=2)
    assert driver.canonical() == chain_of(node, first=left[0].number + 1)
    assert len(begun(driver.steps)) == 2
    assert driver.events("reorg") == []


def test_a_start_before_the_factories_reads_all_from_logs() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories())).open()
    assert snapshots(driver) == {}
    assert driver.canonical() == chain_of(node)
    assert len(driver.events("token")) == 3
    assert not any(
        method == "eth_call" and params[0]["data"].startswith("0x0902f1ac") for method, params in node.asked
    )


def test_a_start_in_the_middle_reads_the_state_before_it() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block=100)).open()
    assert set(snapshots(driver)) == {PAIR_A}
    assert snapshots(driver)[PAIR_A].block_number == 99
    assert driver.canonical() == chain_of(node, first=100)


def test_a_start_that_is_not_mined_yet_is_waited_for() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block=node.tip.number + 3)).open()
    assert snapshots(driver) == {}
    driver.mine(1, blocks=5)
    assert driver.canonical() == chain_of(node, first=node.tip.number - 2)


def test_a_listed_pool_is_recognised_by_its_factory() -> None:
    node = grown_node()
    node.add_v2(PAIR_B, "0x" + "99" * 20, (TOKEN_X, TOKEN_Y), (1, 2))
    late = tuple(
        FactoryConfig(address=f.address, protocol=f.protocol, dex=f.dex, from_block=10**9)
        for f in factories()
    )
    driver = Driver(
        node, config_of(factories=late, start_block="latest", pools=(PAIR_A, POOL_C, PAIR_B))
    ).open()
    assert set(snapshots(driver)) == {PAIR_A, POOL_C}
    assert snapshots(driver)[POOL_C].fee_ppm == 3000
    assert driver.faults == [
        f"Unknown: chain local: pool {PAIR_B}: expected a pool of a known factory,"
        f" found the factory 0x{'99' * 20}"
    ]


def test_a_pool_whose_ticks_cannot_be_read_is_left_out_and_told() -> None:
    node = grown_node()
    node.contracts[POOL_C, "0xf30dba93" + words(60)[2:]] = "revert"
    driver = opened(node)
    assert set(snapshots(driver)) == {PAIR_A}
    assert "ticks(60)" in driver.faults[0]


def test_a_restart_in_the_middle_of_opening_begins_it_again() -> None:
    node = grown_node()
    config = config_of(factories=factories(), start_block="latest")
    first = Driver(node, config)
    first.feed(first.entry(first.entries[0].kind.OPEN))
    for _ in range(4):
        first.answer(first.calls[0])
    second = Driver(node, config, state=first.state).open()
    assert set(snapshots(second)) == {PAIR_A, POOL_C}
    third = Driver(node, config, state=second.state).open()
    assert snapshots(third) == {}
    assert third.events("token") == []


def test_a_backfill_seals_ranges_and_says_what_they_cover() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories())).open()
    ranges = [block for block in driver.blocks if isinstance(block, Sealed) and len(block.heads) > 1]
    assert ranges
    covered = [(event.from_block, event.to_block) for event in driver.events("coverage")]
    assert covered[0][0] == 0
    assert covered[-1][1] == node.tip.number
    assert all(before[1] + 1 == after[0] for before, after in pairwise(covered))


def test_a_range_whose_logs_and_headers_disagree_is_read_again() -> None:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories()))
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    while not any(call.method == "eth_getLogs" for call in driver.calls):
        driver.answer(driver.calls[-1])
    logs_call = next(call for call in driver.calls if call.method == "eth_getLogs")
    driver.answer(logs_call)
    node.reorg(200)
    driver.settle(ticks=1)
    assert "the range is read again" in driver.faults[0]
    driver.mine()
    assert driver.canonical() == chain_of(node)


@pytest.mark.parametrize(
    ("changes", "words_said"),
    [
        ({"ws_url": None}, "expected ws_url or http_url"),
        ({"ws_url": "http://x"}, "expected ws:// or wss://"),
        ({"http_url": "ws://x"}, "expected http:// or https://"),
        ({"factories": ()}, "there is nothing to track"),
        ({"settle_blocks": 40}, "settle_blocks"),
        ({"window_blocks": 8}, "walk_blocks_max"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused_by_name(
    changes: dict[str, object], words_said: str
) -> None:
    with pytest.raises(Refused, match=words_said):
        check_config(config_of(**changes))


def test_an_exchange_that_is_not_on_the_chain_is_refused_with_those_that_are() -> None:
    with pytest.raises(Refused, match="expected one of dragonswap_v1, dragonswap_v2, sailor, yaka"):
        factories_of(EvmConfig(source="sei", chain_id=1329, dexes=("uniswap_v2",)))


def test_every_fork_is_data_that_can_be_used() -> None:
    forks = load_forks()
    assert len({fork.dex for fork in forks}) >= 9
    for fork in forks:
        assert 0 < fork.fee_numerator < fork.fee_denominator
        assert all(len(address) == 42 for address in fork.factories.values())
        for chain_id in fork.factories:
            found = factories_of(EvmConfig(source="x", chain_id=chain_id, dexes=(fork.dex,)))
            assert len(found) == 1
