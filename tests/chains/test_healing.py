"""Is a pool that contradicts its logs read anew, at the right block, and no more often than it may be."""

from typing import Any

import pytest

from tidemill.chains.evm.follower import EvmFollower, drift_entry
from tidemill.chains.evm.steps import Call, Reread, Restored, Reverted, Sealed
from tidemill.core.recording import Entry, Kind

from .contracts import MulticallNode, words
from .driver import Driver, chain_of, config_of, encoded
from .test_opening import POOL_C, TICKS, factories, grown_node

POOL = bytes.fromhex(POOL_C[2:])
HOUR_MS = 3_600_000


def opened(**changes: Any) -> tuple[MulticallNode, Driver]:
    node = grown_node()
    driver = Driver(node, config_of(factories=factories(), start_block="latest", **changes)).open()
    driver.mine(1)
    return node, driver


def drift(driver: Driver, *pools: bytes) -> None:
    driver.now_ns += 1_000_000
    driver.feed(drift_entry(pools or (POOL,), driver.now_ns))


def rereads(driver: Driver) -> list[Reread]:
    return [block for block in driver.blocks if isinstance(block, Reread)]


def order(driver: Driver) -> list[tuple[str, int]]:
    """What happened to the chain, in order: a letter and the block's number."""
    found: list[tuple[str, int]] = []
    for block in driver.blocks:
        match block:
            case Sealed():
                found += [("sealed", head.number) for head in block.heads]
            case Reverted() | Restored():
                found.append((type(block).__name__.lower(), block.head.number))
            case Reread():
                found += [("reread", pool.block_number) for pool in block.pools]
    return found


def answer(driver: Driver, method: str) -> None:
    """Answer the calls of one method that are open now."""
    for call in [call for call in driver.calls if call.method == method]:
        driver.answer(call)


def cover(driver: Driver) -> list[tuple[str, int, str]]:
    return [
        (event.status.value, event.to_block, event.cause)
        for event in driver.events("coverage")
        if "0x" in event.cause
    ]


def test_a_drifted_pool_is_read_anew_after_the_tip_and_told_as_repaired() -> None:
    node, driver = opened()
    tip = node.tip.number
    drift(driver)
    driver.settle(ticks=1)
    (reread,) = rereads(driver)
    (pool,) = reread.pools
    assert (pool.address, pool.block_number, "0x" + pool.block_hash.hex()) == (POOL, tip, node.tip.hash)
    assert pool.ticks == tuple((tick, *TICKS[tick]) for tick in sorted(TICKS))
    assert cover(driver) == [
        ("gap", tip, f"pool {POOL_C}: its ticks are not known"),
        ("repaired", tip, f"pool {POOL_C}: read anew after block {tip}"),
    ]
    assert driver.faults == []


def test_a_state_is_told_as_received_with_the_answer_that_its_block_is_still_the_same() -> None:
    node, driver = opened()
    drift(driver)
    driver.settle(ticks=1)
    (pool,) = rereads(driver)[0].pools
    (completing,) = [entry for entry in driver.entries if entry.recv_ns == pool.recv_ns]
    assert node.tip.hash.encode() in completing.data
    assert driver.now_ns > pool.recv_ns, "it was the newest block: for a while the node might mix in the next"


def test_no_block_is_sealed_while_a_pool_is_read_and_those_that_waited_are_sealed_after_it() -> None:
    node, driver = opened()
    tip = node.tip.number
    drift(driver)
    driver.announce(node.mine(1), node.mine(2))
    answer(driver, "eth_getLogs")
    assert order(driver)[-1] == ("sealed", tip)
    driver.settle()
    assert order(driver)[-3:] == [("reread", tip), ("sealed", tip + 1), ("sealed", tip + 2)]
    driver.mine(1)
    assert driver.canonical() == chain_of(node, first=tip)


def test_blocks_do_not_wait_for_the_state_of_coins_pools_but_where_it_never_comes_in_time() -> None:
    node, before = opened()
    told = {b"chain/local/coins/" + POOL: b"curve_stable"}
    driver = Driver(node, before.config, before.state | told).open()
    tip = node.tip.number
    for number in range(tip + 1, tip + 5):
        drift(driver)
        driver.announce(node.mine(1))
        answer(driver, "eth_getLogs")
        assert order(driver)[-1] == ("sealed", number)
    drift(driver)
    driver.announce(node.mine(1))
    answer(driver, "eth_getLogs")
    assert order(driver)[-1] == ("sealed", tip + 4)
    driver.settle()
    assert order(driver)[-1] == ("sealed", tip + 5)
    assert driver.canonical() == chain_of(node, first=tip + 1)


def test_a_coins_pool_that_was_followed_is_a_fault_where_two_readings_in_a_row_cannot_tell_it() -> None:
    node, before = opened()
    told = {b"chain/local/coins/" + POOL: b"curve_stable"}  # it is none: its readings fail
    driver = Driver(node, before.config, before.state | told).open()
    for reading in range(1, 4):
        drift(driver)
        driver.settle()
        assert len(driver.faults) == reading - 1
        assert all("Unknown: chain local: pool 0x" in fault for fault in driver.faults)


@pytest.mark.parametrize("when", range(1, 5))
def test_a_pool_whose_block_leaves_the_chain_meanwhile_is_read_again(when: int) -> None:
    node, driver = opened()
    driver.mine(1, blocks=3)
    tip = node.tip.number
    drift(driver)
    for _ in range(when - 1):
        driver.answer(driver.calls[0])
    node.reorg(2, blocks=3)
    driver.announce(*node.blocks[-3:])
    driver.settle()
    found = order(driver)
    assert found[found.index(("reverted", tip)) :] == [
        ("reverted", tip),
        ("reverted", tip - 1),
        ("reread", tip - 2),
        ("sealed", tip - 1),
        ("sealed", tip),
        ("sealed", tip + 1),
    ]
    assert driver.canonical() == chain_of(node, first=driver.canonical()[0][0])


def test_what_a_node_tells_of_its_newest_block_is_asked_again_where_the_next_one_comes() -> None:
    node, driver = opened()
    tip = node.tip.number
    told = dict(node.contracts)
    node.say(POOL_C, liquidity=words(99))  # of the block that is being made
    drift(driver)
    driver.settle()
    assert rereads(driver) == []
    node.contracts = told  # that block is there: what is told of the tip is of the tip
    driver.announce(node.mine(1)).settle()
    (reread,) = rereads(driver)
    assert [(pool.block_number, pool.liquidity) for pool in reread.pools] == [(tip, 12)]
    assert order(driver)[-2:] == [("reread", tip), ("sealed", tip + 1)]


def test_what_a_node_tells_of_a_block_that_another_follows_is_asked_once() -> None:
    node, driver = opened()
    driver.tick()
    tip = node.tip.number
    driver.announce(node.mine(1))
    drift(driver)
    driver.settle()
    assert order(driver)[-2:] == [("reread", tip), ("sealed", tip + 1)]


def test_a_node_that_is_on_another_branch_is_not_believed() -> None:
    node, driver = opened()
    tip = node.tip
    drift(driver)
    left = node.reorg(1)
    while driver.calls:
        driver.answer(driver.calls[0])
    assert rereads(driver) == []
    assert "changed while pools were read" in driver.faults[-1]
    node.go_back_to(left)
    driver.settle(ticks=2)
    (reread,) = rereads(driver)
    assert reread.pools[0].block_number == tip.number


def test_a_node_that_does_not_tell_the_state_holds_up_the_chain_for_a_bounded_time() -> None:
    node, driver = opened(heal_timeout_ms=2_000)
    tip = node.tip.number
    drift(driver)
    driver.announce(node.mine(1))
    silent: list[Call] = [call for call in driver.calls if call.method == "eth_call"]
    driver.calls = [call for call in driver.calls if call.method != "eth_call"]
    driver.settle()
    assert order(driver)[-1] == ("sealed", tip)
    for _ in range(50):
        driver.tick()
    assert order(driver)[-1] == ("sealed", tip + 1)
    assert driver.faults == [
        f"Unreachable: chain local: expected the state of pool {POOL_C} after block {tip} within 2000 ms,"
        " found none: read again later"
    ]
    for call in silent:
        driver.frame(node.answer(call.encode()))  # too late: nobody asks any more
    assert rereads(driver) == []
    driver.tick(10_000)
    driver.settle(ticks=1)
    assert rereads(driver)[0].pools[0].block_number == tip + 1


def test_a_pool_that_drifts_again_and_again_waits_until_the_hour_is_over() -> None:
    node, driver = opened(heals_per_hour_max=2)
    for _ in range(3):
        drift(driver)
        driver.mine(1)
    assert len(rereads(driver)) == 2
    (fault,) = driver.faults
    assert fault.startswith(
        f"Gap: chain local: pool {POOL_C}: expected at most 2 readings anew within an hour"
    )
    driver.tick(HOUR_MS // 2)
    driver.settle()
    assert len(rereads(driver)) == 2
    driver.tick(HOUR_MS)
    driver.settle(ticks=1)
    assert len(rereads(driver)) == 3
    assert rereads(driver)[-1].pools[0].block_number == node.tip.number


def test_a_pool_that_is_asked_for_twice_is_read_once() -> None:
    _, driver = opened()
    drift(driver)
    drift(driver)
    driver.settle(ticks=1)
    assert len(rereads(driver)) == 1
    assert len(cover(driver)) == 2


def test_a_pool_that_cannot_be_read_does_not_spoil_the_others_and_is_tried_again() -> None:
    _, driver = opened()
    stranger = b"\x77" * 20
    drift(driver, stranger, POOL)
    driver.settle(ticks=1)
    assert [pool.address for reread in rereads(driver) for pool in reread.pools] == [POOL]
    assert any("Unknown: chain local: pool 0x7777" in fault for fault in driver.faults)
    driver.tick(10_000)
    assert [call for call in driver.calls if call.method == "eth_call"]


def test_a_pool_that_was_incomplete_when_the_run_ended_is_read_anew_near_the_tip() -> None:
    node, before = opened()
    node.mine(1, blocks=40)
    again = Driver(node, config_of(factories=factories(), start_block="latest"), before.state)
    drift(again)
    assert again.calls == []
    again.open().settle(ticks=3)
    assert order(again)[-1] == ("reread", node.tip.number)
    assert [entry for entry in order(again) if entry[0] == "sealed"][-1] == ("sealed", node.tip.number)


@pytest.mark.parametrize("size", [1, 3, 1_000])
def test_the_same_entries_give_the_same_steps_however_they_are_grouped(size: int) -> None:
    node, driver = opened()
    drift(driver)
    driver.announce(node.mine(2), node.mine(1)).settle()
    node.reorg(1)
    drift(driver)
    driver.announce(node.tip).settle()
    follower = EvmFollower(driver.config, None, "run")
    entries: list[Entry] = driver.entries
    assert any(entry.kind is Kind.DRIFT for entry in entries)
    steps = [follower.step(entries[at : at + size]) for at in range(0, len(entries), size)]
    assert encoded(steps) == encoded(driver.steps)
