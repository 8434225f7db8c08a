"""How are many contract calls asked as one: Multicall3's aggregate3, encoded and decoded in Rust.

Where a chain has no Multicall3, each call is asked by itself.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec import Struct

from tidemill._rust import decode_aggregate3, decode_bundle, encode_aggregate3, encode_bundle, parse_bytes
from tidemill.chains.evm.answers import RpcError
from tidemill.chains.evm.calls import Calls
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.steps import Hex

STATE_BLOCKS_MIN = 32
"""Nodes keep the state of more blocks: one that lacks a newer block's is behind, and has it soon."""
OnLost = Callable[[RpcError], bool]
"""Takes that a node lacks a block's state; True where the questions were stopped, else they are repeated."""
Question = tuple[bytes, bytes]
"""A contract's address and the calldata."""


class Round(Protocol):
    """Calls of one block's state, and the answers that have come."""

    def __len__(self) -> int: ...

    def aggregate(self, first: int, last: int, /) -> bytes:
        """Return some of them as the calldata of Multicall3's aggregate3."""
        ...

    def call(self, index: int, /) -> Question:
        """Return one of them."""
        ...

    def put_aggregate(self, first: int, last: int, answer: bytes, /) -> None:
        """Take what aggregate3 gave to `aggregate(first, last)`. Raises: Malformed."""
        ...

    def put(self, index: int, answer: bytes | None, /) -> None:
        """Take what one of them gave; None where it reverted."""
        ...


class Views:
    """A round of questions that are known beforehand."""

    def __init__(self, questions: Sequence[Question]) -> None:
        self._questions = questions
        self.answers: list[bytes | None] = [None] * len(questions)
        """By question; None where the view reverted, or was not asked yet."""

    def __len__(self) -> int:
        return len(self._questions)

    def aggregate(self, first: int, last: int) -> bytes:
        """Return some of them as the calldata of Multicall3's aggregate3."""
        return encode_aggregate3(self._questions[first:last])

    def bundle(self, first: int, last: int) -> bytes:
        """Return some of them as the calldata of the bundle's program."""
        return encode_bundle(self._questions[first:last])

    def put_bundle(self, first: int, last: int, answer: bytes) -> None:
        """Take what the program gave to `bundle(first, last)`. Raises: Malformed."""
        self.answers[first:last] = decode_bundle(answer, last - first)

    def call(self, index: int) -> Question:
        """Return one of them."""
        return self._questions[index]

    def put_aggregate(self, first: int, last: int, answer: bytes) -> None:
        """Take what aggregate3 gave to `aggregate(first, last)`. Raises: Malformed."""
        self.answers[first:last] = decode_aggregate3(answer, last - first)

    def put(self, index: int, answer: bytes | None) -> None:
        """Take what one of them gave; None where it reverted."""
        self.answers[index] = answer


class _Chunk(Struct, eq=False):
    """Some of the questions, which one eth_call asks."""

    first: int
    last: int


class _Job(Struct, eq=False):
    round: Round
    block: str
    left: int
    then: Callable[[], None]
    lost: OnLost | None


class Multicall:
    """Asks questions of contracts, many in one eth_call, as many as the node takes."""

    def __init__(self, calls: Calls, config: EvmConfig) -> None:
        self._calls = calls
        self._address = config.multicall
        self._calls_max = config.multicall_calls
        self._in_flight_max = config.calls_in_flight_max
        self._in_flight = 0
        self._waiting: list[tuple[_Job, _Chunk]] = []

    def ask(
        self,
        asked: Round,
        block_number: int,
        then: Callable[[], None],
        *,
        lost: OnLost | None = None,
    ) -> None:
        """Ask all calls of a round after a block; `then` is called when the round has all answers.

        `lost` is told where a node lacks the block's state.
        """
        if not len(asked):
            then()
            return
        job = _Job(asked, hex(block_number), len(asked), then, lost)
        self._queue(job, 0, len(asked))
        self._pump()

    def stop(self) -> None:
        """Forget all questions."""
        self._calls.drop(self)
        self._waiting.clear()
        self._in_flight = 0

    def _queue(self, job: _Job, first: int, last: int) -> None:
        for start in range(first, last, self._calls_max):
            self._waiting.append((job, _Chunk(start, min(start + self._calls_max, last))))

    def _pump(self) -> None:
        while self._waiting and self._in_flight < self._in_flight_max:
            job, chunk = self._waiting.pop(0)
            self._in_flight += 1
            self._ask(job, chunk)

    def _ask(self, job: _Job, chunk: _Chunk) -> None:
        data = Hex(job.round.aggregate(chunk.first, chunk.last))
        self._calls.ask_bulk(
            "eth_call",
            [{"to": self._address, "data": data}, job.block],
            lambda result: self._on_result(job, chunk, result),
            fails=lambda error: self._on_error(job, chunk, error),
            owner=self,
        )

    def _on_result(self, job: _Job, chunk: _Chunk, result: bytes) -> None:
        data = parse_bytes(result)
        if not data:
            for index in range(chunk.first, chunk.last):
                self._ask_one(job, index)
            self._in_flight -= 1
            self._pump()
            return
        job.round.put_aggregate(chunk.first, chunk.last, data)
        self._in_flight -= 1
        self._pump()
        self._took(job, chunk.last - chunk.first)

    def _ask_one(self, job: _Job, index: int) -> None:
        target, data = job.round.call(index)

        def take(answer: bytes | None) -> None:
            job.round.put(index, answer)
            self._took(job, 1)

        def failed(error: RpcError) -> bool:
            if error.is_reverted:
                take(None)
            return error.is_reverted or self._is_lost(job, error)

        self._calls.ask_bulk(
            "eth_call",
            [{"to": Hex(target), "data": Hex(data)}, job.block],
            lambda result: take(parse_bytes(result)),
            fails=failed,
            owner=self,
        )

    @staticmethod
    def _is_lost(job: _Job, error: RpcError) -> bool:
        is_other = error.is_reverted or error.is_too_large
        return job.lost is not None and error.is_missing and not is_other and job.lost(error)

    @staticmethod
    def _took(job: _Job, count: int) -> None:
        job.left -= count
        if job.left == 0:
            job.then()

    def _on_error(self, job: _Job, chunk: _Chunk, error: RpcError) -> bool:
        if self._is_lost(job, error):
            return True
        size = chunk.last - chunk.first
        # a revert of aggregate3 itself means that it ran out of gas: its calls may each fail
        if size == 1 or not (error.is_too_large or error.is_reverted):
            return False
        self._calls_max = max(1, min(self._calls_max, size // 2))
        self._in_flight -= 1
        self._queue(job, chunk.first, chunk.last)
        self._pump()
        return True
