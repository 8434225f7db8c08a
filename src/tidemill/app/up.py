"""`tidemill up`: read all that is configured into the store, and answer other commands, until stopped."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from tidemill.app.chains.chain import chains_of
from tidemill.app.control import serving
from tidemill.app.engine import Engine
from tidemill.app.observed import Observed
from tidemill.app.running import run
from tidemill.app.settings import FILE_NAME, Environment
from tidemill.app.tracing import tracing_of
from tidemill.app.venues.markets import markets_of
from tidemill.app.venues.subgraphs import subgraphs_of
from tidemill.chains.evm.config import EvmConfig, check_config
from tidemill.chains.solana.config import check_solana
from tidemill.core.clock import SystemClock
from tidemill.core.log import logging_to
from tidemill.schema.faults import Fault, Refused
from tidemill.serve.alerting.alerting import Alerting
from tidemill.serve.alerting.heartbeat import Heartbeat
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.ports import Ports, take_ports
from tidemill.serve.readiness import readiness_of

if TYPE_CHECKING:
    from tidemill.app.execution.execution import Opened
    from tidemill.app.exporting.exports import Exports
    from tidemill.serve.auth.protection import Protection
    from tidemill.serve.server import Server

_log = logging.getLogger("tidemill.up")


class UpOptions(NamedTuple):
    """What runs beside the reading."""

    record: bool
    """Whether every inbound frame is kept."""
    with_view: bool
    with_api: bool
    with_store: bool = True


def main(environment: Environment, *, record: bool | None, with_view: bool, with_api: bool) -> int:
    """Run until a signal; return the exit code.

    Raises: Refused, where nothing is configured, another process owns the data folder, or a port is taken.
    """
    is_recording = environment.settings.record.enabled if record is None else record
    return read_until_stopped(environment, UpOptions(is_recording, with_view, with_api))


def read_until_stopped(environment: Environment, options: UpOptions) -> int:
    """Read all that is configured until a signal; return the exit code. Raises: Refused, as `main` does."""
    settings = environment.settings
    markets = markets_of(settings)
    if not (settings.chains or settings.solana or markets):
        raise Refused(f"chains: expected at least one section [chains.NAME] in {FILE_NAME}, found none")
    for name, cluster in settings.solana.items():
        check_solana(name, cluster)
    chains = chains_of(settings)
    _check_chains(chains)
    subgraphs_of(settings.subgraphs, chains)
    is_quiet = options.with_view
    with logging_to(environment.paths.logs, settings.log, environment.redactor, console=not is_quiet):
        ended = run(_up(environment, chains, options))
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


async def _up(environment: Environment, chains: Mapping[str, EvmConfig], options: UpOptions) -> bool:
    """Read until a signal; return whether all reading ended by itself."""
    from tidemill.app.api.api_protection import protecting_api
    from tidemill.app.chains.pool_server import serving_pools
    from tidemill.app.sandbox.live import LiveState
    from tidemill.app.sandbox.view import show

    state = LiveState()
    alerting = Alerting(environment.settings.alerts, SystemClock(), environment.redactor)
    async with AsyncExitStack() as opened:
        ports = _ports(environment, opened) if options.with_api else None
        protection = None if ports is None else opened.enter_context(protecting_api(environment))
        engine = await opened.enter_async_context(
            Engine(
                environment,
                chains,
                record=options.record,
                on_batches=state.take if options.with_view else None,
                with_store=options.with_store,
            )
        )
        engine.flow.traces = opened.enter_context(tracing_of(environment, is_stored=engine.has_store))
        collector = _collector(environment, engine)
        collector.register_alert_callback(alerting.take)
        socket = await opened.enter_async_context(
            serving(
                environment.paths.data,
                lambda: _status(environment, engine, ports, collector, alerting),
                engine.query,
                engine.stream,
            )
        )
        if environment.settings.pool_server.enabled:
            await opened.enter_async_context(serving_pools(environment))
        _log.info(
            "reading %s into %s; status and sql at %s",
            ", ".join([*engine.statuses, *engine.markets]),
            environment.redactor(environment.store_url if options.with_store else environment.bus_url),
            socket,
        )
        async with asyncio.TaskGroup() as tasks:
            beside = [
                tasks.create_task(collector.run(), name="metrics"),
                tasks.create_task(alerting.run(), name="alerts"),
                tasks.create_task(_heartbeat(environment, collector).run(), name="heartbeat"),
            ]
            execution = await _execution(environment, engine, opened)
            exports = await exports_of(environment, engine, opened) if options.with_store else None
            if exports is not None:
                beside.append(tasks.create_task(exports.run(), name="exports"))
            if ports is not None:
                parts = (collector,) if execution is None else (collector, execution.desk)
                api = await opened.enter_async_context(
                    answering_of(environment, engine, ports, exports, protection, *parts, alerting=alerting)
                )
                beside.append(tasks.create_task(api.until_ended(), name="api"))
            if execution is not None:
                from tidemill.app.execution.execute import run_execution
                from tidemill.app.execution.price_feed import follow_prices

                beside.append(tasks.create_task(run_execution(execution), name="execution"))
                prices = follow_prices(engine.bus, execution.prices)
                beside.append(tasks.create_task(prices, name="execution prices"))
            if options.with_view:
                beside.append(tasks.create_task(show(engine, state), name="view"))
            await engine.run()
            for task in beside:
                task.cancel()
    _log.error("nothing is left to read: correct what is said of each, then start again")
    return True


def _ports(environment: Environment, opened: AsyncExitStack) -> Ports:
    """Return the server's ports, taken before anything is opened. Raises: Refused."""
    ports = take_ports(environment.settings.api, environment.settings.metrics)
    opened.callback(ports.close)
    return ports


async def exports_of(environment: Environment, engine: Engine, opened: AsyncExitStack) -> "Exports | None":
    """Return what exports; None where the registry, which has the schedules, cannot be opened."""
    from tidemill.app.exporting.exports import open_exports

    try:
        return await open_exports(environment, engine, opened)
    except Fault as fault:
        _log.error("exports: none until this is corrected and tidemill started again: %s", fault)
        return None


def answering_of(
    environment: Environment,
    engine: Engine,
    ports: Ports,
    exports: "Exports | None",
    protection: "Protection | None",
    *beside: object,
    alerting: Alerting | None = None,
) -> "AbstractAsyncContextManager[Server]":
    """Return what answers at `ports` while it is open, from what runs `beside` it, too."""
    from tidemill.app.api.additions import additions_of
    from tidemill.serve.server import answering

    _log.info("data API at %s, metrics at %s/metrics", ports.api.url, ports.metrics.url)
    program = Observed(engine, alerting=alerting)
    traces = engine.flow.traces
    additions = additions_of(environment, program.version, exports, protection, *beside, traces=traces)
    return answering(program, ports, environment.settings.api.connections_max, additions)


async def _execution(environment: Environment, engine: Engine, opened: AsyncExitStack) -> "Opened | None":
    """Return what takes trade signals, where that is wanted; the engine brings its ledger to its bus."""
    if not environment.settings.execution.enabled:
        return None
    from tidemill.app.execution.execution import open_execution

    execution = await opened.enter_async_context(open_execution(environment))
    engine.ledgers.own[environment.settings.execution.mode] = execution.ledger.bus
    _log.info("execution server at %s, %s", execution.port.url, execution.desk.mode)
    return execution


def _collector(environment: Environment, engine: Engine) -> MetricsCollector:
    return MetricsCollector(
        Observed(engine),
        environment.settings.monitoring,
        latest=engine.beside.latest,
        lines=engine.beside.lines,
        folder=environment.paths.data,
    )


def _heartbeat(environment: Environment, collector: MetricsCollector) -> Heartbeat:
    return Heartbeat(environment.settings.alerts.heartbeat, lambda: collector.newest)


async def _status(
    environment: Environment,
    engine: Engine,
    ports: Ports | None,
    collector: MetricsCollector,
    alerting: Alerting,
) -> dict[str, Any]:
    """Return how everything fares, what is waited for, and where the data API and the metrics are."""
    told = await engine.status()
    limits = environment.settings.monitoring.ready
    told["ready"] = msgspec.to_builtins(readiness_of(await Observed(engine).state(), limits))
    told["metrics"] = collector.get_current_metrics()
    told["alerts"] = alerting.status()
    if ports is not None:
        told["api"] = {"url": ports.api.url, "metrics_url": f"{ports.metrics.url}/metrics"}
    return told
