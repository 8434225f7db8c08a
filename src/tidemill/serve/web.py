"""How is a request answered over HTTP: the data API's application, and that of the metrics' own port."""

import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from prometheus_client import Histogram
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route as Path

from tidemill.core.metrics import Metrics
from tidemill.schema.faults import Fault, Gap, Refused, Unreachable
from tidemill.serve.across import Across
from tidemill.serve.asked import read
from tidemill.serve.collecting import families
from tidemill.serve.routes import ROUTES, Answer, Answers, Route

METRICS_PATH = "/metrics"
_STATUSES: dict[type[Fault], HTTPStatus] = {
    Refused: HTTPStatus.BAD_REQUEST,
    Gap: HTTPStatus.CONFLICT,
    Unreachable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}

Handler = Callable[[Request], Awaitable[Response]]


class FaultAnswer(msgspec.Struct, frozen=True):
    """What is answered where a request cannot be: the fault's class, which is its remedy, and its message."""

    fault: str
    message: str


def api_app(answers: Answers, metrics_of: Handler, requests: Histogram, hosts: list[str]) -> Starlette:
    """Return the data API, and the metrics beside it; `hosts` are the names that it goes by."""
    paths = [Path(route.path, _timed(route.path, _handler(route, answers), requests)) for route in ROUTES]
    paths.append(Path(METRICS_PATH, _timed(METRICS_PATH, metrics_of, requests)))
    return _app(paths, hosts)


def metrics_app(metrics_of: Handler, hosts: list[str]) -> Starlette:
    """Return what the metrics' own port answers."""
    return _app([Path(METRICS_PATH, metrics_of)], hosts)


def metrics_handler(program: Across, metrics: Metrics) -> Handler:
    """Return what answers a scrape: the state is read once, then."""

    async def scrape(request: Request) -> Response:
        try:
            state = await program.state()
        except Fault as fault:
            return _fault(fault)
        told = metrics.told(families(state), request.headers.get("accept", ""))
        return Response(told.body, headers={**_HEADERS, "Content-Type": told.content_type})

    return scrape


def _app(paths: list[Path], hosts: list[str]) -> Starlette:
    # a page in a browser may reach a port of this machine under a name of its own: the name gives it away
    guard = Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False)
    known = ", ".join(path.path for path in paths)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        message = f"{request.url.path}: {error.detail}"
        if error.status_code == HTTPStatus.NOT_FOUND:
            message = f"expected one of {known}, found {request.url.path}"
        return _json(FaultAnswer("Refused", message), error.status_code, error.headers)

    async def on_bug(_: Request, __: Exception) -> Response:  # the server logs it
        return _json(FaultAnswer("bug", "see the log"), HTTPStatus.INTERNAL_SERVER_ERROR)

    return Starlette(
        routes=paths, middleware=[guard], exception_handlers={HTTPException: on_http, Exception: on_bug}
    )


def _handler(route: Route, answers: Answers) -> Handler:
    async def handle(request: Request) -> Response:
        try:
            asked = read(route.asked, request.query_params.multi_items())
            answer: Answer = await route.answer(answers, asked)
        except Fault as fault:
            return _fault(fault)
        return _json(answer.value, answer.status)

    return handle


def _timed(path: str, handle: Handler, requests: Histogram) -> Handler:
    async def timed(request: Request) -> Response:
        began_s = time.perf_counter()
        answer = await handle(request)
        took_s = time.perf_counter() - began_s
        requests.labels(request.method, path, str(int(answer.status_code))).observe(took_s)
        return answer

    return timed


def _fault(fault: Fault) -> Response:
    status = _STATUSES.get(type(fault), HTTPStatus.BAD_GATEWAY)
    return _json(FaultAnswer(type(fault).__name__, str(fault)), status)


def _json(value: object, status: int, headers: Mapping[str, str] | None = None) -> Response:
    return Response(
        msgspec.json.encode(value),
        status_code=status,
        headers={**_HEADERS, **(headers or {})},
        media_type="application/json",
    )
