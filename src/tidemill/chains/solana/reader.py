"""Read a cluster's blocks: told over a WebSocket, or asked for; what was missed is asked for in its place."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import msgspec

from tidemill.chains.solana.config import SolanaConfig
from tidemill.chains.solana.frames import (
    NodeError,
    SlotBlock,
    block_params,
    fault_of,
    is_skipped,
    read_block,
    read_frame,
    read_reply,
    subscribe,
)
from tidemill.chains.solana.line import Missing, SlotLine
from tidemill.core.backoff import Backoff
from tidemill.core.clock import Clock
from tidemill.core.http import HttpEndpoint, HttpFailure
from tidemill.core.socket import Socket
from tidemill.schema.faults import Fault, Gap, Malformed, Refused, Unknown, Unreachable

OnBlocks = Callable[[Sequence[SlotBlock], int], Awaitable[None]]
"""Takes blocks in their order, and when the last of them was read."""
_MS = 1_000


class SolanaNode:
    """Answers of one node over HTTP; use it as an async context manager."""

    def __init__(self, config: SolanaConfig, clock: Clock) -> None:
        self._config = config
        self._http = HttpEndpoint(config.http_url, clock)

    async def __aenter__(self) -> Self:
        """Make ready; nothing is sent yet."""
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._http.__aexit__(kind, error, trace)

    async def newest_slot(self) -> int:
        """Return the newest slot that counts. Raises: Unreachable, Refused, Malformed."""
        told = await self._ask("getSlot", [{"commitment": self._config.commitment}])
        return self._convert(told, int)

    async def slots_with_block(self, missing: Missing) -> list[int]:
        """Return the first of these slots in which a block was made. Raises: as `newest_slot`."""
        commitment = {"commitment": self._config.commitment}
        # by their count, not by a range: a cluster that stood still has thousands of slots without a block
        params = [missing.first_slot, self._config.backfill_slots, commitment]
        slots: list[int] = self._convert(await self._ask("getBlocksWithLimit", params), list[int])
        return [slot for slot in slots if slot <= missing.last_slot]

    async def block(self, slot: int) -> SlotBlock | None:
        """Return the block of a slot; None where none was made.

        Raises: Unknown, where it is not there yet; Gap, where it is there no longer; as `newest_slot`.
        """
        told = await self._reply("getBlock", [slot, block_params(self._config.commitment)])
        if isinstance(told, NodeError):
            if is_skipped(told):
                return None
            raise fault_of(told, f"{self._http.endpoint} getBlock {slot}")
        if bytes(told) == b"null":
            return None
        return read_block(slot, bytes(told), self._http.endpoint)

    async def transaction(self, signature: str) -> bytes:
        """Return what `getTransaction` answers. Raises: Unknown, where there is none; as `newest_slot`."""
        params = {
            "encoding": "json",
            "commitment": self._config.commitment,
            "maxSupportedTransactionVersion": 1,
        }
        told = bytes(await self._ask("getTransaction", [signature, params]))
        if told == b"null":
            raise Unknown(f"{self._http.endpoint}: expected a transaction {signature}, found none")
        return told

    async def first_slot(self) -> int:
        """Return the lowest slot whose block the node still has. Raises: as `newest_slot`."""
        return self._convert(await self._ask("getFirstAvailableBlock", []), int)

    def _convert(self, told: msgspec.Raw, kind: Any) -> Any:
        try:
            return msgspec.json.decode(told, type=kind)
        except msgspec.DecodeError as error:
            raise Malformed(f"{self._http.endpoint}: {error}") from error

    async def _ask(self, method: str, params: list[Any]) -> msgspec.Raw:
        told = await self._reply(method, params)
        if isinstance(told, NodeError):
            raise fault_of(told, f"{self._http.endpoint} {method}")
        return told

    async def _reply(self, method: str, params: list[Any]) -> msgspec.Raw | NodeError:
        question = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = await self._http.post(msgspec.json.encode(question))
        if isinstance(answer, HttpFailure):
            raise answer.fault
        return read_reply(answer.body, f"{self._http.endpoint} {method}")


class SolanaReader:
    """Tells the blocks after `last_slot`, each once and in order, until cancelled."""

    def __init__(
        self,
        config: SolanaConfig,
        clock: Clock,
        last_slot: int | None,
        on_blocks: OnBlocks,
        on_fault: Callable[[Fault], None],
    ) -> None:
        self.line = SlotLine(last_slot)
        self.left_out_slots = 0
        """Slots whose blocks the node had no longer when they were asked for."""
        self._config = config
        self._clock = clock
        self._on_blocks = on_blocks
        self._on_fault = on_fault

    async def run(self) -> None:
        """Read until cancelled.

        Raises: Refused, where the node does not answer such questions; Unsafe, where its word is not kept.
        """
        backoff = Backoff(self._config.retry_first_ms, self._config.retry_max_ms)
        is_told = self._config.ws_url is not None
        async with SolanaNode(self._config, self._clock) as node:
            while True:
                begun_ns = self._clock.now_ns()
                try:
                    await (self._hear(node) if is_told else self._poll(node))
                except Refused as fault:
                    if not is_told:
                        raise
                    is_told = False
                    self._on_fault(fault)
                except (Unreachable, Malformed, Unknown, Gap) as fault:
                    self._on_fault(fault)
                    lasted_s = (self._clock.now_ns() - begun_ns) / 1e9
                    await asyncio.sleep(backoff.wait_s(lasted_s))

    async def _hear(self, node: SolanaNode) -> None:
        assert self._config.ws_url is not None
        async with await Socket.connect(self._config.ws_url, self._clock) as socket:
            socket.send(subscribe(self._config.commitment))
            while True:
                try:
                    async with asyncio.timeout(self._config.silent_ms / _MS):
                        frames = await socket.receive()
                except TimeoutError:  # a node may answer pings and tell no block any more
                    await self._catch_up(node)
                    continue
                for recv_ns, frame in frames:
                    try:
                        block = read_frame(frame, socket.endpoint)
                    except Malformed as fault:  # the next block shows what was lost with it
                        self._on_fault(fault)
                        continue
                    if block is not None:
                        await self._take(block, recv_ns, node)

    async def _poll(self, node: SolanaNode) -> None:
        while True:
            await self._catch_up(node)
            await asyncio.sleep(self._config.poll_ms / _MS)

    async def _catch_up(self, node: SolanaNode) -> None:
        newest = await node.newest_slot()
        if self.line.last_slot is None:
            block = await node.block(newest)
            if block is not None:
                await self._take(block, self._clock.now_ns(), node)
        elif newest > self.line.last_slot:
            await self._fill(Missing(self.line.last_slot + 1, newest), node)

    async def _take(self, block: SlotBlock, recv_ns: int, node: SolanaNode) -> None:
        ready = self.line.take(block)
        if ready:
            await self._on_blocks(ready, recv_ns)
        while (missing := self.line.missing) is not None:
            if not await self._fill(missing, node):
                raise Unknown(
                    f"expected a block in slots {missing.first_slot} to {missing.last_slot}, found none yet"
                )

    async def _fill(self, missing: Missing, node: SolanaNode) -> bool:
        """Ask for the blocks of a gap, as many as go at once; say whether the line went on."""
        began_at = self.line.last_slot
        slots = await node.slots_with_block(missing)
        for first in range(0, len(slots), self._config.blocks_in_flight):
            some = slots[first : first + self._config.blocks_in_flight]
            try:
                blocks = await asyncio.gather(*map(node.block, some))
            except Gap as fault:
                self._on_fault(fault)
                break
            await self._go_on([one for block in blocks if block is not None for one in self.line.take(block)])
        if self.line.last_slot == began_at:
            await self._leave_out(missing, node)
        return self.line.last_slot != began_at

    async def _leave_out(self, missing: Missing, node: SolanaNode) -> None:
        """Go on with the first block that the node has, where it has those of the gap no longer."""
        first_slot = await node.first_slot()
        if first_slot <= missing.first_slot:
            return
        self._on_fault(
            Gap(f"expected the blocks from slot {missing.first_slot} on, found them from {first_slot} on")
        )
        self.left_out_slots += first_slot - missing.first_slot
        await self._go_on(self.line.skip_to(first_slot - 1))

    async def _go_on(self, ready: Sequence[SlotBlock]) -> None:
        if ready:
            await self._on_blocks(ready, self._clock.now_ns())
