"""Drives a follower against a fake node: feeds entries, answers calls, and keeps all that follows."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import msgspec

from tidemill._rust import Logs
from tidemill.chains.evm.calls import Failed
from tidemill.chains.evm.config import EvmConfig, FactoryConfig
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.replay import start_entry
from tidemill.chains.evm.steps import (
    Began,
    Call,
    Change,
    PoolSnapshot,
    Reread,
    Restored,
    Reverted,
    Sealed,
    Step,
)
from tidemill.chains.evm.window import read_checkpoint
from tidemill.core.recording import Entry, Kind

from .fake_node import CHAIN_ID, FakeBlock, FakeNode, head_notice, log_notices

FACTORY = "0x" + "fa" * 20
MS = 1_000_000


def config_of(**changes: Any) -> EvmConfig:
    plain: dict[str, Any] = {
        "source": "local",
        "chain_id": CHAIN_ID,
        "ws_url": "ws://127.0.0.1:1",
        "start_block": 0,
        "factories": (FactoryConfig(address=FACTORY, protocol="uniswap_v2", dex="uniswap_v2"),),
    }
    return EvmConfig(**(plain | changes))


class Driver:
    """A follower, a node, and what passed between them."""

    def __init__(
        self, node: FakeNode, config: EvmConfig | None = None, state: dict[bytes, bytes] | None = None
    ) -> None:
        self.node = node
        self.nodes: dict[str, FakeNode] = {}
        """Nodes of further endpoints, by the number of their endpoint; the others answer as `node`."""
        self.config = config or config_of()
        self.state: dict[bytes, bytes] = dict(state or {})
        checkpoint = read_checkpoint(self.state.items(), self.config.source)
        self.follower = EvmFollower(self.config, checkpoint, "run")
        self.now_ns = 1_000_000_000
        self.entries: list[Entry] = []
        self.calls: list[Call] = []
        self.steps: list[Step] = []
        self.feed(start_entry(self.config, "run", self.state, self.now_ns))

    # what goes in

    def feed(self, *entries: Entry) -> Step:
        self.entries += entries
        step = self.follower.step(entries)
        self.calls += step.calls
        self.steps.append(step)
        for key, value in step.state.items():
            if value is None:
                self.state.pop(key, None)
            else:
                self.state[key] = value
        return step

    def entry(self, kind: Kind, data: bytes = b"", connection: str = "ws") -> Entry:
        self.now_ns += MS
        return Entry(kind, self.now_ns, connection, data)

    def frame(self, data: bytes, connection: str = "ws") -> Step:
        return self.feed(self.entry(Kind.FRAME, data, connection))

    def open(self, *connections: str) -> Driver:
        for connection in connections or ("ws",):
            self.feed(self.entry(Kind.OPEN, connection=connection))
        self.settle()
        if self.config.start_block == "latest":
            self.tick(500)  # only then what was told of a newest block is believed
        return self.settle()

    def close(self, connection: str = "ws") -> None:
        self.calls = [call for call in self.calls if call.connection != connection]
        self.feed(self.entry(Kind.CLOSE, b"gone", connection))

    def tick(self, ms: int = 50) -> Step:
        self.now_ns += ms * MS
        return self.feed(self.entry(Kind.TICK, connection=""))

    def fail(self, call: Call, fault: str = "Unreachable", **more: Any) -> Step:
        self.calls.remove(call)
        data = msgspec.json.encode(Failed(fault, "it failed", (call.id,), **more))
        return self.feed(self.entry(Kind.FAILED, data, call.connection))

    def answer(self, call: Call) -> Step:
        self.calls.remove(call)
        node = self.nodes.get(call.connection.lstrip("wshtp"), self.node)
        return self.frame(node.answer(call.encode()), call.connection)

    def settle(self, choose: Callable[[list[Call]], Call] | None = None, ticks: int = 0) -> Driver:
        """Answer every call, in the order that `choose` picks, until none is left."""
        for _ in range(ticks + 1):
            while self.calls:
                self.answer(self.calls[0] if choose is None else choose(self.calls))
            if ticks:
                self.tick(1_000)
        return self

    def shuffled(self, seed: int) -> Driver:
        chance = random.Random(seed)
        return self.settle(lambda calls: chance.choice(calls))

    def announce(self, *blocks: FakeBlock, logs: bool = True, by: str = "ws") -> Driver:
        for block in blocks:
            if logs:
                for notice in log_notices(block):
                    self.frame(notice, by)
            self.frame(head_notice(block), by)
        return self

    def mine(self, log_count: int = 1, blocks: int = 1) -> Driver:
        """Mine blocks; announce and answer each."""
        for _ in range(blocks):
            self.announce(self.node.mine(log_count)).settle()
        return self

    # what came out

    @property
    def blocks(self) -> list[Change]:
        """What happened to the chain since it began."""
        return [block for step in self.steps for block in step.blocks if not isinstance(block, Began)]

    @property
    def faults(self) -> list[str]:
        return [f"{type(fault).__name__}: {fault}" for step in self.steps for fault in step.faults]

    @property
    def stop(self) -> str | None:
        stops = [step.stop for step in self.steps if step.stop is not None]
        return f"{type(stops[0]).__name__}: {stops[0]}" if stops else None

    def events(self, tag: str) -> list[Any]:
        return [event for step in self.steps for event in step.events if event.__struct_config__.tag == tag]

    def canonical(self) -> list[tuple[int, str]]:
        """Replay what came out: the canonical chain's numbers and hashes."""
        chain: list[tuple[int, str]] = []
        for block in self.blocks:
            match block:
                case Sealed():
                    for head in block.heads:
                        self._push(chain, head)
                case Restored():
                    self._push(chain, block.head)
                case Reverted():
                    assert chain.pop() == (block.head.number, "0x" + block.head.hash.hex())
        return chain

    @staticmethod
    def _push(chain: list[tuple[int, str]], head: Any) -> None:
        assert not chain or chain[-1] == (head.number - 1, "0x" + head.parent_hash.hex())
        chain.append((head.number, "0x" + head.hash.hex()))

    def emitted_logs(self) -> list[tuple[str, int]]:
        """The identity of every log whose events are emitted, in order."""
        found: list[tuple[str, int]] = []
        for block in self.blocks:
            if isinstance(block, Sealed):
                found += _keys(block.logs)
            elif isinstance(block, Restored):
                found += [(key, index) for key, index in _keys(block.logs) if index in block.new_log_indexes]
        return found


def _keys(logs: Logs) -> list[tuple[str, int]]:
    return [("0x" + block_hash.hex(), index) for block_hash, index in logs.keys()]


def chain_of(node: FakeNode, first: int = 0) -> list[tuple[int, str]]:
    return [(block.number, block.hash) for block in node.blocks[first:]]


def begun(steps: list[Step]) -> list[PoolSnapshot]:
    """Return the pools that the chain begins with, each time that it begins."""
    blocks = [block for step in steps for block in step.blocks]
    return [pool for block in blocks if isinstance(block, Began) for pool in block.pools]


def encoded(steps: list[Step]) -> dict[str, bytes]:
    """Return all that steps said, however they were grouped, as bytes."""
    return {
        "calls": b"\n".join(call.encode() for step in steps for call in step.calls),
        "blocks": repr([_block(block) for step in steps for block in step.blocks]).encode(),
        "events": msgspec.msgpack.encode([event for step in steps for event in step.events]),
        "faults": repr([repr(fault) for step in steps for fault in step.faults]).encode(),
    }


def _block(block: Change) -> tuple[Any, ...]:
    match block:
        case Began():
            return block.pools
        case Sealed():
            return (
                [head.hash for head in block.heads],
                _keys(block.logs),
                block.recv_ns,
                block.first_seen_ns,
            )
        case Restored():
            return (block.head.hash, _keys(block.logs), block.recv_ns, block.sequence, block.new_log_indexes)
        case Reverted():
            return (block.head.hash, block.recv_ns, block.sequence)
        case Reread():
            return (block.pools, block.sequence)
