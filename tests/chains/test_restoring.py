"""Are blocks that leave the chain and come back proven and told whole, over a restart too."""

import msgspec
import pytest

from tidemill.chains.evm.window import read_checkpoint
from tidemill.schema.faults import Malformed

from .driver import Driver, chain_of, config_of
from .fake_node import FakeBlock, FakeNode, log_notices


def all_logs(node: FakeNode) -> list[tuple[str, int]]:
    return [(block.hash, index) for block in node.blocks for index in range(len(block.logs))]


def hide_log(node: FakeNode, block: FakeBlock) -> None:
    """Have the node leave out the second log of a block."""
    node.lies["eth_getLogs"] = lambda logs: [log for log in logs if log is not block.logs[1]]


def sealed_without_a_log() -> tuple[Driver, FakeBlock]:
    """Return a driver that ended before it was known that a block's answer lacked a log."""
    driver = Driver(FakeNode()).open().mine(blocks=3)
    block = driver.node.mine(2)
    hide_log(driver.node, block)
    driver.announce(block, logs=False).settle()
    driver.node.lies.clear()
    assert driver.emitted_logs()[-1] == (block.hash, 0)
    return driver, block


def reverted_without_a_log() -> tuple[Driver, FakeBlock]:
    """Return a driver that took a block off the chain for a log that its answer lacked."""
    driver, block = sealed_without_a_log()
    driver.frame(log_notices(block)[1])
    assert driver.follower.tip[0] == block.number - 1
    return driver, block


@pytest.mark.parametrize("proof", ["receipts_root", "bloom", "claimed"])
def test_a_branch_of_before_a_restart_is_proven_when_the_chain_returns_to_it(proof: str) -> None:
    node = FakeNode()
    first = Driver(node, config_of(proof=proof)).open().mine(blocks=6)
    second = Driver(node, first.config, first.state).open()
    left = node.reorg(3, blocks=4)
    second.announce(node.tip).settle()
    node.go_back_to(left)
    second.announce(node.mine()).settle(ticks=2)
    assert second.follower.tip == (node.tip.number, bytes.fromhex(node.tip.hash[2:]))
    assert second.faults == []


def test_a_log_announced_after_its_range_was_sealed_has_its_block_sealed_again() -> None:
    node = FakeNode()
    driver = Driver(node).open()
    driver.close()
    node.mine(2, blocks=80)
    block = node.blocks[60]
    hide_log(node, block)
    driver.open()
    assert driver.canonical() == chain_of(node)
    assert (block.hash, 1) not in driver.emitted_logs()
    node.lies.clear()
    driver.frame(log_notices(block)[1])
    driver.settle(ticks=2)
    assert driver.canonical() == chain_of(node)
    assert sorted(driver.emitted_logs()) == sorted(all_logs(node))


def test_a_block_of_a_range_that_comes_back_with_more_logs_emits_those() -> None:
    node = FakeNode()
    driver = Driver(node).open()
    driver.close()
    node.mine(2, blocks=80)
    hide_log(node, node.blocks[60])
    driver.open()
    node.lies.clear()
    left = node.reorg(25, blocks=26)
    driver.announce(node.tip).settle()
    node.go_back_to(left)
    driver.announce(node.mine(1)).settle()
    assert driver.canonical() == chain_of(node)
    emitted = driver.emitted_logs()
    assert len(emitted) == len(set(emitted))
    assert set(all_logs(node)) <= set(emitted)
    assert "repaired" in [event.status for event in driver.events("coverage")]


def test_a_log_that_was_missing_is_emitted_where_a_restart_falls_between_revert_and_restore() -> None:
    first, block = reverted_without_a_log()
    second = Driver(first.node, first.config, first.state).open()
    assert second.follower.tip[0] == block.number
    assert second.emitted_logs() == [(block.hash, 1)]
    assert [event.status for event in second.events("coverage")] == ["repaired"]


def test_a_block_that_came_back_is_not_known_as_reverted_any_more() -> None:
    first, block = reverted_without_a_log()
    first.settle()
    checkpoint = read_checkpoint(first.state.items(), "local")
    assert checkpoint is not None
    assert checkpoint.reverted == ()
    assert list(checkpoint.held[bytes.fromhex(block.hash[2:])]) == [0, 1]


def test_a_log_that_was_missing_is_emitted_where_its_block_leaves_and_comes_back_after_a_restart() -> None:
    first, block = sealed_without_a_log()
    second = Driver(first.node, first.config, first.state).open()
    left = second.node.reorg(1, blocks=2)
    second.announce(*second.node.blocks[-2:]).settle()
    second.node.go_back_to(left)
    newest = second.node.mine()
    second.announce(second.node.mine(), logs=False).settle()
    emitted = second.emitted_logs()
    assert len(emitted) == len(set(emitted))
    assert {(block.hash, 1), (newest.hash, 0)} <= set(emitted)
    assert (block.hash, 0) not in emitted
    assert "repaired" in [event.status for event in second.events("coverage")]


def test_a_log_that_is_announced_after_a_restart_has_its_block_sealed_again() -> None:
    first, block = sealed_without_a_log()
    second = Driver(first.node, first.config, first.state).open()
    for notice in log_notices(block):
        second.frame(notice)
    second.settle(ticks=1)
    assert second.follower.tip[0] == block.number
    assert second.emitted_logs() == [(block.hash, 1)]


@pytest.mark.parametrize(("lacking", "asked"), [(1, 2), (100, 4)])
@pytest.mark.parametrize("is_restarted", [False, True])
def test_a_block_that_comes_back_with_fewer_logs_is_asked_for_again_and_tells_none_twice(
    lacking: int, asked: int, is_restarted: bool
) -> None:
    driver = Driver(FakeNode()).open().mine(blocks=3).mine(2)
    node, block = driver.node, driver.node.tip
    left = node.reorg(1, blocks=2)
    driver.announce(*node.blocks[-2:]).settle()
    before = driver.emitted_logs()
    if is_restarted:
        driver = Driver(node, driver.config, driver.state).open()
    node.go_back_to(left)
    answers = 0

    def without_a_log(logs: list[dict[str, object]]) -> list[dict[str, object]]:
        nonlocal answers
        answers += 1
        return logs[:1] if answers <= lacking else logs

    node.lies["eth_getLogs"] = without_a_log
    driver.announce(block, logs=False).settle(ticks=12)
    assert driver.follower.tip[0] == block.number
    assert answers == asked
    assert [fault for fault in driver.faults if "log 1 was announced, or told before" in fault]
    node.lies.clear()
    driver.frame(log_notices(block)[1])
    driver.settle(ticks=2)
    assert driver.follower.tip[0] == block.number
    assert driver.emitted_logs() == (before if not is_restarted else [])


def test_reverted_blocks_that_were_stored_without_their_logs_are_read() -> None:
    first, block = reverted_without_a_log()
    old = {
        key: value[:1] + msgspec.msgpack.encode(msgspec.msgpack.decode(value[1:])[:7])
        if b"/block/" in key
        else value
        for key, value in first.state.items()
    }
    checkpoint = read_checkpoint(old.items(), "local")
    assert checkpoint is not None
    assert ["0x" + head.hash.hex() for head in checkpoint.reverted] == [block.hash]
    assert checkpoint.held == {}
    second = Driver(first.node, first.config, old).open()
    assert second.follower.tip[0] == block.number
    assert second.emitted_logs() == []


@pytest.mark.parametrize("index", [-1, 2**32, "1"])
def test_a_stored_log_index_that_is_none_is_malformed(index: object) -> None:
    first, block = reverted_without_a_log()
    (key,) = (key for key in first.state if key.endswith(bytes.fromhex(block.hash[2:])))
    fields = msgspec.msgpack.decode(first.state[key][1:])
    fields[7] = [index]
    first.state[key] = first.state[key][:1] + msgspec.msgpack.encode(fields)
    with pytest.raises(Malformed, match="cannot be read"):
        read_checkpoint(first.state.items(), "local")
