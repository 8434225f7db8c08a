"""Does the machine end on the node's chain, whatever the order and the accidents on the way."""

import json
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.chains.evm.steps import Restored, Reverted, Sealed
from tidemill.core.recording import Kind

from .driver import Driver, chain_of, config_of, encoded
from .fake_node import FakeBlock, FakeNode, head_notice, log_notices


def all_logs(node: FakeNode) -> list[tuple[str, int]]:
    return [(block.hash, index) for block in node.blocks for index in range(len(block.logs))]


def test_announced_blocks_are_sealed_with_their_logs() -> None:
    driver = Driver(FakeNode()).open().mine(log_count=3, blocks=5)
    assert driver.canonical() == chain_of(driver.node)
    assert driver.emitted_logs() == all_logs(driver.node)
    assert driver.faults == []


def test_a_sealed_block_says_when_it_was_first_seen_and_when_it_was_complete() -> None:
    driver = Driver(FakeNode()).open()
    block = driver.node.mine(1)
    driver.frame(head_notice(block))
    seen_ns = driver.now_ns
    driver.settle()
    sealed = driver.blocks[-1]
    assert isinstance(sealed, Sealed)
    assert sealed.first_seen_ns == (seen_ns,)
    assert sealed.recv_ns == (driver.now_ns,)


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
def test_a_reorg_reverts_its_blocks_and_seals_the_new_ones(depth: int) -> None:
    driver = Driver(FakeNode()).open().mine(2, blocks=8)
    left = driver.node.reorg(depth, log_count=1)
    driver.announce(*driver.node.blocks[-depth:]).settle()
    assert driver.canonical() == chain_of(driver.node)
    reverted = [block for block in driver.blocks if isinstance(block, Reverted)]
    assert ["0x" + block.head.hash.hex() for block in reverted] == [block.hash for block in reversed(left)]
    assert [event.kind for event in driver.events("reorg")] == ["reverted"] * depth


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_a_reorg_of_which_only_the_last_head_is_announced_is_walked_back(depth: int) -> None:
    driver = Driver(FakeNode()).open().mine(blocks=8)
    driver.node.reorg(depth, blocks=depth + 1)
    driver.announce(driver.node.tip).settle()
    assert driver.canonical() == chain_of(driver.node)


def test_a_chain_that_became_shorter_is_followed() -> None:
    driver = Driver(FakeNode()).open().mine(blocks=8)
    driver.node.reorg(4, blocks=1)
    driver.announce(driver.node.tip).settle()
    assert driver.canonical() == chain_of(driver.node)


def test_a_flip_back_restores_blocks_whose_events_are_not_emitted_again() -> None:
    driver = Driver(FakeNode()).open().mine(2, blocks=6)
    left = driver.node.reorg(2)
    driver.announce(*driver.node.blocks[-2:]).settle()
    driver.node.go_back_to(left)
    driver.node.mine(1)
    driver.announce(*driver.node.blocks[-3:]).settle()
    assert driver.canonical() == chain_of(driver.node)
    restored = [block for block in driver.blocks if isinstance(block, Restored)]
    assert ["0x" + block.head.hash.hex() for block in restored] == [block.hash for block in left]
    assert all(len(block.logs) == 2 and block.new_log_indexes == () for block in restored)
    emitted = driver.emitted_logs()
    assert len(emitted) == len(set(emitted))
    sequences = [event.sequence for event in driver.events("reorg")]
    assert sequences == sorted(set(sequences))


def test_a_lagging_node_that_repeats_an_old_head_changes_nothing() -> None:
    driver = Driver(FakeNode()).open().mine(blocks=5)
    before = len(driver.blocks)
    driver.announce(driver.node.blocks[2]).settle()
    assert len(driver.blocks) == before
    assert driver.follower.stale_head_count >= 1


def test_a_node_that_lags_below_the_window_stops_nothing_and_is_told_once() -> None:
    config = config_of(window_blocks=12, walk_blocks_max=10, settle_blocks=2)
    driver = Driver(FakeNode(), config).open().mine(blocks=30)
    driver.announce(*driver.node.blocks[3:6]).settle()
    assert driver.stop is None
    assert [fault for fault in driver.faults if "it lags" in fault] == [
        "Gap: chain local: expected a head near block 30, the node announces 3:"
        " it lags, or its chain is another one"
    ]
    driver.mine(blocks=3)
    assert driver.canonical() == chain_of(driver.node)


def test_a_head_that_no_chain_leads_to_is_given_up() -> None:
    driver = Driver(FakeNode()).open().mine(blocks=3)
    for number in (5, 50, 10**15):
        bogus = FakeBlock(number, "0x" + "ab" * 32, "0x" + "cd" * 32, [])
        driver.announce(bogus).settle(ticks=12)
        driver.mine(blocks=2)
        driver.settle(ticks=12)
    assert driver.canonical() == chain_of(driver.node)
    assert driver.stop is None


def test_a_head_with_the_wrong_hash_is_replaced_by_the_next() -> None:
    driver = Driver(FakeNode()).open().mine(blocks=3)
    block = driver.node.mine()
    driver.announce(FakeBlock(block.number, "0x" + "ab" * 32, block.parent, [])).settle()
    driver.mine(blocks=2)
    driver.settle(ticks=3)
    assert driver.canonical() == chain_of(driver.node)


@pytest.mark.parametrize("skipped", [1, 2, 10, 31, 32, 33, 100])
def test_a_gap_in_the_heads_is_filled(skipped: int) -> None:
    driver = Driver(FakeNode()).open().mine(blocks=3)
    driver.node.mine(2, blocks=skipped)
    driver.announce(driver.node.mine(1)).settle()
    assert driver.canonical() == chain_of(driver.node)
    assert driver.emitted_logs() == all_logs(driver.node)


def test_a_gap_with_a_reorg_in_it_is_filled_from_where_the_branches_part() -> None:
    driver = Driver(FakeNode()).open().mine(blocks=20)
    driver.node.reorg(7, blocks=60)
    driver.announce(driver.node.tip).settle()
    assert driver.canonical() == chain_of(driver.node)


def test_a_reorg_below_the_window_stops_the_chain() -> None:
    config = config_of(window_blocks=12, walk_blocks_max=10, settle_blocks=2)
    driver = Driver(FakeNode(), config).open().mine(blocks=30)
    driver.node.reorg(20)
    driver.announce(driver.node.tip).settle()
    assert driver.stop is not None
    assert driver.stop.startswith("Unsafe: chain local: ")
    assert driver.events("coverage")[-1].status == "gap"
    assert driver.mine().blocks == driver.blocks


def test_a_lost_connection_is_made_up_for_when_it_is_back() -> None:
    driver = Driver(FakeNode()).open().mine(blocks=3)
    driver.announce(driver.node.mine(2))  # its logs are never answered here
    driver.close()
    driver.node.mine(1, blocks=50)
    driver.open()
    assert driver.canonical() == chain_of(driver.node)
    assert driver.emitted_logs() == all_logs(driver.node)
    states = [event.state for event in driver.events("health")]
    assert states == ["connecting", "live", "leading", "down", "connecting", "live", "leading"]


def test_a_restart_goes_on_where_the_state_says() -> None:
    node = FakeNode()
    first = Driver(node).open().mine(2, blocks=10)
    node.mine(1, blocks=5)
    second = Driver(node, state=first.state).open()
    assert second.canonical() == chain_of(node, first=11)
    assert second.faults == []


def test_a_restart_after_a_reorg_reverts_what_was_stored_before() -> None:
    node = FakeNode()
    first = Driver(node).open().mine(2, blocks=10)
    left = node.reorg(3, blocks=4)
    second = Driver(node, state=first.state).open()
    reverted = [block for block in second.blocks if isinstance(block, Reverted)]
    assert ["0x" + block.head.hash.hex() for block in reverted] == [block.hash for block in reversed(left)]
    assert second.follower.tip == (node.tip.number, bytes.fromhex(node.tip.hash[2:]))


def test_the_state_does_not_grow_with_the_chain() -> None:
    config = config_of(window_blocks=40, walk_blocks_max=10, settle_blocks=2)
    driver = Driver(FakeNode(), config).open().mine(blocks=200)
    assert len(driver.state) <= 42


def test_an_answer_that_lacks_an_announced_log_is_asked_again() -> None:
    driver = Driver(FakeNode()).open()
    block = driver.node.mine(3)
    driver.node.lies["eth_getLogs"] = lambda logs: logs[:1]
    driver.announce(block).settle()
    assert driver.canonical()[-1][0] == 0
    assert "announced" in driver.faults[0]
    del driver.node.lies["eth_getLogs"]
    driver.settle(ticks=3)
    assert driver.canonical() == chain_of(driver.node)
    assert driver.emitted_logs() == all_logs(driver.node)


def test_a_log_announced_after_sealing_has_its_block_sealed_again_and_emits_it_once() -> None:
    driver = Driver(FakeNode()).open().mine(1, blocks=2)
    block = driver.node.mine(3)
    driver.node.lies["eth_getLogs"] = lambda logs: logs[:1]
    driver.frame(head_notice(block))
    driver.settle()
    driver.mine(1)
    for notice in log_notices(block):
        driver.frame(notice)
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(driver.node)[: block.number]
    del driver.node.lies["eth_getLogs"]
    driver.settle(ticks=3)
    assert driver.canonical() == chain_of(driver.node)
    emitted = driver.emitted_logs()
    assert sorted(emitted) == sorted(all_logs(driver.node))
    statuses = [event.status for event in driver.events("coverage")]
    assert "gap" in statuses
    assert "repaired" in statuses


def test_answers_that_come_twice_or_to_nothing_are_counted_and_ignored() -> None:
    driver = Driver(FakeNode()).open()
    driver.announce(driver.node.mine(2))
    call = driver.calls[-1]
    answer = driver.node.answer(call.encode())
    driver.settle()
    before = len(driver.blocks)
    driver.frame(answer)
    driver.frame(b'{"jsonrpc":"2.0","id":999999,"result":[]}')
    assert len(driver.blocks) == before
    assert driver.follower.unknown_answer_count == 2


def test_a_question_without_an_answer_is_asked_again() -> None:
    driver = Driver(FakeNode()).open()
    driver.announce(driver.node.mine(2))
    driver.calls.clear()
    driver.tick(10_001)
    driver.settle()
    assert driver.canonical() == chain_of(driver.node)
    assert "expected an answer to eth_getLogs within 10000 ms" in driver.faults[0]


def test_an_answer_about_another_block_is_quarantined_and_asked_again() -> None:
    driver = Driver(FakeNode()).open()
    block = driver.node.mine(1)
    driver.node.lies["eth_getLogs"] = lambda logs: [log | {"blockHash": "0x" + "ee" * 32} for log in logs]
    driver.announce(block).settle()
    assert driver.steps[-1].quarantine
    del driver.node.lies["eth_getLogs"]
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(driver.node)


def test_a_frozen_socket_is_found_within_5_s_and_replaced() -> None:
    driver = Driver(FakeNode()).open().mine()
    frozen_ns = driver.now_ns
    while not driver.steps[-1].reconnect:
        driver.tick()
        assert driver.now_ns - frozen_ns < 5_000 * 1_000_000
    assert driver.steps[-1].reconnect == ["ws"]
    health = driver.events("health")[-1]
    assert (health.state, "and no answer to a question" in health.detail) == ("stale", True)


def test_a_socket_whose_subscription_died_is_found_within_5_s_and_loses_nothing() -> None:
    driver = Driver(FakeNode()).open().mine()
    frozen_ns = driver.now_ns
    driver.node.mine(2, blocks=3)
    while not driver.steps[-1].reconnect:
        driver.tick()
        driver.settle()
        assert driver.now_ns - frozen_ns < 5_000 * 1_000_000
    assert "though it has block 4" in driver.events("health")[-1].detail
    assert driver.canonical() == chain_of(driver.node)


def test_a_slow_market_is_no_frozen_socket() -> None:
    """An hour of blocks that are 1 to 90 s apart."""
    driver, chance = Driver(FakeNode()).open(), random.Random(7)
    end_ns = driver.now_ns + 3_600 * 1_000_000_000
    while driver.now_ns < end_ns:
        for _ in range(chance.choice((1, 2, 12, 12, 12, 30, 90)) * 4):
            driver.tick(250)
            driver.settle()
        driver.mine()
    assert not any(step.reconnect for step in driver.steps)
    assert {event.state for event in driver.events("health")} == {"connecting", "live", "leading"}


def test_the_wrong_chain_is_refused_and_named() -> None:
    driver = Driver(FakeNode(chain_id=1)).open()
    assert driver.stop == "Refused: chain local: ws://127.0.0.1:1: expected chain id 31337, found 1"
    assert driver.canonical() == []


def test_a_method_that_the_node_lacks_is_refused() -> None:
    node = FakeNode()
    driver = Driver(node)
    driver.feed(driver.entry(Kind.OPEN))
    call = driver.calls.pop()
    error = {"jsonrpc": "2.0", "id": call.id, "error": {"code": -32601, "message": "no such method"}}
    driver.frame(json.dumps(error).encode())
    assert driver.stop is not None
    assert "-32601" in driver.stop


@given(st.integers(0, 2**32), st.integers(1, 5), st.booleans())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_order_of_answers_gives_the_same_blocks(seed: int, depth: int, is_reorg: bool) -> None:
    driver = Driver(FakeNode()).open()
    for _ in range(6):
        driver.announce(driver.node.mine(2))
    driver.shuffled(seed)
    if is_reorg:
        driver.node.reorg(depth, blocks=depth + 1)
    else:
        driver.node.mine(1, blocks=depth * 12)
    driver.announce(driver.node.tip)
    driver.shuffled(seed + 1)
    assert driver.canonical() == chain_of(driver.node)
    emitted = driver.emitted_logs()
    assert len(emitted) == len(set(emitted))
    assert set(all_logs(driver.node)) <= set(emitted)


@given(st.lists(st.binary(max_size=200), max_size=20))
@settings(max_examples=100, deadline=None)
def test_random_bytes_give_faults_and_nothing_else(frames: list[bytes]) -> None:
    driver = Driver(FakeNode()).open().mine(blocks=2)
    for frame in frames:
        driver.frame(frame)
    driver.mine(blocks=2)
    assert driver.canonical() == chain_of(driver.node)
    assert driver.stop is None


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_mutated_frames_never_stop_or_corrupt_the_machine(data: st.DataObject) -> None:
    driver = Driver(FakeNode()).open()
    block = driver.node.mine(2)
    driver.announce(block)
    frame = bytearray(driver.node.answer(driver.calls[-1].encode()))
    for _ in range(data.draw(st.integers(1, 4))):
        frame[data.draw(st.integers(0, len(frame) - 1))] = data.draw(st.integers(0, 255))
    driver.frame(bytes(frame))
    assert driver.stop is None


@given(st.lists(st.integers(1, 40), min_size=1, max_size=30), st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_entries_give_the_same_however_they_are_grouped(sizes: list[int], seed: int) -> None:
    live = Driver(FakeNode()).open()
    for _ in range(5):
        live.announce(live.node.mine(3))
    live.shuffled(seed)
    live.node.reorg(2)
    live.announce(live.node.tip).settle()
    live.tick()
    again = Driver(FakeNode())
    again.steps.clear()
    at, step = 1, 0
    replayed = [live.steps[0]]
    while at < len(live.entries):
        size = sizes[step % len(sizes)]
        replayed.append(again.feed(*live.entries[at : at + size]))
        at, step = at + size, step + 1
    assert encoded(replayed) == encoded(live.steps)
