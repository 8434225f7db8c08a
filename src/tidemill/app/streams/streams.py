"""`tidemill process` and `tidemill sink`: run processors, or store what is on the bus, by themselves."""

import logging
from collections.abc import Coroutine, Sequence
from typing import Any

from msgspec import structs

from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.app.streams.stream_pipeline import StreamPipeline
from tidemill.bus import open_bus
from tidemill.core.clock import SystemClock
from tidemill.core.log import logging_to
from tidemill.process.streams import processors
from tidemill.schema.faults import Fault, Refused
from tidemill.store import Writer, open_store

_log = logging.getLogger("tidemill.streams")


def process(environment: Environment, names: Sequence[str]) -> int:
    """Run those processors, or all, until a signal; return the exit code. Raises: Refused."""
    known = processors()
    for name in names:
        if name not in known:
            raise Refused(f"process: expected one of {', '.join(sorted(known))}, found {name!r}")
    chosen = [known[name] for name in names or sorted(known)]
    settings = environment.settings

    async def work() -> None:
        is_reader = environment.bus_url.startswith("kafka:")  # there each processor commits by itself
        async with open_bus(
            environment.bus_url, settings.bus, is_reader=is_reader, kafka=settings.kafka
        ) as bus:
            pipeline = StreamPipeline(bus, settings.kafka.consumer.group_id, now_ns=SystemClock().now_ns)
            for kind in chosen:
                pipeline.add_processor(kind())
            _log.info("processing: %s", ", ".join(kind.name for kind in chosen))
            await pipeline.run()

    return _logged(environment, work())


def sink(environment: Environment) -> int:
    """Store what is on the bus until a signal; return the exit code. Raises: Refused."""
    settings = environment.settings
    kafka = structs.replace(settings.kafka, member=settings.kafka.member or "sink")

    async def work() -> None:
        environment.paths.data.mkdir(parents=True, exist_ok=True)
        async with (
            open_bus(environment.bus_url, settings.bus, kafka=kafka) as bus,
            open_store(environment.store_url, settings.store) as store,
        ):
            await store.migrate()
            writer = Writer(
                bus, store, now_ns=SystemClock().now_ns, settings=settings.store.writer, on_fault=_told
            )
            _log.info("storing into %s", environment.redactor(environment.store_url))
            await writer.run()

    return _logged(environment, work())


def _logged(environment: Environment, work: Coroutine[Any, Any, None]) -> int:
    with logging_to(environment.paths.logs, environment.settings.log, environment.redactor, console=True):
        run(work)
    return 0


def _told(fault: Fault) -> None:
    _log.error("%s: %s", type(fault).__name__, fault)
