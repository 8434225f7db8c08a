"""How the emulated node speaks: JSON-RPC as Agave's, block after block as it is told to."""

import asyncio
from collections import Counter
from collections.abc import Mapping
from typing import Any

import aiohttp.web
import msgspec
from msgspec import Struct

_SKIPPED, _CLEANED_UP, _NOT_AVAILABLE, _NO_METHOD, _VERSION = -32007, -32001, -32004, -32601, -32015


class SolanaFaults(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What goes wrong at the node."""

    untold_slots: frozenset[int] = frozenset()
    """Whose blocks are there and never announced."""
    empty_slots: frozenset[int] = frozenset()
    """Announced without their block, as by a node that cannot read it yet."""
    garbage_slots: frozenset[int] = frozenset()
    """Announced by something unreadable."""
    cleaned_up_before: int = 0
    """Blocks of earlier slots are there no longer."""
    is_subscription_refused: bool = False


class _Refusal(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.said = {"code": code, "message": message}


class SolanaNode:
    """The node; it has the blocks of `ledger` up to the slot that `advance` came to."""

    def __init__(self, ledger: Mapping[int, Mapping[str, Any]], faults: SolanaFaults) -> None:
        self.faults = faults
        self.counts: Counter[str] = Counter()
        """What was asked."""
        self.newest = 0
        """The newest slot."""
        self._ledger = ledger
        self._subscribers: dict[aiohttp.web.WebSocketResponse, dict[str, Any]] = {}
        self._changed = asyncio.Condition()

    def application(self) -> aiohttp.web.Application:
        """Return what answers HTTP and WebSockets, both at `/`."""
        application = aiohttp.web.Application()
        application.router.add_get("/", self._websocket)
        application.router.add_post("/", self._http)
        return application

    async def subscribed(self) -> None:
        """Wait until somebody is told of blocks."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._subscribers)

    async def hang_up(self) -> None:
        """Cut off everybody who is told of blocks."""
        for socket in list(self._subscribers):
            await socket.close()

    async def advance(self, slot: int) -> None:
        """Come to `slot`: its block and those before are there, and are announced."""
        for at in sorted(self._ledger):
            if self.newest < at <= slot:
                self.newest = at
                await self._announce(at)
        self.newest = max(self.newest, slot)

    async def _announce(self, slot: int) -> None:
        if slot in self.faults.untold_slots:
            return
        for socket, asked in list(self._subscribers.items()):
            if slot in self.faults.garbage_slots:
                await socket.send_str('{"jsonrpc":"2.0","method":"blockNotification","params":{"result":')
                continue
            is_empty = slot in self.faults.empty_slots
            value = {
                "slot": slot,
                "err": "BlockStoreError" if is_empty else None,
                "block": None if is_empty else self._block(slot, asked),
            }
            params = {"result": {"context": {"slot": slot}, "value": value}, "subscription": 1}
            told = {"jsonrpc": "2.0", "method": "blockNotification", "params": params}
            await socket.send_str(msgspec.json.encode(told).decode())

    async def _websocket(self, request: aiohttp.web.Request) -> aiohttp.web.StreamResponse:
        socket = aiohttp.web.WebSocketResponse()
        await socket.prepare(request)
        try:
            async for message in socket:
                if message.type is aiohttp.WSMsgType.TEXT:
                    asked = msgspec.json.decode(message.data)
                    await socket.send_str(msgspec.json.encode(self._answer(asked)).decode())
                    if asked["method"] == "blockSubscribe" and not self.faults.is_subscription_refused:
                        async with self._changed:
                            self._subscribers[socket] = asked["params"][1]
                            self._changed.notify_all()
        finally:
            self._subscribers.pop(socket, None)
        return socket

    async def _http(self, request: aiohttp.web.Request) -> aiohttp.web.Response:
        answer = self._answer(msgspec.json.decode(await request.read()))
        return aiohttp.web.Response(body=msgspec.json.encode(answer), content_type="application/json")

    def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        method, params = asked["method"], asked.get("params") or []
        self.counts[method] += 1
        try:
            return {"jsonrpc": "2.0", "id": asked["id"], "result": self._result(method, params)}
        except _Refusal as refusal:
            return {"jsonrpc": "2.0", "id": asked["id"], "error": refusal.said}

    def _result(self, method: str, params: list[Any]) -> Any:
        match method:
            case "getSlot":
                return self.newest
            case "getFirstAvailableBlock":
                return min(slot for slot in self._ledger if slot >= self.faults.cleaned_up_before)
            case "getBlocks":
                first, last, _ = params
                return [slot for slot in self._slots_from(first) if slot <= last]
            case "getBlocksWithLimit":
                first, limit, _ = params
                return self._slots_from(first)[:limit]
            case "getBlock":
                return self._asked_block(*params)
            case "getTransaction":
                return self._transaction(*params)
            case "blockSubscribe" if not self.faults.is_subscription_refused:
                return 1
            case _:
                raise _Refusal(_NO_METHOD, "Method not found")

    def _slots_from(self, first: int) -> list[int]:
        there = max(first, self.faults.cleaned_up_before)
        return [slot for slot in sorted(self._ledger) if there <= slot <= self.newest]

    def _asked_block(self, slot: int, asked: dict[str, Any]) -> dict[str, Any]:
        if slot < self.faults.cleaned_up_before:
            raise _Refusal(_CLEANED_UP, f"Block {slot} cleaned up, does not exist on node")
        if slot > self.newest:
            raise _Refusal(_NOT_AVAILABLE, f"Block not available for slot {slot}")
        if slot not in self._ledger:
            raise _Refusal(_SKIPPED, f"Slot {slot} was skipped, or missing due to ledger jump")
        return self._block(slot, asked)

    def _block(self, slot: int, asked: dict[str, Any]) -> dict[str, Any]:
        block = self._ledger[slot]
        supported = asked.get("maxSupportedTransactionVersion")
        for tx in block["transactions"]:
            version = tx.get("version", "legacy")
            if version != "legacy" and (supported is None or version > supported):
                raise _Refusal(
                    _VERSION, f"Transaction version ({version}) is not supported by the requesting client"
                )
        return dict(block)

    def _transaction(self, signature: str, asked: dict[str, Any]) -> dict[str, Any] | None:
        for slot, block in self._ledger.items():
            for tx in block["transactions"]:
                if slot <= self.newest and signature in tx["transaction"]["signatures"]:
                    return {"slot": slot, "blockTime": block["blockTime"], **tx}
        return None
