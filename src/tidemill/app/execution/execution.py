"""Put the execution server together: ledger, chains, ways to send, and the port where signals come in."""

import asyncio
import os
from collections.abc import AsyncIterator, Generator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import NamedTuple

import uvicorn
from msgspec import structs
from typing_extensions import override

from tidemill.app.api.api_protection import protecting_api
from tidemill.app.chains.pool_server import served_chains
from tidemill.app.execution.execution_routes import ROUTES
from tidemill.app.execution.fee_forecast import TrainedBaseFee
from tidemill.app.execution.kill_routes import ROUTES as KILL_ROUTES
from tidemill.app.settings import Environment
from tidemill.core.clock import Clock, SystemClock
from tidemill.core.config import read_env_file
from tidemill.core.http import HttpEndpoint, HttpLimits
from tidemill.execute.chain_settings import ChainSettings, Endpoint, chains_of
from tidemill.execute.config import ExecutionSettings
from tidemill.execute.desk.chain_desk import ChainDesk
from tidemill.execute.desk.desk import Desk
from tidemill.execute.desk.lane import Lane
from tidemill.execute.endpoints import Endpoints
from tidemill.execute.ledger import Ledger, open_ledger
from tidemill.execute.live.kill_switch import KillSwitch
from tidemill.execute.live.live import LiveTools, open_live, open_tools
from tidemill.execute.plan.executor_site import ExecutorSite, live_site, paper_site
from tidemill.execute.prices import TokenPrices
from tidemill.execute.sending.base import Sending
from tidemill.execute.sending.paper import Paper
from tidemill.schema.events import ExecutionMode
from tidemill.serve.auth.protection import Protection
from tidemill.serve.framed import FramedProtocol
from tidemill.serve.ports import Port, check_loopback, take_port
from tidemill.serve.route import Parts, RouteTable
from tidemill.serve.server import LOGS, local_names
from tidemill.serve.web import app_of

_LOCALHOST = "127.0.0.1"
"""What is listened at for `localhost`: clients that try ::1 first come here next."""
_MESSAGE_BYTES_MAX = 4 << 10
_CLOSE_S = 1


class Opened(NamedTuple):
    """An execution server, which answers while `run` runs."""

    desk: Desk
    ledger: Ledger
    port: Port
    server: "_Server"
    protection: Protection
    prices: Mapping[int, TokenPrices]
    """By the chain's id, to be told where prices are known."""

    async def serve(self) -> None:
        """Answer until cancelled; what is being answered then is finished."""
        serving = asyncio.ensure_future(self.server.serve([self.port.socket]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:  # in order, as the loop still knows of the socket otherwise
            self.server.should_exit = True
            await serving
            raise


class _Server(uvicorn.Server):
    """uvicorn's, but that signals to the process are the program's affair."""

    @override
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


@asynccontextmanager
async def open_execution(
    environment: Environment, environ: Mapping[str, str] | None = None, confirm: str | None = None
) -> AsyncIterator[Opened]:
    """Open all that takes signals; nothing is answered yet. `confirm` is the account LIVE may trade with.

    Raises: Refused, where a setting does not fit, no chain has an endpoint, the port is taken, another
    process writes to the ledger, or LIVE lacks what it needs; Unreachable, where the disk or a node fails.
    """
    settings = environment.settings.execution
    environ = {**read_env_file(Path(".env")), **os.environ} if environ is None else environ
    chains = execution_chains(environment, environ)
    clock = SystemClock()
    async with AsyncExitStack() as opened:
        port = _port(environment)
        opened.callback(port.socket.close)
        logs = environment.paths.logs / "execution"
        logs.mkdir(parents=True, exist_ok=True)
        protection = opened.enter_context(protecting_api(environment, logs))
        ledger = await opened.enter_async_context(open_ledger(environment.paths.data, settings.mode))
        switch = KillSwitch(environment.paths.data)
        live = None
        if settings.mode == ExecutionMode.LIVE:
            tools = open_tools(settings.live, environ, confirm, ledger=ledger, switch=switch, clock=clock)
            live = await opened.enter_async_context(tools)
            chains = {chain_id: chain for chain_id, chain in chains.items() if chain.is_usable}
        desk = Desk(settings.mode, ledger, clock)
        prices = {chain_id: TokenPrices(clock) for chain_id in chains}
        for chain_id, known in chains.items():
            chain = structs.replace(known, prices=prices[chain_id])
            limits = HttpLimits(answer_timeout_ms=settings.answer_timeout_ms)
            endpoints = Endpoints(chain.http_urls, clock, limits, chain_id=chain_id)
            http = await opened.enter_async_context(endpoints)
            chain_desk = _chain_desk(settings, chain, http, clock, live)
            if live is None:
                sending = Paper(chain_desk, ledger, settings.paper, clock)
            else:
                models = environment.paths.data / "models"
                is_forecast = settings.live.is_forecast
                forecast = TrainedBaseFee(models, chain.name, clock) if is_forecast else None
                sending = await opened.enter_async_context(open_live(chain, http, live, forecast))
            desk.lanes[chain_id] = _lane(settings, chain_desk, sending, desk, ledger, clock)
        parts = Parts(desk, switch, *protection.parts)
        yield Opened(desk, ledger, port, _server(environment, parts, port, protection), protection, prices)


def execution_chains(environment: Environment, environ: Mapping[str, str]) -> dict[int, ChainSettings]:
    """Return the chains that trades may be sent to: those of the settings, and of RPC_<CHAIN>.

    Raises: Refused, naming the setting that does not fit.
    """
    endpoints = {
        chain.chain_id: Endpoint(chain.name, chain.chain_id, tuple(chain.http_urls))
        for chain in served_chains(environment, environ)
    }
    return chains_of(environment.settings.execution, endpoints)


def _chain_desk(
    settings: ExecutionSettings,
    chain: ChainSettings,
    http: HttpEndpoint,
    clock: Clock,
    live: LiveTools | None,
) -> ChainDesk:
    async def find_site(asked: HttpEndpoint) -> ExecutorSite:
        if live is None:
            return await paper_site(asked, chain.executor)
        return await live_site(asked, chain.executor, live.signer.address)

    delay = settings.paper.inclusion_blocks if live is None else 0
    return ChainDesk(chain, http, clock, find_site, valid_blocks=max(settings.valid_blocks, delay))


def _lane(
    settings: ExecutionSettings,
    chain_desk: ChainDesk,
    sending: Sending,
    desk: Desk,
    ledger: Ledger,
    clock: Clock,
) -> Lane:
    return Lane(
        chain_desk,
        sending,
        ledger,
        clock,
        priority_fee_wei=settings.paper.priority_fee_wei,
        queue_max=settings.queue_max,
        tell=desk.tell,
    )


def _port(environment: Environment) -> Port:
    settings, api = environment.settings.execution, environment.settings.api
    if not api.auth.is_on:
        check_loopback("execution.host", settings.host, "")
    host = _LOCALHOST if settings.host == "localhost" else settings.host
    node = "; a local chain node has the same one" if settings.port == ExecutionSettings().port else ""
    port = take_port("execution", "EXECUTION_PORT", host, settings.port, node)
    return port._replace(scheme="http" if api.tls.certificate is None else "https")


def _server(environment: Environment, parts: Parts, port: Port, protection: Protection) -> _Server:
    table = RouteTable((*ROUTES, *KILL_ROUTES))
    hosts = local_names(port)
    app = app_of(table, parts, hosts, None, protection.guards(table))
    return _Server(
        uvicorn.Config(
            app,
            ws=FramedProtocol,
            ws_max_size=_MESSAGE_BYTES_MAX,
            ws_per_message_deflate=False,
            lifespan="off",
            log_config=LOGS,
            access_log=False,
            server_header=False,
            limit_concurrency=environment.settings.api.connections_max,
            timeout_graceful_shutdown=_CLOSE_S,
            **protection.serving(is_tls=port.scheme == "https"),
        )
    )
