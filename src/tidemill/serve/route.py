"""What is a route: its method and path, the role it needs, what it may be asked, what answers it."""

import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from http import HTTPStatus
from importlib import import_module
from types import ModuleType
from typing import Any, Literal, NamedTuple, TypeVar

from msgspec import Struct
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.routing import compile_path

from tidemill.schema.faults import Refused, Unreachable
from tidemill.serve.asked import Nothing
from tidemill.serve.role import Role

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE", "WEBSOCKET"]
"""WEBSOCKET is a conversation: its `answer` accepts and closes the socket itself."""
T = TypeVar("T")


class Answer(NamedTuple):
    """What is sent back, as JSON."""

    value: Any
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = {}


class Parts:
    """What routes answer from, each found by its class: a route asks for the parts that it needs."""

    def __init__(self, *parts: object) -> None:
        self._by_kind = {type(part): part for part in parts}

    def __getitem__(self, kind: type[T]) -> T:
        """Return the part of that class. Raises: Unreachable, where this process has none."""
        found = self._by_kind.get(kind)
        if not isinstance(found, kind):
            raise Unreachable(f"{kind.__name__}: expected it to run in this process, it does not")
        return found


class Call(NamedTuple):
    """One request, read and found to fit its route's declaration."""

    asked: Any
    """Path and query parameters, as the route's `asked` has them."""
    body: Any
    """As the route's `body` has it; None where it has none."""
    parts: Parts
    request: HTTPConnection
    """A `Request`, or the `WebSocket` of a WEBSOCKET route."""


class Route(Struct, frozen=True, kw_only=True):
    """One path, what it may be asked, and what answers it; its page and its schema are made of this."""

    path: str
    """As Starlette has it; `{name}` is the field `name` of `asked`."""
    answer: Callable[[Call], Awaitable[Answer | Response | None]]
    """Its docstring says what the route does. May raise a Fault, whose class is the status."""
    method: Method = "GET"
    role: Role | None
    """The least role that may call it; None for everybody."""
    asked: type[Struct] = Nothing
    body: type[Struct] | None = None
    """What is sent as JSON."""
    tells: Any = None
    """The type or JSON Schema of the answer; None where it is any JSON."""
    statuses: tuple[HTTPStatus, ...] = ()
    """Those that are answered beside 200 and the faults' with the same body."""
    media_types: tuple[str, ...] = ("application/json",)
    example: Mapping[str, str] = {}
    """Parameters that get an answer on any server that stores events."""
    title: str = ""
    """Instead of the first line of the docstring of `answer`, where one answers several routes."""

    @property
    def summary(self) -> str:
        """The first line of what it does."""
        return self.title or (self.answer.__doc__ or "").strip().partition("\n")[0]

    @property
    def is_stream(self) -> bool:
        """Whether it goes on answering: a WebSocket, or events that a server sends."""
        return self.method == "WEBSOCKET" or "text/event-stream" in self.media_types

    @property
    def key(self) -> str:
        """Method and path."""
        return f"{self.method} {self.path}"


class RouteTable:
    """All routes of one application, found by a request's method and path."""

    def __init__(self, routes: Iterable[Route]) -> None:
        """Raise Refused, where two routes have the same method and path."""
        self._routes = tuple(routes)
        keys = [route.key for route in self._routes]
        twice = sorted({key for key in keys if keys.count(key) > 1})
        if twice:
            raise Refused(f"routes: expected each once, found {', '.join(twice)} twice")
        self._plain = {route.key: route for route in self._routes if "{" not in route.path}
        self._patterns = [
            (route.method, compile_path(route.path)[0], route) for route in self._routes if "{" in route.path
        ]

    def __iter__(self) -> Iterator[Route]:
        return iter(self._routes)

    def find(self, scope: Mapping[str, Any]) -> Route | None:
        """Return the route of an ASGI scope; None where there is none, or only of another method."""
        method = "WEBSOCKET" if scope["type"] == "websocket" else str(scope["method"])
        method = "GET" if method == "HEAD" else method
        plain = self._plain.get(f"{method} {scope['path']}")
        if plain is not None:
            return plain
        matches = (
            route for verb, path, route in self._patterns if verb == method and path.match(scope["path"])
        )
        return next(matches, None)


def discover(*packages: ModuleType) -> Iterator[Route]:
    """Yield the ROUTES of every module of the packages, by their names."""
    for package in packages:
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
            yield from import_module(f"{package.__name__}.{module.name}").ROUTES
