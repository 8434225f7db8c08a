"""Contracts of a fake node: what pools and tokens answer, and a Multicall3 that asks them."""

from collections.abc import Sequence
from typing import Any

from eth_abi import decode, encode

from tidemill.chains.evm.topics import PAIR_CREATED, POOL_CREATED

from .fake_node import FakeNode, Refusal

MULTICALL = "0xca11bde05977b3631167028862be2a173976ca11"
GETTERS = {
    "token0": "0x0dfe1681",
    "token1": "0xd21220a7",
    "factory": "0xc45a0155",
    "fee": "0xddca3f43",
    "tick_spacing": "0xd0c93a7c",
    "slot0": "0x3850c7bd",
    "liquidity": "0x1a686502",
    "reserves": "0x0902f1ac",
    "symbol": "0x95d89b41",
    "decimals": "0x313ce567",
}


def words(*values: int) -> str:
    return "0x" + b"".join(value.to_bytes(32, "big", signed=value < 0) for value in values).hex()


def word_of(address: str) -> str:
    return "0x" + "00" * 12 + address[2:]


class MulticallNode(FakeNode):
    """A fake node with Multicall3, which refuses batches that are too large."""

    calls_max = 10_000
    is_deployed = True

    def _call(self, call: dict[str, str]) -> str:
        if call["to"].lower() != MULTICALL:
            return super()._call(call)
        if not self.is_deployed:
            return "0x"
        (questions,) = decode(["(address,bool,bytes)[]"], bytes.fromhex(call["data"][10:]))
        if len(questions) > self.calls_max:
            raise Refusal(-32000, "out of gas")
        return "0x" + encode(["(bool,bytes)[]"], [[self._one(to, data) for to, _, data in questions]]).hex()

    def _one(self, to: str, data: bytes) -> tuple[bool, bytes]:
        found = self.contracts.get((to.lower(), "0x" + data.hex()), "0x")
        return (False, b"") if found == "revert" else (True, bytes.fromhex(found[2:]))

    def say(self, contract: str, **answers: str) -> None:
        for name, answer in answers.items():
            self.contracts[contract, GETTERS[name]] = answer

    def add_v2(
        self, pool: str, factory: str, tokens: Sequence[str], reserves: tuple[int, int]
    ) -> dict[str, Any]:
        """Add a pair, and return the log of its creation."""
        self._describe(pool, factory, tokens)
        self.say(pool, reserves=words(*reserves, 0))
        topics = ["0x" + PAIR_CREATED.hex(), *map(word_of, tokens)]
        return self._created(factory, topics, word_of(pool) + words(1)[2:])

    def add_v3(
        self, pool: str, factory: str, tokens: Sequence[str], *, tick: int, ticks: dict[int, tuple[int, int]]
    ) -> dict[str, Any]:
        """Add a pool of spacing 60, and return the log of its creation."""
        self._describe(pool, factory, tokens)
        liquidity = sum(net for at, (_, net) in ticks.items() if at <= tick)
        self.say(
            pool,
            fee=words(3000),
            tick_spacing=words(60),
            slot0=words(2**96, tick, 0, 0, 0, 0, 1),
            liquidity=words(liquidity),
        )
        for word in range(-58, 58):
            self.contracts[pool, "0x5339c296" + words(word)[2:]] = words(0)
        bitmaps: dict[int, int] = {}
        for at, (gross, net) in ticks.items():
            index = at // 60
            bitmaps[index >> 8] = bitmaps.get(index >> 8, 0) | 1 << (index & 255)
            self.contracts[pool, "0xf30dba93" + words(at)[2:]] = words(gross, net, 0, 0, 0, 0, 0, 1)
        for word, bits in bitmaps.items():
            self.contracts[pool, "0x5339c296" + words(word)[2:]] = words(bits)
        topics = ["0x" + POOL_CREATED.hex(), *map(word_of, tokens), words(3000)]
        return self._created(factory, topics, words(60) + word_of(pool)[2:])

    def _describe(self, pool: str, factory: str, tokens: Sequence[str]) -> None:
        self.say(pool, token0=word_of(tokens[0]), token1=word_of(tokens[1]), factory=word_of(factory))

    def _created(self, factory: str, topics: list[str], data: str) -> dict[str, Any]:
        block = self.mine(0)
        log = self._log(block, 0) | {"address": factory, "topics": topics, "data": data}
        block.logs = [log]
        return log
