"""What is the state of pools at one block: asked of a node by their addresses, many in one eth_call.

Which calls to ask and what their answers mean is decided in Rust; here they are sent, in parts as large as
the node takes, all of the state after one block, which is named by its hash.
"""

import asyncio
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from tidemill._rust import Head, PoolQueries, PoolReading, PoolUnread, parse_head
from tidemill.chains.evm.answers import fault_of
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.forks import Factory, known_factories
from tidemill.chains.evm.multicall import Question, Views
from tidemill.chains.evm.rounds import Reply, Rounds, UnknownHash
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint
from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unknown, Unreachable


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


class PoolState(Struct, frozen=True, eq=False, gc=False):
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


class PoolQuery:
    """Reads pools of one chain from one endpoint, whose connections are open."""

    def __init__(self, config: EvmConfig, http: HttpEndpoint, clock: Clock) -> None:
        self._rounds = Rounds(config, http)
        self._clock = clock
        self._where = f"chain {config.source}"
        self._chain_id = config.chain_id
        self._factories: Mapping[bytes, Factory] = known_factories(config)
        self._pair_fees = {
            address: (one.fee_numerator, one.fee_denominator) for address, one in self._factories.items()
        }
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
        except UnknownHash:  # the node wants blocks by their numbers; the hash is then compared at the end
            self._names_blocks_by_hash = False
            return await self._read(wanted, is_exact=is_exact)

    async def ask(self, questions: Sequence[Question]) -> list[bytes | None]:
        """Return what views answer after the newest block, in the order of `questions`; None where one
        reverts.

        Raises: as `read` does.
        """
        try:
            return await self._ask(questions)
        except UnknownHash:
            self._names_blocks_by_hash = False
            return await self._ask(questions)

    async def _ask(self, questions: Sequence[Question]) -> list[bytes | None]:
        number, block_hash = await self._newest()
        views = Views(questions)
        await self._rounds.ask(views, self._block(number, block_hash))
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
        for start in range(0, len(raw), self._rounds.batch_calls):
            for reply in await self._rounds.post(raw[start : start + self._rounds.batch_calls]):
                if reply.error is not None and reply.error.is_busy:
                    raise fault_of(reply.error, self._where)
                results.append(None if reply.error is not None else bytes(reply.result))
        return results

    async def head(self, block_hash: bytes) -> Head:
        """Return a block's head. Raises: Gap, where a reorg took it away; Fault, where nobody answers."""
        (block,) = await self._rounds.post([("eth_getBlockByHash", [f"0x{block_hash.hex()}", False])])
        return self._head(block)

    async def _read(self, wanted: Sequence[PoolWanted], *, is_exact: bool) -> list[PoolState | Fault]:
        asked_ns = self._clock.now_ns()
        newest = asyncio.create_task(self._newest(), name=f"{self._where}: newest block")
        try:
            await asyncio.sleep(0)  # it is asked; what to ask next is found out while the node answers
            queries = self._queries(wanted, is_exact=is_exact)
            number, block_hash = await newest
        finally:
            newest.cancel()
        while len(queries):
            await self._rounds.ask(queries, self._block(number, block_hash))
            queries.advance()
        if not self._names_blocks_by_hash:
            await self._check_hash(number, block_hash)
        found = queries.results(self._pair_fees)
        news = sum(pool.before is None for pool in wanted)
        new, again = iter(found[:news]), iter(found[news:])
        results = [next(new) if pool.before is None else next(again) for pool in wanted]
        return [self._state(result, number, block_hash, asked_ns) for result in results]

    def _queries(self, wanted: Sequence[PoolWanted], *, is_exact: bool) -> PoolQueries:
        try:
            return PoolQueries(
                [(pool.address, pool.dex_type) for pool in wanted if pool.before is None],
                is_exact=is_exact,
                again=[pool.before for pool in wanted if pool.before is not None],
            )
        except ValueError as error:
            raise Refused(f"{self._where}: {error}") from error

    def _state(
        self, result: PoolReading | PoolUnread, number: int, block_hash: bytes, asked_ns: int
    ) -> PoolState | Fault:
        if isinstance(result, PoolUnread):
            fault = _FAULTS.get(result.reason, StrangeAnswer)
            return fault(f"{self._where}: {result.message} (block {number})")
        factory = self._factories.get(result.factory or b"")
        dex = factory.dex if factory else None
        lie = self._decimals_fault(result, number)
        return PoolState(result, dex, number, block_hash, asked_ns, lie)

    def _decimals_fault(self, reading: PoolReading, number: int) -> LyingDecimals | None:
        found = reading.decimals_fault
        if found is None:
            return None
        token, said = found
        what = f"pool 0x{reading.address.hex()}: token 0x{token.hex()}: {said}"
        return LyingDecimals(f"{self._where}: {what}; reserves are raw amounts (block {number})")

    async def _newest(self) -> tuple[int, bytes]:
        """Return number and hash of the newest block; the first time, check which chain it is."""
        asked: list[tuple[str, list[object] | msgspec.Raw]] = [("eth_getBlockByNumber", ["latest", False])]
        if not self._is_checked:
            asked.append(("eth_chainId", []))
        block, *chain_id = await self._rounds.post(asked)
        if chain_id:
            self._check_chain(chain_id[0].get(self._where))
        head = self._head(block)
        return head.number, head.hash

    def _head(self, reply: Reply) -> Head:
        head = parse_head(reply.get(self._where))
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
        (block,) = await self._rounds.post([("eth_getBlockByNumber", [hex(number), False])])
        if self._head(block).hash != block_hash:
            raise Gap(f"{self._where}: expected block 0x{block_hash.hex()} to last, a reorg took it away")

    def _block(self, number: int, block_hash: bytes) -> object:
        return {"blockHash": f"0x{block_hash.hex()}"} if self._names_blocks_by_hash else hex(number)
