"""Whatever endpoints do, the machine ends with the chain of the one that is left, each event once."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidemill.chains.evm.config import EndpointConfig
from tidemill.core.recording import Kind

from .driver import Driver, chain_of, config_of, encoded
from .fake_node import FakeBlock, FakeNode

NAMES = ("ws", "ws1", "ws2", "http3")
HONEST = "ws1"
FALLBACKS = (
    EndpointConfig(ws_url="ws://127.0.0.1:2"),
    EndpointConfig(ws_url="ws://127.0.0.1:3"),
    EndpointConfig(http_url="http://127.0.0.1:4"),
)


class View(FakeNode):
    """What one endpoint has of the chain, and says of it."""

    def follow(self, truth: FakeNode, lag: int = 0) -> None:
        self.blocks = list(truth.blocks[: max(len(truth.blocks) - lag, 1)])
        self.by_hash.update({block.hash: block for block in self.blocks})


class World:
    """A chain, four endpoints, and one machine."""

    def __init__(self, seed: int, proof: str, liars: bool) -> None:
        self.chance = random.Random(seed)
        self.truth = FakeNode()
        self.can_lie = liars
        self.views = {name: View() for name in NAMES}
        self.lags = dict.fromkeys(NAMES, 0)
        self.forked: set[str] = set()
        self.known: dict[str, FakeBlock] = {}
        self.open: set[str] = set()
        config = config_of(
            fallbacks=FALLBACKS, proof=proof, walk_blocks_max=10, settle_blocks=2, window_blocks=64
        )
        self.driver = Driver(self.truth, config)
        self.driver.nodes = {"": self.views["ws"], **{n[-1]: v for n, v in self.views.items() if n != "ws"}}
        for name in NAMES:
            self.views[name].follow(self.truth)
            self.connect(name)

    def connect(self, name: str) -> None:
        if name.startswith("ws") and name not in self.open:
            self.open.add(name)
            self.driver.feed(self.driver.entry(Kind.OPEN, connection=name))

    def disconnect(self, name: str) -> None:
        if name in self.open:
            self.open.discard(name)
            self.driver.close(name)

    def spread(self) -> None:
        for name in self.chance.sample(NAMES, len(NAMES)):
            if name in self.forked:
                continue
            view, before = (
                self.views[name],
                set(self.views[name].blocks and [b.hash for b in self.views[name].blocks]),
            )
            view.follow(self.truth, self.lags[name])
            if name in self.open:
                for block in [b for b in view.blocks if b.hash not in before][-4:]:
                    self.driver.announce(block, by=name, logs=self.chance.random() < 0.7)

    def act(self) -> None:
        name = self.chance.choice(NAMES)
        match self.chance.randrange(13):
            case 0 | 1 | 2 | 3:
                self.truth.mine(self.chance.randrange(3), blocks=self.chance.choice((1, 1, 1, 2, 5, 30)))
                self.spread()
            case 4 if len(self.truth.blocks) > 8:
                depth = self.chance.randrange(1, 6)
                self.truth.reorg(depth, blocks=depth + self.chance.randrange(-1, 3))
                self.spread()
            case 5:
                self.lags[name] = self.chance.choice((0, 1, 5, 20))
            case 6:
                self.disconnect(name)
            case 7:
                self.connect(name)
            case 8 if self.can_lie and name != HONEST:
                view = self.views[name]
                view.lies = {} if view.lies else {"eth_getLogs": lambda f: [], "eth_getBlockReceipts": drop}
            case 9 if name != HONEST:
                self.fork(name)
            case 10:
                self.driver.tick(self.chance.choice((50, 300, 3_000, 12_000)))
            case 11 if self.driver.calls:
                self.driver.fail(self.chance.choice(self.driver.calls))
            case _:
                for _ in range(self.chance.randrange(12)):
                    if self.driver.calls:
                        self.driver.answer(self.chance.choice(self.driver.calls))

    def fork(self, name: str) -> None:
        view = self.views[name]
        if name in self.forked:
            self.forked.discard(name)
            return
        if len(view.blocks) < 6:
            return
        self.forked.add(name)
        view._salt = self.chance.randrange(10**6, 10**9)
        depth = self.chance.randrange(1, 4)
        view.reorg(depth, blocks=depth + 1)
        if name in self.open:
            self.driver.announce(*view.blocks[-depth - 1 :], by=name)

    def end(self) -> None:
        """Leave one honest endpoint alone."""
        for name in NAMES:
            self.disconnect(name)
            self.views[name].lies = {}
        self.forked.clear()
        self.lags = dict.fromkeys(NAMES, 0)
        for name in NAMES:
            self.views[name].follow(self.truth)
        self.connect(HONEST)
        for _ in range(3):
            self.driver.settle(ticks=3)
            self.truth.mine(2)
            self.spread()
        self.driver.settle(ticks=90)

    def play(self, actions: int) -> None:
        for _ in range(actions):
            self.act()
        self.end()

    def check(self) -> None:
        assert self.driver.stop is None
        assert self.driver.canonical()[-60:] == chain_of(self.truth)[-60:]
        assert self.driver.canonical() == chain_of(self.truth)
        emitted = Counter(self.driver.emitted_logs())
        assert max(emitted.values(), default=1) == 1
        wanted = {(block.hash, index) for block in self.truth.blocks for index in range(len(block.logs))}
        assert wanted <= emitted.keys()


def drop(found: list[dict[str, Any]] | None) -> list[dict[str, Any]] | None:
    return found and found[1:]


@pytest.mark.parametrize(
    ("proof", "liars"), [("claimed", False), ("bloom", True), ("receipts_root", True), ("agreed", False)]
)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_the_machine_ends_with_the_chain_of_the_endpoint_that_is_left(
    proof: str, liars: bool, seed: int
) -> None:
    world = World(seed, proof, liars)
    world.play(80)
    world.check()


@pytest.mark.parametrize("proof", ["claimed", "bloom", "receipts_root", "agreed"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 2**32), sizes=st.lists(st.integers(1, 40), min_size=1, max_size=6))
def test_entries_of_several_endpoints_give_the_same_however_they_are_grouped(
    proof: str, seed: int, sizes: list[int]
) -> None:
    world = World(seed, proof, liars=True)
    for _ in range(60):
        world.act()
    live = world.driver
    again = Driver(FakeNode(), live.config)
    replayed, at, step = [live.steps[0]], 1, 0
    while at < len(live.entries):
        size = sizes[step % len(sizes)]
        replayed.append(again.feed(*live.entries[at : at + size]))
        at, step = at + size, step + 1
    assert encoded(replayed) == encoded(live.steps)
    assert again.state == live.state
