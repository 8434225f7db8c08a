"""Questions in GraphQL: pages of events over HTTP, subscriptions over a WebSocket."""

import asyncio
from functools import cache
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from typing_extensions import override

from tidemill.serve.graphql_schema import Context, graphql_schema
from tidemill.serve.role import Role
from tidemill.serve.route import Call, Parts, Route

_PARTS = "tidemill.parts"


class _App(GraphQL[Context, None]):
    @override
    async def get_context(self, request: Request | WebSocket, response: Any) -> Context:
        parts: Parts = request.scope[_PARTS]
        return Context(parts)


@cache
def _app() -> _App:
    """Make it, once: this takes a second."""
    # its page for trying things out loads programs from elsewhere
    return _App(graphql_schema(), graphql_ide=None, allow_queries_via_get=False)


class _Answer(Response):
    """Hands the request on to the library."""

    def __init__(self, parts: Parts) -> None:
        super().__init__()
        self._parts = parts

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await (await asyncio.to_thread(_app))({**scope, _PARTS: self._parts}, receive, send)


async def graphql(call: Call) -> Response:
    """Answer a question in GraphQL: `{"query": …, "variables": …}`; a query for each kind of event."""
    return _Answer(call.parts)


async def graphql_socket(call: Call) -> None:
    """Answer subscriptions in GraphQL, in the protocol graphql-transport-ws."""
    socket = call.request
    assert isinstance(socket, WebSocket)
    await (await asyncio.to_thread(_app))({**socket.scope, _PARTS: call.parts}, socket.receive, socket.send)


ROUTES = (
    Route(path="/graphql", answer=graphql, method="POST", role=Role.VIEWER),
    Route(path="/graphql", answer=graphql_socket, method="WEBSOCKET", role=Role.VIEWER),
)
