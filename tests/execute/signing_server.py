"""A JSON-RPC server that says what it is told to, and keeps what it was asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from msgspec import Struct
from tests.servers.loopback import loopback


class AnswerServer(Struct):
    """What was asked of a server, and where it is."""

    url: str
    asked: list[dict[str, Any]]


@asynccontextmanager
async def serve_answers(answer: dict[str, Any]) -> AsyncIterator[AnswerServer]:
    """Answer every question with the fields of `answer`."""
    server = AnswerServer("", [])

    async def take(request: web.Request) -> web.Response:
        asked = await request.json()
        server.asked.append(asked)
        return web.json_response({"jsonrpc": "2.0", "id": asked["id"], **answer})

    app = web.Application()
    app.router.add_post("/", take)
    async with loopback(app) as place:
        server.url = f"http://{place}/"
        yield server
