"""Are many blocks read in few questions, however few blocks a node takes at once."""

import random
from typing import Any

import pytest

from tidemill.chains.evm.ranges import RangeSize
from tidemill.chains.evm.scorecard import Vice
from tidemill.chains.evm.steps import Call

from .driver import Driver, chain_of, config_of
from .fake_node import FakeBlock, FakeNode, Refusal, head_notice, log_notices


def is_range(call: Call) -> bool:
    return call.method == "eth_getLogs" and b"fromBlock" in call.encode()


def ranges_asked(node: FakeNode) -> list[int]:
    """How many blocks each question for a range of logs was about."""
    bounds = [params[0] for method, params in node.asked if method == "eth_getLogs"]
    return [
        int(bound["toBlock"], 16) - int(bound["fromBlock"], 16) + 1 for bound in bounds if "toBlock" in bound
    ]


class SlowNode(FakeNode):
    """A node that, while it is slow, finds no range of logs in its time."""

    is_slow = False

    def _result(self, method: str, params: Any) -> Any:
        if self.is_slow and method == "eth_getLogs" and "fromBlock" in params[0]:
            raise Refusal(-32000, "request timed out")
        return super()._result(method, params)


@pytest.mark.parametrize("seed", range(4))
def test_a_node_that_takes_few_blocks_at_once_is_asked_no_more_than_is_set_and_in_order(seed: int) -> None:
    node, chance = FakeNode(range_max=10), random.Random(seed)
    driver = Driver(node, config_of(ranges_in_flight_max=3)).open().mine(blocks=2)
    driver.close()
    node.mine(1, blocks=2_000)
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    most = 0
    while driver.calls:
        most = max(most, sum(map(is_range, driver.calls)))
        driver.answer(chance.choice(driver.calls))
    assert most == 3
    assert driver.canonical() == chain_of(node)
    assert driver.emitted_logs() == [(block.hash, 0) for block in node.blocks if block.logs]
    assert driver.faults == []
    assert len(ranges_asked(node)) < 2_000 / 5 + 30


def test_a_range_told_without_logs_on_another_branch_is_read_again() -> None:
    node, other = FakeNode(), FakeNode()
    driver = Driver(node).open().mine(blocks=3)
    other.blocks = list(node.blocks)
    node.mine(1, blocks=100)
    other.mine(0, blocks=101)
    driver.frame(head_notice(node.tip))
    driver.node = other  # as behind one address of many nodes
    while not any(map(is_range, driver.calls)):
        driver.answer(driver.calls[-1])
    driver.answer(next(filter(is_range, driver.calls)))
    driver.node = node
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(node)
    assert driver.emitted_logs() == [(block.hash, 0) for block in node.blocks[1:]]
    (fault,) = (fault for fault in driver.faults if "read again" in fault)
    assert "block 94: its header is not the one that was told with the range's logs" in fault


class TornNode(FakeNode):
    """A node whose logs of ranges are, while it is torn, of another branch than its headers."""

    is_torn = False

    def _result(self, method: str, params: Any) -> Any:
        found = super()._result(method, params)
        if self.is_torn and method == "eth_getLogs" and "fromBlock" in params[0]:
            return [log | {"blockHash": "0x" + "ab" * 32} for log in found]
        return found


def test_a_node_that_contradicts_itself_is_asked_ever_less_often_and_held_to_have_failed() -> None:
    node = TornNode()
    driver = Driver(node).open().mine(blocks=3)
    node.mine(1, blocks=100)
    node.is_torn = True
    driver.announce(node.tip, logs=False)
    for _ in range(60):
        driver.settle()
        driver.tick(500)
        driver.announce(node.tip, logs=False)
    assert 5 <= len(ranges_asked(node)) <= 12
    again = [fault for fault in driver.faults if "its header is another one" in fault]
    assert len(again) == len(ranges_asked(node))
    assert "ws://127.0.0.1:1" in again[0]
    assert driver.follower.links.cards[0].vices == {Vice.FAILED: len(again)}
    node.is_torn = False
    driver.tick(10_000)
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(node)
    assert driver.emitted_logs() == [(block.hash, 0) for block in node.blocks[1:]]


class ForgetfulNode(FakeNode):
    """A node whose ranges lack the first logs of a block, so often as it is set."""

    lacking_block: FakeBlock | None = None
    lacking_count = 0

    def _result(self, method: str, params: Any) -> Any:
        found = super()._result(method, params)
        if self.lacking_count and method == "eth_getLogs" and "fromBlock" in params[0]:
            assert self.lacking_block is not None
            left = [log for log in found if log["blockHash"] != self.lacking_block.hash]
            self.lacking_count -= len(left) < len(found)
            return left
        return found


@pytest.mark.parametrize(("lacking_count", "is_found"), [(3, True), (1_000, False)])
def test_a_range_that_lacks_an_announced_log_is_read_again_but_not_without_end(
    lacking_count: int, is_found: bool
) -> None:
    node = ForgetfulNode()
    driver = Driver(node).open().mine(blocks=3)
    node.mine(1, blocks=100)
    node.lacking_block, node.lacking_count = node.blocks[50], lacking_count
    for notice in log_notices(node.blocks[50]):
        driver.frame(notice)
    driver.announce(node.tip)
    for _ in range(20):
        driver.settle()
        driver.tick(1_000)
    assert driver.canonical() == chain_of(node)
    told = driver.emitted_logs()
    assert ((node.blocks[50].hash, 0) in told) == is_found
    assert len(told) == 102 + is_found
    assert sum("its range lacks it" in fault for fault in driver.faults) == min(lacking_count, 4)


def test_a_node_that_was_slow_for_a_while_is_asked_for_longer_ranges_again() -> None:
    node = SlowNode()
    driver = Driver(node).open().mine(blocks=2)
    driver.close()
    node.mine(0, blocks=6_000)
    node.is_slow = True
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    for _ in range(20):
        driver.settle()
        driver.tick(500)
    assert ranges_asked(node)[-1] == 1
    node.is_slow = False
    node.asked.clear()
    driver.settle(ticks=12)
    assert driver.canonical() == chain_of(node)
    assert max(ranges_asked(node)) >= 128
    assert len(ranges_asked(node)) < 300


def test_a_node_that_is_always_slow_is_seldom_tried_with_more() -> None:
    size = RangeSize(200, 2_000, 10_000)
    refused_count = 0
    for _ in range(1_000):
        if size.blocks > 50:
            refused_count += 1
            size.refused(size.blocks, is_slow=True)
        else:
            size.answered(size.blocks, 0)
    assert size.blocks == 50
    assert refused_count < 1_000 / 25


def test_a_limit_that_is_told_is_kept() -> None:
    size = RangeSize(200, 2_000, 10_000)
    size.refused(200, is_slow=True)
    size.refused(60)
    for _ in range(1_000):
        size.answered(size.blocks, 0)
    assert size.blocks == 59
