"""How is a request answered over HTTP: the data API's application, and that of the metrics' own port."""

import time
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus

import msgspec
from prometheus_client import Histogram
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.routing import Route as Path
from starlette.websockets import WebSocket

from tidemill.schema.faults import Fault, Refused
from tidemill.serve.answers import HEADERS, FaultAnswer, fault_response, json_response
from tidemill.serve.asked import read
from tidemill.serve.auth.caller import check_role
from tidemill.serve.requested import Requested, Told
from tidemill.serve.route import Answer, Call, Parts, Route, RouteTable

BODY_BYTES_MAX = 1 << 20
"""The most that a request may send."""
_PROTOCOL_ERROR = 4_400
"""Closes a socket whose first request does not fit."""

Handler = Callable[[Request], Awaitable[Response]]


def app_of(
    table: RouteTable,
    parts: Parts,
    hosts: list[str],
    requests: Histogram | None = None,
    middleware: Sequence[Middleware] = (),
    told: Told | None = None,
) -> Starlette:
    """Return the application of `table`, whose routes answer from `parts`.

    `hosts` are the names that it goes by; `middleware` sees each request first, its route not yet called;
    `told` hears of each that was answered.
    """
    # a page in a browser may reach a port of this machine under a name of its own: the name gives it away
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    known = ", ".join(dict.fromkeys(route.path for route in table))

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = f"{request.url.path}: {error.detail}"
        if error.status_code == HTTPStatus.NOT_FOUND:
            message = f"expected one of {known}, found {request.url.path}"
        return json_response(FaultAnswer("Refused", message), error.status_code, error.headers)

    async def on_bug(_: Request, __: Exception) -> Response:  # the server logs it
        return json_response(FaultAnswer("bug", "see the log"), HTTPStatus.INTERNAL_SERVER_ERROR)

    return Starlette(
        routes=list(_paths(table, parts, requests)),
        middleware=[Middleware(Requested, told=told), guard, *middleware],
        exception_handlers={HTTPException: on_http, Exception: on_bug},
    )


def _paths(table: RouteTable, parts: Parts, requests: Histogram | None) -> Sequence[BaseRoute]:
    sockets = [one for one in table if one.method == "WEBSOCKET"]
    by_path: dict[str, list[Route]] = {}
    for route in table:
        if route.method != "WEBSOCKET":
            by_path.setdefault(route.path, []).append(route)
    found: list[BaseRoute] = [WebSocketRoute(one.path, _conversation(one, parts)) for one in sockets]
    for path, routes in by_path.items():
        handlers = {route.method: _timed(route, _handler(route, parts), requests) for route in routes}
        found.append(Path(path, _by_method(handlers), methods=list(handlers)))
    return found


def _by_method(handlers: dict[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        return await handlers["GET" if request.method == "HEAD" else request.method](request)

    return handle


def _handler(route: Route, parts: Parts) -> Handler:
    async def handle(request: Request) -> Response:
        check_role(request.scope, route)
        try:
            asked = read(route.asked, request.query_params.multi_items(), request.path_params)
            body = None if route.body is None else await _body(route.body, request)
            answer = await route.answer(Call(asked, body, parts, request))
        except Fault as fault:
            return fault_response(fault)
        if isinstance(answer, Answer):
            return json_response(answer.value, answer.status, answer.headers)
        assert answer is not None, f"{route.key} answers nothing"
        for name, value in HEADERS.items():
            answer.headers.setdefault(name, value)
        return answer

    return handle


def _conversation(route: Route, parts: Parts) -> Callable[[WebSocket], Awaitable[None]]:
    async def talk(socket: WebSocket) -> None:
        check_role(socket.scope, route)
        try:
            asked = read(route.asked, list(socket.query_params.multi_items()), socket.path_params)
        except Fault as fault:
            await socket.accept()
            await socket.send_text(
                msgspec.json.encode(FaultAnswer(type(fault).__name__, str(fault))).decode()
            )
            await socket.close(_PROTOCOL_ERROR)
            return
        await route.answer(Call(asked, None, parts, socket))

    return talk


async def sent_bytes(request: HTTPConnection) -> bytes:
    """Return a request's body. Raises: HTTPException, where it is too long."""
    assert isinstance(request, Request)
    sent = bytearray()
    async for chunk in request.stream():
        sent += chunk
        if len(sent) > BODY_BYTES_MAX:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"expected up to {BODY_BYTES_MAX} bytes")
    return bytes(sent)


async def _body(kind: type[msgspec.Struct], request: Request) -> msgspec.Struct:
    """Return what was sent. Raises: Refused, where it does not fit; HTTPException, where it is too long."""
    try:
        return msgspec.json.decode(await sent_bytes(request) or b"{}", type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Refused(f"body: {error}") from None


def _timed(route: Route, handle: Handler, requests: Histogram | None) -> Handler:
    if requests is None:
        return handle

    async def timed(request: Request) -> Response:
        began_s = time.perf_counter()
        answer = await handle(request)
        took_s = time.perf_counter() - began_s
        requests.labels(request.method, route.path, str(int(answer.status_code))).observe(took_s)
        return answer

    return timed
