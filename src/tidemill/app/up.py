"""`tidemill up`: read every configured chain into the store, and answer other commands, until stopped."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any

from tidemill.app.chain import chains_of
from tidemill.app.control import serving
from tidemill.app.engine import Engine
from tidemill.app.observed import Observed
from tidemill.app.running import run
from tidemill.app.settings import FILE_NAME, Environment
from tidemill.app.subgraphs import subgraphs_of
from tidemill.chains.evm.config import EvmConfig, check_config
from tidemill.core.log import logging_to
from tidemill.schema.faults import Refused
from tidemill.serve.ports import Ports, take_ports
from tidemill.venues.sei.config import check_sei
from tidemill.venues.sei.mapping import load_mapping

if TYPE_CHECKING:
    from tidemill.serve.server import Server

_log = logging.getLogger("tidemill.up")


def main(environment: Environment, *, record: bool | None, with_view: bool, with_api: bool) -> int:
    """Run until a signal; return the exit code.

    Raises: Refused, where no chain is configured, another process owns the data folder, or a port is taken.
    """
    settings = environment.settings
    sei = settings.venues.sei
    if sei.ws_url is not None:
        check_sei(sei, load_mapping(sei.mapping))
    elif not settings.chains:
        raise Refused(f"chains: expected at least one section [chains.NAME] in {FILE_NAME}, found none")
    chains = chains_of(settings)
    _check_chains(chains)
    subgraphs_of(settings.subgraphs, chains)
    is_recording = settings.record.enabled if record is None else record
    with logging_to(environment.paths.logs, settings.log, environment.redactor, console=not with_view):
        ends = _up(environment, chains, record=is_recording, with_view=with_view, with_api=with_api)
        ended = run(ends)
        _log.info("stopped")
    return 1 if ended else 0


def _check_chains(chains: Mapping[str, EvmConfig]) -> None:
    """Raise Refused where a chain's settings do not fit together, or two sections read the same chain."""
    names: dict[int, str] = {}
    for name, config in chains.items():
        check_config(config)
        other = names.setdefault(config.chain_id, name)
        if other != name:
            raise Refused(
                f"chains.{name}.chain_id: expected another one than chains.{other} has, found"
                f" {config.chain_id} again: its events would be stored twice"
            )


async def _up(
    environment: Environment,
    chains: Mapping[str, EvmConfig],
    *,
    record: bool,
    with_view: bool,
    with_api: bool,
) -> bool:
    """Read until a signal; return whether every chain ended by itself."""
    from tidemill.app.live import LiveState
    from tidemill.app.pool_server import serving_pools
    from tidemill.app.view import show

    state = LiveState()
    async with AsyncExitStack() as opened:
        ports = _ports(environment, opened) if with_api else None
        engine = await opened.enter_async_context(
            Engine(environment, chains, record=record, on_batches=state.take)
        )
        socket = await opened.enter_async_context(
            serving(environment.paths.data, lambda: _status(engine, ports), engine.query)
        )
        if environment.settings.pool_server.enabled:
            await opened.enter_async_context(serving_pools(environment))
        _log.info(
            "reading %s into %s; status and sql at %s",
            ", ".join([*engine.statuses, *(["sei"] if environment.settings.venues.sei.ws_url else [])]),
            environment.redactor(environment.store_url),
            socket,
        )
        async with asyncio.TaskGroup() as tasks:
            beside: list[asyncio.Task[None]] = []
            if ports is not None:
                api = await opened.enter_async_context(_answering(environment, engine, ports))
                beside.append(tasks.create_task(api.until_ended(), name="api"))
            if with_view:
                beside.append(tasks.create_task(show(engine, state), name="view"))
            await engine.run()
            for task in beside:
                task.cancel()
    _log.error("no chain is left to read: correct what is said of each, then start again")
    return True


def _ports(environment: Environment, opened: AsyncExitStack) -> Ports:
    """Return the server's ports, taken before anything is opened. Raises: Refused."""
    ports = take_ports(environment.settings.api, environment.settings.metrics)
    opened.callback(ports.close)
    return ports


def _answering(
    environment: Environment, engine: Engine, ports: Ports
) -> "AbstractAsyncContextManager[Server]":
    from tidemill.serve.server import answering

    _log.info("data API at %s, metrics at %s/metrics", ports.api.url, ports.metrics.url)
    return answering(Observed(engine), ports, environment.settings.api.connections_max)


async def _status(engine: Engine, ports: Ports | None) -> dict[str, Any]:
    """Return how everything fares, and where the data API and the metrics are."""
    told = await engine.status()
    if ports is not None:
        told["api"] = {"url": ports.api.url, "metrics_url": f"{ports.metrics.url}/metrics"}
    return told
