"""Are tokens described in the end, though the node forgets the state of old blocks."""

from typing import Any

import pytest

from .contracts import MulticallNode, words
from .driver import FACTORY, Driver, config_of
from .fake_node import Refusal

STATE_BLOCKS = 128


class FullNode(MulticallNode):
    """A node that has the state of its newest blocks alone."""

    is_busy = False
    lag = 0
    """So many of its newest blocks have no state yet."""

    def _result(self, method: str, params: Any) -> Any:
        if method == "eth_call":
            number = int(params[1], 16)
            if self.is_busy:
                raise Refusal(429, "too many requests")
            if number <= self.tip.number - STATE_BLOCKS:
                raise Refusal(-32000, "missing trie node 12ab (path ) state 0x12 is not available")
            if number > self.tip.number - self.lag:
                raise Refusal(-32000, "header not found")
        return super()._result(method, params)

    def add_pairs(self, count: int) -> None:
        """Mine a block with a pair of two new tokens, so many times."""
        for _ in range(count):
            number = self.tip.number + 1
            tokens = [f"0x{token:040x}" for token in (2**100 + 2 * number, 2**100 + 2 * number + 1)]
            for token in tokens:
                self.say(token, decimals=words(number))
            self.add_v2(f"0x{2**101 + number:040x}", FACTORY, tokens, (1, 1))


def follow(driver: Driver, seconds: int) -> Driver:
    """Answer what is asked within so many seconds; what is refused is asked again later."""
    for _ in range(seconds):
        for call in list(driver.calls):
            driver.answer(call)
        driver.tick(1_000)
    return driver


@pytest.mark.parametrize("is_deployed", [True, False])
def test_tokens_whose_block_has_no_state_any_more_are_asked_as_of_the_newest(is_deployed: bool) -> None:
    node = FullNode()
    node.is_deployed = is_deployed
    driver = Driver(node, config_of(multicall_calls=4, calls_in_flight_max=2)).open()
    node.is_busy = True
    node.add_pairs(6)
    follow(driver.announce(*node.blocks[-6:]), seconds=3)
    for _ in range(STATE_BLOCKS):
        follow(driver.announce(node.mine(1)), seconds=2)
    assert driver.events("token") == []
    node.is_busy = False
    for _ in range(10):
        follow(driver.announce(node.mine(1)), seconds=10)
    told = driver.events("token")
    assert len(told) == len({event.token for event in told}) == 12
    assert sorted(event.decimals for event in told) == sorted([*range(1, 7)] * 2)
    assert all(event.block_number > STATE_BLOCKS for event in told)
    assert any("Gap: chain local: tokens as of block" in fault for fault in driver.faults)


def test_a_node_that_is_only_behind_is_asked_for_the_same_block_again() -> None:
    node = FullNode()
    driver = Driver(node).open()
    node.add_pairs(1)
    node.lag = 1
    follow(driver.announce(node.tip), seconds=3)
    assert driver.events("token") == []
    node.lag = 0
    follow(driver, seconds=10)
    assert {event.block_number for event in driver.events("token")} == {1}


def test_tokens_that_answered_are_told_before_others_have() -> None:
    node = FullNode()
    driver = Driver(node, config_of(multicall_calls=4)).open()
    node.add_pairs(3)
    driver.close()
    node.mine(1, blocks=60)
    driver.feed(driver.entry(driver.entries[0].kind.OPEN))
    while not any(call.method == "eth_call" for call in driver.calls):
        driver.answer(driver.calls[0])
    asked = [call for call in driver.calls if call.method == "eth_call"]
    assert len(asked) == 3
    driver.answer(asked[1])
    assert len(driver.events("token")) == 2
