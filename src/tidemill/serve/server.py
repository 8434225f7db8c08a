"""Run the data API and the metrics in a thread with an event loop of its own, beside the pipeline's."""

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple

import uvicorn
from starlette.applications import Starlette

from tidemill.core.metrics import Metrics
from tidemill.schema.faults import Refused, Unreachable
from tidemill.serve import declared
from tidemill.serve import routes as own_routes
from tidemill.serve.across import Across
from tidemill.serve.auth.protection import Protection
from tidemill.serve.cache import Cache
from tidemill.serve.config import CACHE_MAX_BYTES, CACHE_TTL_S, ReadySettings
from tidemill.serve.covered import CoverageBoard
from tidemill.serve.framed import FramedProtocol
from tidemill.serve.hub import Hub
from tidemill.serve.kept import Kept
from tidemill.serve.openapi import Described
from tidemill.serve.ports import Port, Ports, is_loopback
from tidemill.serve.program import Program
from tidemill.serve.rates import Recent
from tidemill.serve.requested import Told
from tidemill.serve.route import Parts, Route, RouteTable, discover
from tidemill.serve.routes import metrics as metrics_routes
from tidemill.serve.web import app_of

_log = logging.getLogger("tidemill.api")

_SAMPLE_S = 5.0
"""How often the counts are taken that the rates of the last minute are told from."""
_CLOSE_S = 1
"""How long answers that are under way have when the program ends."""
_MESSAGE_BYTES_MAX = 64 << 10
"""Of what a client says on a socket."""
_LOCAL_NAMES = ("localhost", "127.0.0.1", "::1")


class Additions(NamedTuple):
    """What the program adds to the server's own."""

    routes: Sequence[Route] = ()
    """Those that answer from parts that this package does not see."""
    parts: Sequence[object] = ()
    protection: Protection | None = None
    """What sees each request before its route: who asks, and whether they may; None: nothing does."""
    is_metrics_open: bool = False
    """Whether who reaches the metrics' port from another machine may read it unasked."""
    version: str | None = None
    """The program's, for the schema."""
    ready: ReadySettings = ReadySettings()
    """Up to where it counts as caught up."""
    cache_max_bytes: int = CACHE_MAX_BYTES
    """Of the answers about the newest events that are kept."""
    cache: Cache | None = None
    """Where answers that cost a query are kept; in the process by default."""
    told: Told | None = None
    """Hears of each request that was answered."""


NOTHING_ADDED = Additions()


class Server:
    """The thread, and the two servers in it."""

    def __init__(
        self,
        program: Program,
        ports: Ports,
        home: asyncio.AbstractEventLoop,
        connections_max: int,
        additions: Additions = NOTHING_ADDED,
    ) -> None:
        """Raise Refused, where other machines would reach it and nothing stands before the routes."""
        if additions.protection is None and not (
            is_loopback(ports.api.host) and is_loopback(ports.metrics.host)
        ):
            raise Refused("api: expected what asks who calls, for other machines reach it, found nothing")
        metrics = Metrics()
        self._program = Across(program, home, metrics.histogram(declared.QUERIES))
        self._recent = Recent()
        table = RouteTable([*discover(own_routes), *additions.routes])
        self._protection = protection = additions.protection
        self._hub = Hub(self._program)
        own = (self._program, self._recent, metrics, self._hub, Described(table, additions.version))
        self._cache = additions.cache or Cache(CACHE_TTL_S)
        protecting = () if protection is None else protection.parts
        shared = (CoverageBoard(self._program), Kept(additions.cache_max_bytes), self._cache, additions.ready)
        parts = Parts(*own, *shared, *protecting, *additions.parts)
        requests = metrics.histogram(declared.REQUESTS)
        guards = () if protection is None else protection.guards(table)
        api = app_of(table, parts, local_names(ports.api), requests, guards, additions.told)
        counted = _metrics_app(parts, ports.metrics, protection, asks=not additions.is_metrics_open)
        self._servers = [
            (_server(api, connections_max, _serving(protection, ports.api)), ports.api),
            (_server(counted, connections_max, _serving(protection, ports.metrics)), ports.metrics),
        ]
        self._ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="api", daemon=True)

    def start(self) -> None:
        """Begin to answer; the ports listen already, so that nobody is turned away."""
        self._thread.start()

    def stop(self) -> None:
        """Ask it to end; `until_ended` says when it has."""
        for server, _ in self._servers:
            server.should_exit = True

    async def until_ended(self) -> None:
        """Wait until the thread has ended. Raises: what ended it, where that was a bug."""
        await asyncio.shield(asyncio.wrap_future(self._ended))

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as bug:  # handed to who waits in the program's thread
            self._ended.set_exception(bug)
        else:
            self._ended.set_result(None)

    async def _serve(self) -> None:
        working = [self._sample(), self._hub.run()]
        if self._protection is not None:
            working.append(self._protection.run())
        beside = asyncio.gather(*working)
        beside.add_done_callback(lambda _: self.stop())  # a bug there ends both servers, in order
        await asyncio.gather(*(server.serve([port.socket]) for server, port in self._servers))
        beside.cancel()
        with suppress(asyncio.CancelledError):
            await beside
        await self._cache.close()

    async def _sample(self) -> None:
        while True:
            with suppress(Unreachable):  # a program that is busy is asked again
                self._recent.add(await self._program.state())
            await asyncio.sleep(_SAMPLE_S)


@asynccontextmanager
async def answering(
    program: Program, ports: Ports, connections_max: int, additions: Additions = NOTHING_ADDED
) -> AsyncIterator[Server]:
    """Answer at `ports` while the context is open, and give them back at its end."""
    server = Server(program, ports, asyncio.get_running_loop(), connections_max, additions)
    server.start()
    try:
        yield server
    finally:
        server.stop()
        await server.until_ended()


class _ToOurs(logging.Handler):
    """Passes on what the library says of requests to our log."""

    def emit(self, record: logging.LogRecord) -> None:
        if _log.isEnabledFor(record.levelno):
            _log.handle(record)


LOGS = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"ours": {"()": _ToOurs}},
    "loggers": {"uvicorn": {"handlers": ["ours"], "level": "WARNING", "propagate": False}},
}


def _metrics_app(parts: Parts, port: Port, protection: Protection | None, *, asks: bool) -> Starlette:
    table = RouteTable(metrics_routes.ROUTES)
    asks = asks and not is_loopback(port.host)
    guards = () if protection is None else protection.guards(table, asks=asks)
    return app_of(table, parts, local_names(port), None, guards)


def _serving(protection: Protection | None, port: Port) -> dict[str, Any]:
    return {"http": "httptools"} if protection is None else protection.serving(is_tls=port.scheme == "https")


def _server(app: Starlette, connections_max: int, serving: dict[str, Any]) -> uvicorn.Server:
    return uvicorn.Server(
        uvicorn.Config(
            app,
            ws=FramedProtocol,
            ws_max_size=_MESSAGE_BYTES_MAX,
            ws_per_message_deflate=False,  # packing costs more than this machine's loopback
            lifespan="off",
            log_config=LOGS,
            access_log=False,
            server_header=False,
            limit_concurrency=connections_max,
            timeout_graceful_shutdown=_CLOSE_S,
            **serving,
        )
    )


def local_names(port: Port) -> list[str]:
    """Return the names that a request may call the host of `port` by."""
    return [*_LOCAL_NAMES, port.host] if is_loopback(port.host) else ["*"]
