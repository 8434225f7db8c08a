"""Which endpoint is followed and which is asked, when they fail, lag, lie or disagree."""

import random
from typing import Any

import pytest

from tidemill.chains.evm.config import EndpointConfig
from tidemill.chains.evm.scorecard import Vice
from tidemill.core.recording import Kind

from .driver import Driver, chain_of, config_of
from .fake_node import FakeNode, head_notice

SECOND = EndpointConfig(ws_url="ws://127.0.0.1:2")
THIRD = EndpointConfig(ws_url="ws://127.0.0.1:3")
LEVELS = ("bloom", "receipts_root", "agreed")


def several(node: FakeNode, *, count: int = 2, **changes: Any) -> Driver:
    config = config_of(fallbacks=(SECOND, THIRD)[: count - 1], **changes)
    return Driver(node, config).open(*("ws", "ws1", "ws2")[:count])


def leader(driver: Driver) -> str | None:
    found = driver.follower.links.leader
    return None if found is None else found.name


def vices(driver: Driver, endpoint: int) -> dict[Vice, int]:
    return driver.follower.links.cards[endpoint].vices


def everybody_mines(driver: Driver, blocks: int = 1, *, by: tuple[str, ...] = ("ws", "ws1", "ws2")) -> None:
    for _ in range(blocks):
        block = driver.node.mine(2)
        for name in by:
            driver.announce(block, by=name)
        driver.settle()


def logs_of(node: FakeNode) -> set[tuple[str, int]]:
    return {(block.hash, index) for block in node.blocks for index in range(len(block.logs))}


def test_the_first_endpoint_leads_and_leads_again_after_a_failure() -> None:
    driver = several(FakeNode())
    assert leader(driver) == "ws"
    everybody_mines(driver, 2, by=("ws", "ws1"))
    driver.close("ws")
    assert leader(driver) == "ws1"
    everybody_mines(driver, 3, by=("ws1",))
    assert driver.canonical() == chain_of(driver.node)
    driver.open("ws")
    driver.tick()
    assert leader(driver) == "ws"
    assert not [event for event in driver.events("coverage") if event.status == "gap"]
    told = [event.detail for event in driver.events("health") if event.state == "leading"]
    assert told == ["it is connected", "gone", "it is preferred to ws://127.0.0.1:2"]


def test_an_endpoint_of_another_chain_is_never_asked_and_stops_nothing() -> None:
    driver = Driver(FakeNode(), config_of(fallbacks=(SECOND,)))
    driver.nodes["1"] = FakeNode(chain_id=5)
    driver.open("ws1", "ws")
    everybody_mines(driver, 2, by=("ws", "ws1"))
    assert driver.stop is None
    assert driver.canonical() == chain_of(driver.node)
    assert driver.follower.links.cards[1].is_wrong_chain
    assert any("expected chain id 31337, found 5" in fault for fault in driver.faults)


def test_a_log_that_another_endpoint_announced_proves_an_answer_wrong() -> None:
    driver = several(FakeNode())
    liar = FakeNode(lies={"eth_getLogs": lambda logs: logs[:1]})
    liar.blocks, liar.by_hash = driver.node.blocks, driver.node.by_hash
    driver.nodes[""] = liar
    block = driver.node.mine(3)
    driver.announce(block, by="ws1")
    driver.announce(block, by="ws", logs=False)
    driver.settle(ticks=2)
    assert set(driver.emitted_logs()) == logs_of(driver.node)
    assert vices(driver, 0)[Vice.LIED] == 1
    assert leader(driver) == "ws1"


@pytest.mark.parametrize("proof", LEVELS)
def test_a_block_below_the_level_is_asked_for_elsewhere(proof: str) -> None:
    driver = several(FakeNode(), proof=proof)

    def drop(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if found and "logs" in found[0]:
            return [found[0] | {"logs": []}, *found[1:]]
        return found[1:] if len({log["data"] for log in found}) > 1 else []

    liar = FakeNode(lies={"eth_getLogs": lambda logs: [], "eth_getBlockReceipts": drop})
    liar.blocks, liar.by_hash = driver.node.blocks, driver.node.by_hash
    driver.nodes[""] = liar
    for _ in range(3):
        block = driver.node.mine(3)
        driver.announce(block, by="ws", logs=False).announce(block, by="ws1", logs=False)
        driver.settle(ticks=3)
    if proof != "agreed":  # where two differ, none is believed until they agree
        assert driver.canonical() == chain_of(driver.node)
        assert leader(driver) == "ws1"
        assert {event.proof for event in driver.events("coverage")} == {proof}
    assert set(driver.emitted_logs()) <= logs_of(driver.node)
    assert {Vice.LIED, Vice.GARBLED} & vices(driver, 0).keys()


def test_two_endpoints_agree_and_a_third_breaks_the_tie() -> None:
    driver = several(FakeNode(), count=3, proof="agreed")
    liar = FakeNode(lies={"eth_getLogs": lambda logs: logs[1:]})
    liar.blocks, liar.by_hash = driver.node.blocks, driver.node.by_hash
    driver.nodes["1"] = liar
    for _ in range(4):
        block = driver.node.mine(3)
        for name in ("ws", "ws1", "ws2"):
            driver.announce(block, by=name, logs=False)
        driver.settle(ticks=3)
    assert driver.canonical() == chain_of(driver.node)
    assert set(driver.emitted_logs()) == logs_of(driver.node)
    assert Vice.LIED in vices(driver, 1)


@pytest.mark.parametrize("proof", ["claimed", *LEVELS])
def test_a_long_gap_is_filled_at_every_level(proof: str) -> None:
    driver = several(FakeNode(), proof=proof, walk_blocks_max=10, settle_blocks=2, window_blocks=64)
    driver.node.mine(2, blocks=100)
    for name in ("ws", "ws1"):
        driver.announce(driver.node.tip, by=name)
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(driver.node)
    assert set(driver.emitted_logs()) == logs_of(driver.node)


@pytest.mark.parametrize("proof", LEVELS)
def test_an_honest_endpoint_alone_reaches_every_level_but_the_last(proof: str) -> None:
    driver = several(FakeNode(), proof=proof)
    driver.close("ws1")
    everybody_mines(driver, 3, by=("ws",))
    sealed = driver.canonical()
    assert sealed == (chain_of(driver.node)[:1] if proof == "agreed" else chain_of(driver.node)) or (
        proof == "agreed" and not sealed[1:]
    )
    driver.open("ws1")
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(driver.node)


def test_a_leader_on_a_fork_of_its_own_is_no_reorg() -> None:
    driver = several(FakeNode(), count=3)
    everybody_mines(driver, 5)
    forked = FakeNode()
    forked.blocks, forked.by_hash = list(driver.node.blocks), dict(driver.node.by_hash)
    forked._salt = 1_000
    driver.nodes[""] = forked
    forked.reorg(2, blocks=3)
    driver.announce(*forked.blocks[-3:], by="ws").settle(ticks=4)
    for _ in range(6):
        driver.announce(forked.mine(1), by="ws")
        block = driver.node.mine(2)
        driver.announce(block, by="ws1").announce(block, by="ws2").settle(ticks=1)
    driver.settle(ticks=4)
    assert driver.canonical() == chain_of(driver.node)
    assert not driver.events("reorg")
    assert Vice.WRONG_FORK in vices(driver, 0)
    assert leader(driver) == "ws1"


def test_a_reorg_that_a_second_endpoint_has_too_is_followed() -> None:
    driver = several(FakeNode(), count=3)
    everybody_mines(driver, 5)
    driver.node.reorg(3, blocks=4)
    for block in driver.node.blocks[-4:]:
        driver.announce(block, by="ws")
    driver.settle()
    assert driver.canonical() == chain_of(driver.node)
    assert [event.kind for event in driver.events("reorg")] == ["reverted"] * 3


def test_a_leader_that_forges_blocks_on_the_tip_is_convicted_and_its_blocks_leave() -> None:
    driver = several(FakeNode(), count=3)
    everybody_mines(driver, 3)
    forger = FakeNode()
    forger.blocks, forger.by_hash = list(driver.node.blocks), dict(driver.node.by_hash)
    forger._salt = 2_000
    driver.nodes[""] = forger
    for _ in range(8):
        driver.announce(forger.mine(1), by="ws")
        block = driver.node.mine(2)
        driver.announce(block, by="ws1").announce(block, by="ws2").settle(ticks=1)
    driver.settle(ticks=4)
    assert driver.canonical() == chain_of(driver.node)
    assert logs_of(driver.node) <= set(driver.emitted_logs())
    assert leader(driver) == "ws1"


def test_an_answer_that_does_not_come_is_asked_for_elsewhere_before_long() -> None:
    driver = several(FakeNode())
    block = driver.node.mine(2)
    driver.announce(block, by="ws")
    driver.calls.clear()  # no answer will come
    driver.tick(2_050)
    assert [call.connection for call in driver.calls] == ["ws1"]
    driver.settle()
    assert driver.canonical() == chain_of(driver.node)
    assert "expected an answer to eth_getLogs within 2000 ms" in driver.faults[0]
    assert vices(driver, 0)[Vice.FAILED] == 1


def test_a_slow_leader_makes_way() -> None:
    driver = several(FakeNode())
    for _ in range(40):
        block = driver.node.mine(1)
        driver.announce(block, by="ws1")
        driver.tick(800)
        driver.announce(block, by="ws").settle()
    driver.tick()
    assert leader(driver) == "ws1"
    assert driver.canonical() == chain_of(driver.node)


def test_outages_are_told_as_they_were() -> None:
    driver, chance = several(FakeNode()), random.Random(11)
    injected: list[tuple[int, int]] = []
    for _ in range(50):
        everybody_mines(driver, chance.randrange(1, 4), by=("ws", "ws1"))
        tip = driver.node.tip.number
        driver.close("ws")
        driver.close("ws1")
        missed = chance.randrange(40)
        driver.node.mine(1, blocks=missed)
        if missed:
            injected.append((tip + 1, tip + missed))
        for name in chance.sample(["ws", "ws1"], chance.choice((1, 2))):
            driver.feed(driver.entry(Kind.OPEN, connection=name))
        driver.settle(ticks=2)
        for name in ("ws", "ws1"):
            if not driver.follower.links[name].is_open:
                driver.open(name)
    events = driver.events("coverage")
    assert [(event.from_block, event.to_block) for event in events if event.status == "gap"] == injected
    repaired = {
        number
        for event in events
        if event.status == "repaired"
        for number in range(event.from_block, event.to_block + 1)
    }
    assert repaired >= {number for first, last in injected for number in range(first, last + 1)}
    assert driver.canonical() == chain_of(driver.node)
    assert set(driver.emitted_logs()) == logs_of(driver.node)


def test_a_socket_that_stays_away_is_no_gap_while_blocks_are_polled() -> None:
    driver = Driver(FakeNode(), config_of(http_url="http://127.0.0.1:1"))
    driver.settle()
    for _ in range(5):
        driver.feed(driver.entry(Kind.FAILED, b'{"fault":"Unreachable","message":"nobody there"}'))
        driver.node.mine(1, blocks=2)
        driver.tick(1_000)
        driver.settle()
    assert driver.canonical() == chain_of(driver.node)
    assert {event.status for event in driver.events("coverage")} == {"complete"}
    states = [event.state for event in driver.events("health") if event.endpoint.startswith("http")]
    assert states[-1] == "polling"


def test_a_method_that_one_endpoint_lacks_is_asked_of_another() -> None:
    driver = several(FakeNode(), proof="receipts_root")

    class Old(FakeNode):
        def call(self, method: str, params: Any) -> Any:
            return super().call("nothing" if method == "eth_getBlockReceipts" else method, params)

    old = Old()
    old.blocks, old.by_hash = driver.node.blocks, driver.node.by_hash
    driver.nodes[""] = old
    for _ in range(2):
        block = driver.node.mine(1)
        driver.frame(head_notice(block))
        driver.settle(ticks=2)
    assert driver.stop is None
    assert driver.canonical() == chain_of(driver.node)
