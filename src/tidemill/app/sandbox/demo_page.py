"""Answer as `tidemill up` does while a demo runs, so that it can be looked at in a browser."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from tidemill.app.api.api_protection import protecting_api
from tidemill.app.engine import Engine
from tidemill.app.observed import Observed
from tidemill.app.settings import Environment
from tidemill.app.up import answering_of, exports_of
from tidemill.schema.faults import Refused
from tidemill.serve.collector import MetricsCollector
from tidemill.serve.ports import take_ports

_log = logging.getLogger("tidemill.demo")


@asynccontextmanager
async def showing_page(environment: Environment, engine: Engine) -> AsyncIterator[str | None]:
    """Yield where the page is; None where its port is taken, for a demo needs none."""
    async with AsyncExitStack() as opened:
        try:
            ports = take_ports(environment.settings.api, environment.settings.metrics)
        except Refused as fault:
            _log.warning("no page: %s", fault)
            yield None
            return
        opened.callback(ports.close)
        protection = opened.enter_context(protecting_api(environment))
        exports = await exports_of(environment, engine, opened)
        collector = MetricsCollector(Observed(engine), environment.settings.monitoring)
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(collector.run(), name="metrics")]
            if exports is not None:
                beside.append(tasks.create_task(exports.run(), name="exports"))
            async with answering_of(environment, engine, ports, exports, protection, collector):
                yield ports.api.url
            for task in beside:
                task.cancel()
