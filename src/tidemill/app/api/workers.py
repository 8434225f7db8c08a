"""Have several processes answer at one port, and begin one anew that ends before its time."""

import asyncio
import logging
import multiprocessing
import os
import secrets
import signal
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import ExitStack, asynccontextmanager
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NamedTuple, cast

from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.core.log import logging_to
from tidemill.schema.faults import Fault, Refused, Unreachable, leaves
from tidemill.serve.ports import Ports, share_ports

_log = logging.getLogger("tidemill.serve")
_SPAWN = multiprocessing.get_context("spawn")
"""A process of its own from the beginning: libraries with threads do not outlive a fork."""
_SECRET_BYTES = 32
_AGAIN_S = 1.0
"""A worker that ended is begun anew after so long."""
_END_S = 10.0
"""How long workers have to end in order."""
_ANSWERS = "answers"


class Share(NamedTuple):
    """What one worker has of its own, and what it shares with the others."""

    logs: Path | None = None
    """Its folder of log files, for several processes that put one aside lose lines; None: the usual one."""
    secret: bytes | None = None
    begun: Callable[[], None] = lambda: None
    """Says that it answers."""


ALONE = Share()
Serve = Callable[[Environment, Ports, Share], Coroutine[Any, Any, None]]


class _Start(NamedTuple):
    """What a worker is begun with, again and again."""

    environment: Environment
    serve: Serve
    ports: Ports
    number: int
    secret: bytes


async def supervise(environment: Environment, serve: Serve) -> None:
    """Run `api.workers` processes that `serve`, until cancelled.

    Raises: Refused, where they have nothing to share, or a port is taken; what hinders a first start.
    """
    api, metrics = environment.settings.api, environment.settings.metrics
    if environment.store_url.startswith("chdb://"):
        raise Refused(
            "api.workers: expected 1 where the store is embedded, for one process owns its folder, found"
            f" {api.workers}; set store.url (CLICKHOUSE_URL) to a server's"
        )
    if api.auth.is_on and environment.settings.redis.url is None:
        raise Refused(
            f"api.workers: expected redis.url (REDIS_URL), through which {api.workers} processes count a"
            " caller's requests together and know each other's tickets, found none"
        )
    secret = secrets.token_bytes(_SECRET_BYTES)
    with ExitStack() as taken:
        ports = share_ports(api, metrics)
        for one in ports:
            taken.callback(one.close)
        starts = [_Start(environment, serve, one, number, secret) for number, one in enumerate(ports, 1)]
        async with asyncio.TaskGroup() as tasks:
            begun = [asyncio.Event() for _ in starts]
            for start, answers in zip(starts, begun, strict=True):
                tasks.create_task(_keep(start, answers), name=f"worker {start.number}")
            for answers in begun:
                await answers.wait()
            counted = ", ".join(f"{one.metrics.url}/metrics" for one in ports)
            _log.info("data API at %s by %d workers, metrics at %s", ports[0].api.url, api.workers, counted)


async def _keep(start: _Start, answers: asyncio.Event) -> None:
    """Have one worker run until cancelled. Raises: what hinders it from its first start."""
    while True:
        async with _running(start) as told:
            said = await _heard(told)
            if said == _ANSWERS:
                answers.set()
                said = await _heard(told)
        fault = said if isinstance(said, Fault) else Unreachable(f"serve: worker {start.number} has ended")
        if not answers.is_set():
            raise fault
        _log.warning("worker %d is begun anew: %s", start.number, fault)
        await asyncio.sleep(_AGAIN_S)


@asynccontextmanager
async def _running(start: _Start) -> AsyncIterator["Connection[Any, Any]"]:
    """Yield what a worker says while the context is open; it ends with that."""
    told, tell = cast("tuple[Connection[Any, Any], Connection[Any, Any]]", _SPAWN.Pipe(duplex=False))
    process = _SPAWN.Process(target=_work, args=(start, tell), name=f"worker {start.number}")
    process.start()
    tell.close()  # it is the worker's alone now, and ends with it
    try:
        yield told
    finally:
        process.terminate()
        try:
            async with asyncio.timeout(_END_S):
                await _readable(process.sentinel)
        except TimeoutError:
            process.kill()
        process.join()
        told.close()


async def _heard(told: "Connection[Any, Any]") -> str | Fault | None:
    """Return that it answers, or what ends it; None where it has ended."""
    await _readable(told.fileno())
    try:
        return told.recv()
    except EOFError:
        return None


async def _readable(descriptor: int) -> None:
    loop, ready = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


def _work(start: _Start, tell: "Connection[Any, Any]") -> None:
    """Be a worker: serve until a signal, or until who supervises is gone."""
    os.setpgrp()  # Ctrl-C at a terminal is for who supervises
    environment = start.environment
    logs = environment.paths.logs / f"worker-{start.number}"
    share = Share(logs, start.secret, partial(tell.send, _ANSWERS))
    with logging_to(logs, environment.settings.log, environment.redactor, console=True):
        try:
            run(_supervised(start.serve(environment, start.ports, share)))
        except* Fault as faults:
            tell.send(next(leaves(faults)))


async def _supervised(work: Coroutine[Any, Any, None]) -> None:
    above = multiprocessing.parent_process()
    assert above is not None
    loop = asyncio.get_running_loop()

    def end() -> None:
        loop.remove_reader(above.sentinel)
        signal.raise_signal(signal.SIGTERM)

    loop.add_reader(above.sentinel, end)
    await work
