"""What does a node say that lags or is on another fork: calls and answers, changed to hold together."""

from collections import deque
from collections.abc import Callable, Mapping
from math import floor, log
from typing import Any

import msgspec

from tidemill.sandbox.faults import blocks
from tidemill.sandbox.faults.calls import Call, answer, refusal
from tidemill.sandbox.faults.dice import Dice

_NOT_FOUND = -32000
Numbers = Mapping[str, int | None]
"""Of block hashes: what number the honest node says they have; None: it does not know them."""
Note = Callable[[str, str], None]
"""Takes kind of fault and hash of a block to which it was done."""


def fork_block(dice: Dice, one_in: int, newest: int) -> int:
    """Return where the other fork begins: after `newest`, each block with chance 1 in `one_in`."""
    if one_in == 1:
        return newest + 1
    luck = 1 - dice.share("wrong_fork", newest)
    return newest + 1 + floor(log(luck) / log(1 - 1 / one_in))


class Fork:
    """Another chain from one block on: the same blocks with other hashes, linked by them.

    A hash is no longer that of the header's fields: who hashes headers finds out, who follows links does not.
    """

    def __init__(self, first_block: int, dice: Dice, note: Note) -> None:
        self.first_block = first_block
        self._key = dice.key("wrong_fork")
        self._note = note

    def other(self, block_hash: str) -> str:
        """Return the other fork's hash of a block, or the block's of the other fork's."""
        return f"0x{int(block_hash, 16) ^ self._key:064x}"

    def ask(self, call: Call, numbers: Numbers) -> Call | bytes:
        """Return the call as the node understands it, or the answer where the fork lacks the block."""
        named = blocks.named_by(call)
        if named is None or named.hash is None:
            return call
        meant = self.other(named.hash)
        if self._is_other(numbers.get(meant)):
            return blocks.naming(call, meant)
        return unknown(call) if self._is_other(numbers.get(named.hash)) else call

    def tell(self, thing: Any) -> Any:
        """Return what the node said with the fork's hashes."""
        match thing:
            case list():
                return [self.tell(each) for each in thing]
            case dict():
                return self._renamed({key: self.tell(value) for key, value in thing.items()})
            case _:
                return thing

    def _renamed(self, thing: dict[str, Any]) -> dict[str, Any]:
        number = blocks.number_of(thing)
        if number is None or number < self.first_block:
            return thing
        for key in ("hash", "parentHash") if "parentHash" in thing else ("blockHash",):
            honest = thing.get(key)
            if isinstance(honest, str) and (key != "parentHash" or number > self.first_block):
                thing[key] = self.other(honest)
                self._note("wrong_fork", honest)
        return thing

    def _is_other(self, number: int | None) -> bool:
        return number is not None and number >= self.first_block


class Lag:
    """A chain that ends `behind` blocks early."""

    def __init__(self, behind: int, newest: int, note: Note) -> None:
        self.behind = behind
        self._note = note
        self.newest = newest
        """Of the honest chain, as far as we know; whoever asks the node keeps it up to date."""

    @property
    def visible(self) -> int:
        """Return the last block that is known here."""
        return max(0, self.newest - self.behind)

    def ask(self, call: Call, numbers: Numbers) -> Call | bytes:
        """Return the call with the newest block named by number, or the answer where it needs no node."""
        if call.method == "eth_blockNumber":
            return answer(call, hex(self.visible))
        named = blocks.named_by(call)
        if named is None:
            return blocks.ends_range_at(call, self.visible)
        if named.is_newest:
            return blocks.naming(call, hex(self.visible))
        number = named.number if named.hash is None else numbers.get(named.hash)
        return unknown(call) if number is not None and number > self.visible else call

    def tell(self, result: Any) -> Any:
        """Return the result without what is of later blocks."""
        if self._is_later(result):
            return None
        if not isinstance(result, list):
            return result
        if any("logs" in each and self._is_later(each) for each in result if isinstance(each, dict)):
            return None
        return [each for each in result if not self._is_later(each)]

    def _is_later(self, thing: Any) -> bool:
        number = blocks.number_of(thing)
        if number is None or number <= self.visible:
            return False
        block_hash = thing["hash"] if "parentHash" in thing else thing.get("blockHash")
        if isinstance(block_hash, str):
            self._note("stale", block_hash)
        return True


class LateNotices:
    """One connection's notices, each kept until its block is visible."""

    def __init__(self, behind: int, note: Note) -> None:
        self._behind = behind
        self._note = note
        self._newest = 0
        self._kept: deque[tuple[int, Any]] = deque()

    def take(self, notice: Any, thing: Any) -> list[Any]:
        """Return the notices that may be given now that the honest node gave this one about `thing`."""
        number = blocks.number_of(thing)
        if number is None:
            return [notice]
        if "parentHash" in thing:
            self._newest = number  # less than before where the chain was reorganised
            self._note("stale", thing["hash"])
        else:
            self._newest = max(self._newest, number)
        self._kept.append((number, notice))
        ready: list[Any] = []
        while self._kept and self._kept[0][0] + self._behind <= self._newest:
            ready.append(self._kept.popleft()[1])
        return ready

    def leave(self) -> list[Any]:
        """Return all that is kept."""
        late = [notice for _, notice in self._kept]
        self._kept.clear()
        return late


def unknown(call: Call) -> bytes:
    """Return what a node answers about a block that it lacks."""
    if blocks.is_null_where_unknown(call):
        return answer(call, None)
    return refusal(call, _NOT_FOUND, "unknown block")


class View:
    """The chain as this endpoint has it: lagging, on another fork, or both."""

    def __init__(self, lag: Lag | None, fork: Fork | None, note: Note) -> None:
        self._lag = lag
        self._fork = fork
        self._late = None if lag is None else LateNotices(lag.behind, note)

    def hashes(self, call: Call) -> tuple[str, ...]:
        """Return the block hashes whose numbers `ask` needs."""
        named = blocks.named_by(call)
        if named is None or named.hash is None:
            return ()
        return (named.hash,) if self._fork is None else (named.hash, self._fork.other(named.hash))

    def leave(self) -> list[bytes]:
        """Return the notices that were kept for later; this view is not used any more."""
        late = [] if self._late is None else self._late.leave()
        return [msgspec.json.encode(self._forked(each)) for each in late]

    def ask(self, call: Call, numbers: Numbers) -> Call | bytes:
        """Return the call for the node, or the answer without it."""
        asked: Call | bytes = call if self._fork is None else self._fork.ask(call, numbers)
        return asked if self._lag is None or isinstance(asked, bytes) else self._lag.ask(asked, numbers)

    def tell(self, message: bytes) -> list[bytes]:
        """Return the messages that are said where the node said this one."""
        if b'"blockHash"' not in message and b'"parentHash"' not in message:
            return [message]
        try:
            said = msgspec.json.decode(message)
        except msgspec.DecodeError:
            return [message]
        if isinstance(said, list):
            return [msgspec.json.encode([self._told(each) for each in said])]
        return [msgspec.json.encode(each) for each in self._message(said)]

    def _message(self, said: Any) -> list[Any]:
        match said:
            case {"params": {"result": thing}}:
                ready = [said] if self._late is None else self._late.take(said, thing)
                return [self._forked(each) for each in ready]
            case _:
                return [self._told(said)]

    def _told(self, said: Any) -> Any:
        match said:
            case {"result": result} if self._lag is not None:
                return self._forked(said | {"result": self._lag.tell(result)})
            case _:
                return self._forked(said)

    def _forked(self, said: Any) -> Any:
        return said if self._fork is None else self._fork.tell(said)
