"""What is the state of pools at one block: asked of a node by their addresses, many in one eth_call.

Which calls to ask and what their answers mean is decided in Rust; here they are sent, in parts as large as
the node takes, all of the state after one block, which is named by its hash.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from tidemill._rust import Head, PoolQueries, PoolReading, PoolUnread, parse_head
from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import Factory, known_factories
from tidemill.chains.evm.multicall import Question, Views, hex_bytes
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unknown, Unreachable, leaves

_INVALID_PARAMS = -32602
_DEPTH_MAX = 12
"""How often a part is halved: from 4,096 calls to one."""


class NotContract(Refused):
    """No code is at the address."""


class UnknownPool(Unknown):
    """A contract, but of no kind of pool that is known."""


class WrongKind(Refused):
    """A pool of another kind than it was said to be."""


class RevertingView(Refused):
    """A view that every pool of the kind has reverts."""


class StrangeAnswer(Malformed):
    """A view's answer is not what its type says, or contradicts another's."""


class OutOfRange(StrangeAnswer):
    """A number of a view's answer does not fit its type."""


class LyingDecimals(Malformed):
    """A token of the pool tells no decimals, absurd ones, or others than before: raw amounts mean nothing."""


class PoolLocked(Unreachable):
    """The pool is in the middle of a swap: ask again after the next block."""


class EmptyPool(Refused):
    """The pool holds nothing to swap, or has no price yet."""


_FAULTS: Mapping[str, type[Fault]] = {
    "not_contract": NotContract,
    "unknown_pool": UnknownPool,
    "wrong_kind": WrongKind,
    "reverted": RevertingView,
    "locked": PoolLocked,
    "empty": EmptyPool,
    "out_of_range": OutOfRange,
}
"""By the reason's name in Rust; every other is a StrangeAnswer."""


class PoolWanted(Struct, frozen=True):
    """A pool to read."""

    address: bytes
    dex_type: str | None = None
    """What it is said to be; None: recognised from the chain."""
    before: PoolReading | None = None
    """What was read of it before: what lasts is not asked again."""


class PoolState(Struct, frozen=True, eq=False):
    """A pool as it stood after one block."""

    reading: PoolReading
    dex: str | None
    """Whose pool it is, where its factory is a known one."""
    block_number: int
    block_hash: bytes
    asked_ns: int
    """Before the question was sent: the state is not older than this."""
    decimals_fault: LyingDecimals | None = None
    """Where a token lies about its decimals; its raw amounts are told all the same."""


class _Reply(Struct):
    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None


_REPLIES = msgspec.json.Decoder(list[_Reply])


class PoolQuery:
    """Reads pools of one chain from one endpoint, whose connections are open."""

    def __init__(self, config: EvmConfig, http: HttpEndpoint, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._where = f"chain {config.source}"
        self._chain_id = config.chain_id
        self._multicall: str | None = config.multicall
        self._factories: Mapping[bytes, Factory] = known_factories(config)
        self._calls_max = config.multicall_calls
        self._batch_calls = config.http_batch_calls
        self._names_blocks_by_hash = True
        self._is_checked = False

    async def read(self, wanted: Sequence[PoolWanted], *, is_exact: bool = False) -> list[PoolState | Fault]:
        """Return the state of each pool after the newest block, or why there is none, in the order of
        `wanted`; `is_exact` asks for all that an exact swap needs.

        Raises: Fault, where the node does not answer; Refused, where it serves another chain or a `dex_type`
        is not known; Gap, where a reorg took the block away meanwhile.
        """
        try:
            return await self._read(wanted, is_exact=is_exact)
        except _UnknownHash:  # the node wants blocks by their numbers; the hash is then compared at the end
            self._names_blocks_by_hash = False
            return await self._read(wanted, is_exact=is_exact)

    async def ask(self, questions: Sequence[Question]) -> list[bytes | None]:
        """Return what views answer after the newest block, in the order of `questions`; None where one
        reverts.

        Raises: as `read` does.
        """
        try:
            return await self._ask(questions)
        except _UnknownHash:
            self._names_blocks_by_hash = False
            return await self._ask(questions)

    async def _ask(self, questions: Sequence[Question]) -> list[bytes | None]:
        number, block_hash = await self._newest()
        views = Views(questions)
        await self._ask_round(views, self._block(number, block_hash))
        if not self._names_blocks_by_hash:
            await self._check_hash(number, block_hash)
        return views.answers

    async def newest_number(self) -> int:
        """Return the newest block's number. Raises: as `read` does."""
        number, _ = await self._newest()
        return number

    async def results(self, asked: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        """Return the JSON of what methods give for parameters, JSON too, in their order; None where the node
        refuses.

        Raises: Fault, where it does not answer, or has had too many questions.
        """
        results: list[bytes | None] = []
        raw = [(method, msgspec.Raw(params)) for method, params in asked]
        for start in range(0, len(raw), self._batch_calls):
            for reply in await self._post(raw[start : start + self._batch_calls]):
                if reply.error is not None and reply.error.is_busy:
                    raise fault_of(reply.error, self._where)
                results.append(None if reply.error is not None else bytes(reply.result))
        return results

    async def head(self, block_hash: bytes) -> Head:
        """Return a block's head. Raises: Gap, where a reorg took it away; Fault, where nobody answers."""
        (block,) = await self._post([("eth_getBlockByHash", [f"0x{block_hash.hex()}", False])])
        return self._head(block)

    async def _read(self, wanted: Sequence[PoolWanted], *, is_exact: bool) -> list[PoolState | Fault]:
        asked_ns = self._clock.now_ns()
        number, block_hash = await self._newest()
        try:
            queries = PoolQueries(
                [(pool.address, pool.dex_type) for pool in wanted if pool.before is None],
                is_exact=is_exact,
                again=[pool.before for pool in wanted if pool.before is not None],
            )
        except ValueError as error:
            raise Refused(f"{self._where}: {error}") from error
        while len(queries):
            await self._ask_round(queries, self._block(number, block_hash))
            queries.advance()
        if not self._names_blocks_by_hash:
            await self._check_hash(number, block_hash)
        found = queries.results()
        news = sum(pool.before is None for pool in wanted)
        new, again = iter(found[:news]), iter(found[news:])
        results = [next(new) if pool.before is None else next(again) for pool in wanted]
        return [self._state(result, number, block_hash, asked_ns) for result in results]

    def _state(
        self, result: PoolReading | PoolUnread, number: int, block_hash: bytes, asked_ns: int
    ) -> PoolState | Fault:
        if isinstance(result, PoolUnread):
            fault = _FAULTS.get(result.reason, StrangeAnswer)
            return fault(f"{self._where}: {result.message} (block {number})")
        factory = self._factories.get(result.factory or b"")
        if factory is not None and result.fee_e18 is None and result.kind == "uniswap_v2":
            result = result.with_pair_fee(factory.fee_numerator, factory.fee_denominator)
        dex = factory.dex if factory else None
        lie = self._decimals_fault(result, number)
        return PoolState(result, dex, number, block_hash, asked_ns, lie)

    def _decimals_fault(self, reading: PoolReading, number: int) -> LyingDecimals | None:
        for coin in reading.coins:
            if coin.decimals_fault is not None:
                pool, token = reading.address.hex(), coin.address.hex()
                what = f"pool 0x{pool}: token 0x{token}: {coin.decimals_fault}"
                return LyingDecimals(f"{self._where}: {what}; reserves are raw amounts (block {number})")
        return None

    async def _newest(self) -> tuple[int, bytes]:
        """Return number and hash of the newest block; the first time, check which chain it is."""
        asked: list[tuple[str, list[object]]] = [("eth_getBlockByNumber", ["latest", False])]
        if not self._is_checked:
            asked.append(("eth_chainId", []))
        block, *chain_id = await self._post(asked)
        if chain_id:
            self._check_chain(_result(chain_id[0], self._where))
        head = self._head(block)
        return head.number, head.hash

    def _head(self, reply: _Reply) -> Head:
        head = parse_head(_result(reply, self._where))
        if head is None:
            raise Gap(f"{self._where}: expected a block, found none")
        return head

    def _check_chain(self, told: bytes) -> None:
        try:
            chain_id = int(msgspec.json.decode(told, type=str), 16)
        except (msgspec.DecodeError, ValueError) as error:
            raise Malformed(f"{self._where}: expected a chain id, found {told[:60]!r}") from error
        if chain_id != self._chain_id:
            raise Refused(f"{self._where}: expected chain id {self._chain_id}, found {chain_id}")
        self._is_checked = True

    async def _check_hash(self, number: int, block_hash: bytes) -> None:
        (block,) = await self._post([("eth_getBlockByNumber", [hex(number), False])])
        if self._head(block).hash != block_hash:
            raise Gap(f"{self._where}: expected block 0x{block_hash.hex()} to last, a reorg took it away")

    def _block(self, number: int, block_hash: bytes) -> object:
        return {"blockHash": f"0x{block_hash.hex()}"} if self._names_blocks_by_hash else hex(number)

    async def _ask_round(self, queries: PoolQueries | Views, block: object) -> None:
        size = self._calls_max if self._multicall else self._batch_calls
        parts = [(first, min(first + size, len(queries))) for first in range(0, len(queries), size)]
        try:
            async with asyncio.TaskGroup() as tasks:
                for first, last in parts:
                    tasks.create_task(self._ask_part(queries, block, first, last, _DEPTH_MAX))
        except BaseExceptionGroup as group:
            raise next(leaves(group)) from group

    async def _ask_part(
        self, queries: PoolQueries | Views, block: object, first: int, last: int, depth: int
    ) -> None:
        if self._multicall is None:
            await self._ask_singly(queries, block, first, last)
            return
        data = f"0x{queries.aggregate(first, last).hex()}"
        try:
            (reply,) = await self._post([("eth_call", [{"to": self._multicall, "data": data}, block])])
        except _TooLarge as error:
            reply = _Reply(error=RpcError.too_large_error(str(error)))
        error = reply.error
        if error is not None and error.code == _INVALID_PARAMS and self._names_blocks_by_hash:
            raise _UnknownHash(f"{self._where}: {error.message}")
        # a revert of aggregate3 itself means that it ran out of gas: its calls may each fail
        if error is not None and last - first > 1 and depth and (error.is_too_large or error.is_reverted):
            self._calls_max = max(1, min(self._calls_max, (last - first + 1) // 2))
            middle = (first + last) // 2
            await self._ask_part(queries, block, first, middle, depth - 1)
            await self._ask_part(queries, block, middle, last, depth - 1)
            return
        answer = hex_bytes(_result(reply, self._where))
        if answer:
            queries.put_aggregate(first, last, answer)
            return
        self._multicall = None  # the chain has none: each call is asked by itself from now on
        await self._ask_singly(queries, block, first, last)

    async def _ask_singly(self, queries: PoolQueries | Views, block: object, first: int, last: int) -> None:
        asked: list[tuple[str, list[object]]] = []
        for index in range(first, last):
            to, data = queries.call(index)
            asked.append(("eth_call", [{"to": f"0x{to.hex()}", "data": f"0x{data.hex()}"}, block]))
        for start in range(0, len(asked), self._batch_calls):
            replies = await self._post(asked[start : start + self._batch_calls])
            for index, reply in enumerate(replies, first + start):
                is_reverted = reply.error is not None and reply.error.is_reverted
                queries.put(index, None if is_reverted else hex_bytes(_result(reply, self._where)))

    async def _post(self, asked: Sequence[tuple[str, list[object] | msgspec.Raw]]) -> list[_Reply]:
        """Send one JSON-RPC batch; return the replies in the order of the questions."""
        body = msgspec.json.encode(
            [
                {"jsonrpc": "2.0", "id": index, "method": method, "params": params}
                for index, (method, params) in enumerate(asked)
            ]
        )
        answer = await self._http.post(body)
        if isinstance(answer, HttpFailure):
            if answer.too_large:
                raise _TooLarge(str(answer.fault)) from answer.fault
            raise answer.fault
        try:
            replies = {reply.id: reply for reply in _REPLIES.decode(answer.body)}
        except msgspec.DecodeError as error:
            raise Malformed(f"{self._where}: expected a batch's answer, found: {error}") from error
        missing = [index for index in range(len(asked)) if index not in replies]
        if missing:
            raise Malformed(f"{self._where}: expected {len(asked)} answers, {len(missing)} are missing")
        return [replies[index] for index in range(len(asked))]


class _UnknownHash(Refused):
    """The node does not take a block's hash where it takes its number (EIP-1898)."""


class _TooLarge(Unreachable):
    """The transport found the question or its answer too large."""


def _result(reply: _Reply, where: str) -> bytes:
    if reply.error is not None:
        raise fault_of(reply.error, where)
    return bytes(reply.result)
