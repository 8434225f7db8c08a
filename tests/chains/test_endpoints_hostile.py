"""Endpoints at their worst neither stop the chain for ever, nor lose an event, nor convict the honest."""

from itertools import pairwise
from typing import Any

import pytest

from tidemill.chains.evm.config import EndpointConfig, EvmConfig
from tidemill.chains.evm.scorecard import Scorecard, Vice
from tidemill.core.recording import Entry, Kind

from .driver import MS, Driver, chain_of, config_of, encoded
from .fake_node import FakeBlock, FakeNode, Refusal, head_notice, log_notices

WS = tuple(EndpointConfig(ws_url=f"ws://127.0.0.1:{port}") for port in (2, 3, 4))
HTTP = EndpointConfig(http_url="http://127.0.0.1:5")


def several(config: EvmConfig, *connections: str) -> Driver:
    return Driver(FakeNode(), config).open(*connections)


def view(node: FakeNode, salt: int = 0) -> FakeNode:
    """Return another node with the same blocks, which goes its own way from here."""
    made = FakeNode()
    made.blocks, made.by_hash, made._salt = list(node.blocks), dict(node.by_hash), salt
    return made


def vices(driver: Driver, endpoint: int) -> dict[Vice, int]:
    return driver.follower.links.cards[endpoint].vices


def all_logs(node: FakeNode) -> list[tuple[str, int]]:
    return [(block.hash, index) for block in node.blocks for index in range(len(block.logs))]


def mine(driver: Driver, blocks: int, *by: str, logs: bool = True) -> None:
    for _ in range(blocks):
        block = driver.node.mine(2)
        for name in by:
            driver.announce(block, by=name, logs=logs)
        driver.settle()


def leader(driver: Driver) -> str | None:
    found = driver.follower.links.leader
    return None if found is None else found.name


def test_a_reorg_does_not_wait_for_ever_for_a_second_endpoint_that_is_dead() -> None:
    driver = several(config_of(fallbacks=(HTTP,)), "ws")
    mine(driver, 5, "ws")
    driver.node.reorg(2, blocks=3)
    driver.announce(*driver.node.blocks[-3:])
    for _ in range(12):
        for call in list(driver.calls):
            if call.connection == "http1":
                driver.fail(call)
            else:
                driver.answer(call)
        driver.tick(1_000)
    assert driver.canonical() == chain_of(driver.node)


def test_a_second_endpoint_that_lags_does_not_convict_a_leader_that_tells_a_reorg() -> None:
    driver = several(config_of(fallbacks=WS[:1]), "ws", "ws1")
    mine(driver, 5, "ws", "ws1")
    behind = view(driver.node)
    del behind.blocks[-3:]
    driver.nodes["1"] = behind
    driver.node.reorg(2, blocks=3)
    driver.announce(*driver.node.blocks[-3:])
    driver.settle(ticks=10)
    assert Vice.WRONG_FORK not in vices(driver, 0)
    assert driver.canonical() == chain_of(driver.node)


def test_a_reorg_that_reaches_the_second_endpoint_two_seconds_later_convicts_nobody() -> None:
    driver = several(config_of(fallbacks=WS[:1]), "ws", "ws1")
    mine(driver, 5, "ws", "ws1")
    driver.nodes["1"] = view(driver.node)
    driver.node.reorg(2, blocks=3)
    driver.announce(*driver.node.blocks[-3:])
    for _ in range(8):
        driver.settle()
        driver.tick(250)
    assert not driver.events("reorg")
    del driver.nodes["1"]
    for _ in range(3):
        driver.tick(250)
        driver.settle()
    assert Vice.WRONG_FORK not in vices(driver, 0)
    assert driver.canonical() == chain_of(driver.node)


def test_a_branch_that_grows_faster_than_it_can_be_confirmed_is_followed() -> None:
    driver = several(config_of(fallbacks=(HTTP,)), "ws").settle()
    mine(driver, 5, "ws")
    driver.node.reorg(2, blocks=3)
    driver.announce(*driver.node.blocks[-3:])
    for _ in range(30):  # each answer comes after the next head
        asked = list(driver.calls)
        driver.announce(driver.node.mine(1))
        for call in asked:
            if call in driver.calls:
                driver.answer(call)
    assert driver.follower.tip[0] > driver.node.tip.number - 5
    driver.settle()
    assert driver.canonical() == chain_of(driver.node)


def test_a_leader_that_tells_a_branch_from_below_the_window_does_not_stop_the_chain() -> None:
    config = config_of(fallbacks=WS[:1], window_blocks=12, walk_blocks_max=10, settle_blocks=2)
    driver = several(config, "ws", "ws1")
    mine(driver, 30, "ws", "ws1")
    liar = view(driver.node, salt=10_000)
    liar.reorg(20, blocks=21)
    driver.nodes["1"], driver.nodes[""] = driver.node, liar
    driver.announce(*liar.blocks[-10:], by="ws", logs=False).settle(ticks=12)
    mine(driver, 3, "ws1")
    driver.settle(ticks=6)
    assert driver.stop is None
    assert vices(driver, 0)[Vice.WRONG_FORK] >= 1
    assert driver.canonical() == chain_of(driver.node)
    assert driver.events("reorg") == []


def test_a_branch_from_below_the_window_that_two_endpoints_have_stops_the_chain() -> None:
    config = config_of(fallbacks=WS[:1], window_blocks=12, walk_blocks_max=10, settle_blocks=2)
    driver = several(config, "ws", "ws1")
    mine(driver, 30, "ws", "ws1")
    driver.node.reorg(20)
    driver.announce(driver.node.tip, by="ws", logs=False).settle(ticks=2)
    assert driver.stop is not None
    assert driver.stop.startswith("Unsafe: chain local: ")


def test_an_endpoint_does_not_confirm_its_own_branch() -> None:
    http = (HTTP, EndpointConfig(http_url="http://127.0.0.1:6"))
    driver = Driver(
        FakeNode(), config_of(ws_url=None, http_url="http://127.0.0.1:1", fallbacks=http)
    ).settle()
    driver.node.mine(1, blocks=5)
    driver.settle(ticks=2)
    forked = view(driver.node, salt=5_000)
    forked.reorg(2, blocks=4)
    driver.nodes[""] = forked
    driver.settle(ticks=12)
    assert not driver.events("reorg")
    assert Vice.WRONG_FORK in vices(driver, 0)
    driver.node.mine(1, blocks=3)
    driver.settle(ticks=5)
    assert driver.canonical() == chain_of(driver.node)


def test_a_dead_endpoint_that_is_polled_is_not_asked_ever_more() -> None:
    driver = Driver(FakeNode(), config_of(ws_url=None, http_url="http://127.0.0.1:1")).settle()
    asked = 0
    for _ in range(300):
        for call in list(driver.calls):
            asked += 1
            driver.fail(call, retry_after_ms=5_000)
        driver.tick(1_000)
    assert asked < 100
    assert driver.follower._calls.open_count < 5
    driver.node.mine(2, blocks=3)
    driver.settle(ticks=6)
    assert driver.canonical() == chain_of(driver.node)


def test_a_polled_endpoint_that_is_back_is_found_within_five_seconds() -> None:
    driver = Driver(FakeNode(), config_of(ws_url=None, http_url="http://127.0.0.1:1")).settle()
    for _ in range(200):
        for call in list(driver.calls):
            driver.fail(call)
        driver.tick(1_000)
    driver.node.mine(2, blocks=3)
    driver.settle(ticks=5)
    assert driver.canonical() == chain_of(driver.node)


def phantom(block: FakeBlock) -> bytes:
    log = block.logs[0] | {"logIndex": hex(77)}
    return log_notices(FakeBlock(block.number, block.hash, block.parent, [log]))[0]


@pytest.mark.parametrize("proof", ["claimed", "bloom", "receipts_root", "agreed"])
@pytest.mark.parametrize("is_sealed", [False, True])
def test_logs_that_one_endpoint_invents_do_not_stop_the_chain(proof: str, is_sealed: bool) -> None:
    driver = several(config_of(fallbacks=WS[:2], proof=proof), "ws", "ws1", "ws2")
    mine(driver, 2, "ws", "ws1", "ws2")
    for _ in range(6):
        block = driver.node.mine(2)
        if is_sealed:
            driver.announce(block).settle()
        driver.frame(phantom(block), "ws2")
        driver.announce(block, by="ws1").announce(block).settle(ticks=8)
    assert driver.canonical() == chain_of(driver.node)
    assert sorted(driver.emitted_logs()) == sorted(all_logs(driver.node))
    assert vices(driver, 2)[Vice.LIED] == 2
    assert Vice.LIED not in vices(driver, 0) | vices(driver, 1)
    if proof == "receipts_root":
        assert not driver.events("reorg")


def test_a_range_is_not_believed_of_an_endpoint_that_has_not_reached_its_end() -> None:
    fallbacks = (EndpointConfig(http_url="http://127.0.0.1:5"),)
    driver = several(
        config_of(fallbacks=fallbacks, walk_blocks_max=10, settle_blocks=2, window_blocks=64), "ws"
    )
    driver.settle()
    driver.nodes["1"] = view(driver.node)  # asked first in bulk, and behind
    driver.node.mine(2, blocks=100)
    driver.announce(driver.node.tip, logs=False).settle(ticks=10)
    assert driver.canonical() == chain_of(driver.node)
    assert sorted(driver.emitted_logs()) == sorted(all_logs(driver.node))


def test_heads_that_lead_nowhere_do_not_keep_the_lead() -> None:
    driver = several(config_of(fallbacks=WS[:1]), "ws", "ws1")
    mine(driver, 3, "ws", "ws1")
    number = 10**9

    def far(at: int) -> dict[str, Any]:
        return FakeBlock(at, f"0x{at:064x}", f"0x{at + 7:064x}", []).head()

    class Far(FakeNode):
        def call(self, method: str, params: Any) -> Any:
            if method == "eth_getBlockByNumber" and params[0] == "latest":
                return far(number)
            return super().call(method, params)

    liar = Far()
    liar.blocks, liar.by_hash = driver.node.blocks, driver.node.by_hash
    driver.nodes[""] = liar
    for _ in range(30):
        number += 1
        driver.frame(head_notice(FakeBlock(number, f"0x{number:064x}", f"0x{number + 7:064x}", [])), "ws")
        mine(driver, 1, "ws1")
        driver.settle(ticks=2)
    assert leader(driver) == "ws1"
    assert driver.canonical() == chain_of(driver.node)
    assert driver.follower._following._newest.number == driver.node.tip.number


def test_an_endpoint_that_cannot_subscribe_stops_nothing() -> None:
    class Mute(FakeNode):
        def call(self, method: str, params: Any) -> Any:
            if method == "eth_subscribe":
                raise Refusal(-32601, "the method eth_subscribe does not exist")
            return super().call(method, params)

    driver = Driver(FakeNode(), config_of(fallbacks=WS[:1]))
    driver.nodes["1"] = Mute()
    driver.feed(driver.entry(Kind.OPEN, connection="ws"), driver.entry(Kind.OPEN, connection="ws1"))
    for _ in range(10):
        while driver.calls:
            driver.answer(driver.calls[0])
        driver.tick(100)
    mine(driver, 3, "ws")
    assert driver.stop is None
    assert driver.canonical() == chain_of(driver.node)


def test_a_block_that_left_all_nodes_while_its_logs_were_asked_does_not_hold_up_a_far_tip() -> None:
    driver = several(config_of(walk_blocks_max=10, settle_blocks=2, window_blocks=64), "ws")
    mine(driver, 5, "ws")
    gone = view(driver.node, salt=7_000)
    driver.frame(head_notice(gone.mine(2)))
    driver.close()
    driver.node.mine(2, blocks=60)
    driver.open()
    driver.settle(ticks=20)
    assert driver.canonical() == chain_of(driver.node)


def test_no_endpoint_with_receipts_ends_with_a_message_that_says_so() -> None:
    class Old(FakeNode):
        def call(self, method: str, params: Any) -> Any:
            return super().call("nothing" if method == "eth_getBlockReceipts" else method, params)

    driver = Driver(Old(), config_of(fallbacks=WS[:1], proof="receipts_root")).open("ws", "ws1")
    driver.announce(driver.node.mine(1)).settle(ticks=5)
    assert driver.stop is not None
    assert "eth_getBlockReceipts" in driver.stop
    assert "method not found" in driver.stop


def test_a_method_that_was_answered_before_and_is_lacking_for_a_while_stops_nothing() -> None:
    class Partly(FakeNode):
        lacks = ""

        def call(self, method: str, params: Any) -> Any:
            return super().call("nothing" if method == self.lacks else method, params)

    node = Partly()
    driver = Driver(node, config_of(proof="receipts_root")).open("ws")
    mine(driver, 3, "ws")
    node.lacks = "eth_getBlockReceipts"
    mine(driver, 3, "ws")
    assert driver.stop is None
    assert any("it has answered it before" in str(fault) for step in driver.steps for fault in step.faults)
    node.lacks = ""
    driver.settle(ticks=200)
    assert driver.canonical() == chain_of(driver.node)


def test_the_wrong_chain_on_one_endpoint_waits_for_another_that_is_down() -> None:
    driver = Driver(FakeNode(), config_of(fallbacks=WS[:1]))
    driver.nodes[""] = FakeNode(chain_id=5)
    driver.open("ws").settle(ticks=5)
    assert driver.stop is None
    driver.open("ws1")
    mine(driver, 2, "ws1")
    assert driver.canonical() == chain_of(driver.node)
    del driver.nodes[""]  # it is mended
    driver.close("ws")
    driver.open("ws")
    driver.nodes["1"] = FakeNode(chain_id=5)
    driver.close("ws1")
    driver.open("ws1")
    assert driver.stop is None
    mine(driver, 2, "ws")
    assert driver.canonical() == chain_of(driver.node)


def test_logs_told_by_a_connection_of_another_chain_are_not_taken_with_those_of_a_right_one() -> None:
    def play(*, together: bool) -> Driver:
        driver = Driver(FakeNode(), config_of(fallbacks=WS[:1]))
        driver.nodes["1"] = FakeNode(chain_id=5)
        driver.open("ws1", "ws")
        block = driver.node.mine(2)
        entries = [
            Entry(Kind.FRAME, driver.now_ns + MS, "ws1", phantom(block)),
            Entry(Kind.FRAME, driver.now_ns + 2 * MS, "ws", log_notices(block)[0]),
        ]
        driver.now_ns += 2 * MS
        for group in [entries] if together else [[entry] for entry in entries]:
            driver.feed(*group)
        driver.announce(block).settle(ticks=2)
        return driver

    apart, together = play(together=False), play(together=True)
    assert encoded(apart.steps) == encoded(together.steps)
    assert together.canonical() == chain_of(together.node)


def test_an_endpoint_near_the_bound_of_quickness_does_not_take_turns_to_lead() -> None:
    card, steps = Scorecard(), list[int]()
    for at in range(400):
        card.answered(40.0 if (at // 20) % 2 else 60.0)
        steps.append(card.slowness)
    assert sum(before != after for before, after in pairwise(steps)) <= 1
    for _ in range(40):
        card.answered(5.0)
    assert card.slowness == 0


def test_an_endpoint_that_connects_and_disconnects_every_second_leaves_the_lead() -> None:
    driver = several(config_of(fallbacks=WS[:1]), "ws", "ws1")
    for _ in range(20):
        mine(driver, 1, "ws", "ws1")
        driver.close("ws")
        driver.tick(500)
        driver.open("ws")
        driver.tick(500)
    assert leader(driver) == "ws1"
    turns = [event for event in driver.events("health") if event.state == "leading"]
    assert len(turns) < 14
    assert driver.canonical() == chain_of(driver.node)


def test_all_endpoints_down_at_the_start_and_back_in_any_order() -> None:
    driver = Driver(FakeNode(), config_of(fallbacks=WS[:2]))
    driver.node.mine(2, blocks=9)
    driver.tick(60_000)
    driver.open("ws2")
    mine(driver, 2, "ws2")
    driver.open("ws1", "ws")
    driver.close("ws2")
    mine(driver, 2, "ws", "ws1")
    assert driver.canonical() == chain_of(driver.node)


def test_a_restart_while_a_reorg_waits_for_confirmation_finds_it_again() -> None:
    driver = several(config_of(fallbacks=WS[:1]), "ws", "ws1")
    mine(driver, 5, "ws", "ws1")
    before = driver.canonical()
    driver.node.reorg(3, blocks=4)
    driver.announce(*driver.node.blocks[-4:])
    again = Driver(driver.node, driver.config, driver.state).open("ws", "ws1")
    again.settle(ticks=2)
    left = [event for event in again.events("reorg") if event.kind == "reverted"]
    assert len(left) == 3
    assert before[:-3] == chain_of(driver.node)[: len(before) - 3]
    assert again.follower.tip[1].hex() == driver.node.tip.hash[2:]


def test_two_that_agree_wait_for_a_second_that_lags() -> None:
    driver = several(config_of(fallbacks=WS[:1], proof="agreed"), "ws", "ws1")
    mine(driver, 2, "ws", "ws1")
    behind = view(driver.node)
    driver.nodes["1"] = behind
    mine(driver, 5, "ws")
    assert driver.follower.tip[0] == 2
    del driver.nodes["1"]
    driver.settle(ticks=15)
    assert driver.canonical() == chain_of(driver.node)
    assert not {Vice.LIED, Vice.WRONG_FORK} & (vices(driver, 0) | vices(driver, 1)).keys()
