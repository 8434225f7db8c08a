"""Are many blocks read in few questions, however few blocks a node takes at once."""

import random
from typing import Any

import pytest

from tidemill.chains.evm.ranges import RangeSize
from tidemill.chains.evm.steps import Call

from .driver import Driver, chain_of, config_of
from .fake_node import FakeNode, Refusal


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
