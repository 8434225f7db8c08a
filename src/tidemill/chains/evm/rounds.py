"""How is a round of contract calls asked of one node: in as few questions, and as few bytes, as it takes.

A node that runs code which the question carries gets all calls in one; another is asked through Multicall3,
and where the chain has none, call by call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence

import msgspec
from msgspec import Struct

from tidemill._rust import PoolQueries, bundle_program, parse_bytes
from tidemill.chains.evm.answers import RpcError, fault_of
from tidemill.chains.evm.config import EvmConfig
from tidemill.chains.evm.multicall import Views
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.schema.faults import Malformed, Refused, Unreachable, leaves

BundledRound = PoolQueries | Views
"""A round that can be asked by a program, too."""

_INVALID_PARAMS = -32602
_DEPTH_MAX = 12
"""How often a part is halved: from 4,096 calls to one."""
_BUNDLE_FACTOR = 2
"""A bundled call takes a seventh of the question's bytes and half of the answer's: so many more in one."""
_BUNDLE_ADDRESS, _BUNDLE_CODE = (f"0x{part.hex()}" for part in bundle_program())


class UnknownHash(Refused):
    """The node does not take a block's hash where it takes its number (EIP-1898)."""


class _TooLarge(Unreachable):
    """The transport found the question or its answer too large."""


class Reply(Struct):
    """One answer of a JSON-RPC batch."""

    id: int | None = None
    result: msgspec.Raw = msgspec.Raw(b"null")
    error: RpcError | None = None

    def get(self, where: str) -> bytes:
        """Return the result's JSON. Raises: Fault, where it is an error; it begins with `where`."""
        if self.error is not None:
            raise fault_of(self.error, where)
        return bytes(self.result)


_Ask = Callable[[BundledRound, object, "_Part"], Coroutine[None, None, None]]
_REPLIES = msgspec.json.Decoder(list[Reply])


class _Part(Struct, frozen=True):
    """Some calls of a round."""

    first: int
    last: int
    depth: int = _DEPTH_MAX
    """How often it may be halved."""

    @property
    def calls(self) -> int:
        return self.last - self.first

    def parts(self, size: int) -> "list[_Part]":
        starts = range(self.first, self.last, size)
        return [_Part(start, min(start + size, self.last), self.depth) for start in starts]

    def halves(self) -> "tuple[_Part, _Part]":
        middle = (self.first + self.last) // 2
        return _Part(self.first, middle, self.depth - 1), _Part(middle, self.last, self.depth - 1)


class Rounds:
    """Asks one endpoint of a chain, whose connections are open, and remembers what it takes."""

    def __init__(self, config: EvmConfig, http: HttpEndpoint) -> None:
        self._http = http
        self._where = f"chain {config.source}"
        self._bundle_calls_max: int | None = config.multicall_calls * _BUNDLE_FACTOR
        """None: it does not run code that a question carries."""
        self._multicall: str | None = config.multicall
        self._calls_max = config.multicall_calls
        self.batch_calls = config.http_batch_calls
        """Questions in one JSON-RPC batch."""

    async def ask(self, calls: BundledRound, block: object) -> None:
        """Ask every call of the round after `block`, a parameter of eth_call; give `calls` the answers.

        Raises: UnknownHash; Fault, where the node does not answer.
        """
        part = _Part(0, len(calls))
        if self._bundle_calls_max is None:
            await self._ask_without_code(calls, block, part)
        else:
            await self._each(self._ask_bundle, calls, block, part.parts(self._bundle_calls_max))

    async def post(self, asked: Sequence[tuple[str, list[object] | msgspec.Raw]]) -> list[Reply]:
        """Send one JSON-RPC batch of methods and parameters; return the replies in their order.

        Raises: Fault, where the endpoint does not answer all of them.
        """
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

    async def _each(self, ask: _Ask, calls: BundledRound, block: object, parts: Sequence[_Part]) -> None:
        if len(parts) == 1:
            await ask(calls, block, parts[0])
            return
        try:
            async with asyncio.TaskGroup() as tasks:
                for part in parts:
                    tasks.create_task(
                        ask(calls, block, part), name=f"{self._where}: calls from {part.first} on"
                    )
        except BaseExceptionGroup as group:
            raise next(leaves(group)) from group

    async def _ask_bundle(self, calls: BundledRound, block: object, part: _Part) -> None:
        data = f"0x{calls.bundle(part.first, part.last).hex()}"
        code = {_BUNDLE_ADDRESS: {"code": _BUNDLE_CODE}}
        reply = await self._call([{"to": _BUNDLE_ADDRESS, "data": data}, block, code])
        answer = b"" if reply.error is not None else parse_bytes(bytes(reply.result))
        if answer:
            calls.put_bundle(part.first, part.last, answer)
            return
        error = reply.error
        if error is not None and error.is_busy:
            raise fault_of(error, self._where)
        if error is not None and error.code != _INVALID_PARAMS and _is_too_much(error, part):
            if self._bundle_calls_max is not None:  # another part may have shown that it runs no code
                self._bundle_calls_max = min(self._bundle_calls_max, (part.calls + 1) // 2)
            for half in part.halves():
                await self._ask_bundle(calls, block, half)
            return
        await self._ask_without_code(calls, block, part)  # where that fails too, the code was not the reason
        self._bundle_calls_max = None

    async def _ask_without_code(self, calls: BundledRound, block: object, part: _Part) -> None:
        size = self._calls_max if self._multicall else max(part.calls, 1)
        await self._each(self._ask_multicall, calls, block, part.parts(size))

    async def _ask_multicall(self, calls: BundledRound, block: object, part: _Part) -> None:
        if self._multicall is None:  # another part has shown that there is none
            await self._ask_singly(calls, block, part)
            return
        data = f"0x{calls.aggregate(part.first, part.last).hex()}"
        reply = await self._call([{"to": self._multicall, "data": data}, block])
        error = reply.error
        if error is not None and error.code == _INVALID_PARAMS and isinstance(block, dict):
            raise UnknownHash(f"{self._where}: {error.message}")
        if error is not None and _is_too_much(error, part):
            self._calls_max = min(self._calls_max, (part.calls + 1) // 2)
            for half in part.halves():
                await self._ask_multicall(calls, block, half)
            return
        answer = parse_bytes(reply.get(self._where))
        if answer:
            calls.put_aggregate(part.first, part.last, answer)
            return
        self._multicall = None  # the chain has none: each call is asked by itself from now on
        await self._ask_singly(calls, block, part)

    async def _call(self, params: list[object]) -> Reply:
        try:
            (reply,) = await self.post([("eth_call", params)])
        except _TooLarge as error:
            return Reply(error=RpcError.too_large_error(str(error)))
        return reply

    async def _ask_singly(self, calls: BundledRound, block: object, part: _Part) -> None:
        asked: list[tuple[str, list[object] | msgspec.Raw]] = []
        for index in range(part.first, part.last):
            to, data = calls.call(index)
            asked.append(("eth_call", [{"to": f"0x{to.hex()}", "data": f"0x{data.hex()}"}, block]))
        for start in range(0, len(asked), self.batch_calls):
            replies = await self.post(asked[start : start + self.batch_calls])
            for index, reply in enumerate(replies, part.first + start):
                is_reverted = reply.error is not None and reply.error.is_reverted
                calls.put(index, None if is_reverted else parse_bytes(reply.get(self._where)))


def _is_too_much(error: RpcError, part: _Part) -> bool:
    # a revert of the whole means that it ran out of gas: its calls may each fail
    return part.calls > 1 and part.depth > 0 and (error.is_too_large or error.is_reverted)
