"""A node that breaks off, and what it was asked."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from aiohttp import ClientSession, web
from msgspec import Struct, field
from tests.servers.loopback import loopback


class NodeProxy(Struct):
    """A node that breaks off; what it was asked may have been done."""

    url: str
    node_url: str
    is_broken: bool = False
    is_mute: bool = False
    """Whether it does what it is asked, and answers nobody."""
    says: str | None = None
    """The error that it answers with, in place of asking."""
    methods: list[str] = field(default_factory=list)
    """What it was asked, in order."""
    takes_transaction: Callable[[], bool] = lambda: True
    """Called where a transaction is handed over: whether the node gets it."""
    took_transaction: Callable[[], object] = lambda: None
    """Called once the node has one."""


@asynccontextmanager
async def open_proxy(node_url: str) -> AsyncIterator[NodeProxy]:
    """Open a proxy before a node."""
    proxy = NodeProxy("", node_url)

    async def forward(request: web.Request) -> web.Response:
        body = await request.read()
        asked = msgspec.json.decode(body)
        asked = asked if isinstance(asked, list) else [asked]
        proxy.methods += [one["method"] for one in asked]
        is_sending = any(one["method"] == "eth_sendRawTransaction" for one in asked)
        if proxy.is_broken or (is_sending and not proxy.takes_transaction()):
            return web.Response(status=502)
        if proxy.says is not None:
            error = {"code": -32_000, "message": proxy.says}
            said = [{"jsonrpc": "2.0", "id": one["id"], "error": error} for one in asked]
            return web.json_response(said if body.startswith(b"[") else said[0])
        headers = {"content-type": "application/json"}
        async with (
            ClientSession(headers=headers) as session,
            session.post(proxy.node_url, data=body) as answer,
        ):
            found = await answer.read()
        if is_sending:
            proxy.took_transaction()
        return web.Response(status=502) if proxy.is_mute else web.Response(body=found)

    app = web.Application()
    app.router.add_post("/", forward)
    async with loopback(app) as place:
        proxy.url = f"http://{place}/"
        yield proxy
