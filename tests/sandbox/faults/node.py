"""A node with nothing behind it: it says what a test wants it to say."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
from aiohttp import WSMsgType, web

KEY = "0x" + "ab" * 32


def log_json(block: int, index: int, block_hash: str | None = None) -> str:
    block_hash = block_hash or f"0x{block:064x}"
    return (
        f'{{"address":"0x{"aa" * 20}","topics":["{KEY}"],"data":"0x{"cd" * 64}","blockHash":"{block_hash}",'
        f'"blockNumber":"{block:#x}","transactionHash":"0x{index:064x}","transactionIndex":"0x0",'
        f'"logIndex":"{index:#x}","removed":false}}'
    )


def notice(result: str) -> bytes:
    return (
        '{"jsonrpc":"2.0","method":"eth_subscription","params":{"subscription":"0x1","result":'
        + result
        + "}}"
    ).encode()


def answer(result: str, id: int = 1) -> bytes:
    return f'{{"jsonrpc":"2.0","id":{id},"result":{result}}}'.encode()


class ScriptedNode:
    """Over HTTP it gives `answers` by the request's bytes; on a WebSocket `script` after any message."""

    def __init__(self) -> None:
        self.http_url = self.ws_url = ""
        self.answers: dict[bytes, bytes] = {}
        self.default = answer('"0x1"')
        self.script: list[bytes | str] = []
        self.asked: list[bytes] = []
        self.sockets: list[web.WebSocketResponse] = []
        self.hangs_up = False
        """After the script."""

    async def post(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.headers.get("upgrade", "").lower() == "websocket":
            return await self.socket(request)
        body = await request.read()
        self.asked.append(body)
        return web.Response(body=self.answers.get(body, self.default), content_type="application/json")

    async def socket(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        self.sockets.append(socket)
        async for message in socket:
            self.asked.append(message.data.encode())
            for each in self.script:
                await (socket.send_str(each) if isinstance(each, str) else socket.send_str(each.decode()))
            if self.hangs_up:
                await socket.close()
            else:
                await socket.send_str('"end"')
        return socket


@asynccontextmanager
async def scripted_node() -> AsyncIterator[ScriptedNode]:
    node = ScriptedNode()
    server = web.Server(node.post, access_log=None)
    listening = await asyncio.get_running_loop().create_server(server, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    node.http_url, node.ws_url = f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"
    try:
        yield node
    finally:
        listening.close()
        await server.shutdown(1)


async def said_after(url: str, request: str = "go", *, until: str = '"end"') -> list[str]:
    """Return what a WebSocket says, up to `until` or to its end."""
    said: list[str] = []
    async with aiohttp.ClientSession() as http, http.ws_connect(url, max_msg_size=0) as socket:
        await socket.send_str(request)
        async with asyncio.timeout(20):
            async for message in socket:
                if message.type != WSMsgType.TEXT or message.data == until:
                    break
                said.append(message.data)
    return said


async def posted(url: str, body: bytes, timeout_s: float = 10) -> tuple[int, bytes]:
    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with aiohttp.ClientSession(timeout=timeout) as http, http.post(url, data=body) as response:
        return response.status, await response.read()
