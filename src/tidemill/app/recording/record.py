"""`tidemill record`: keep every frame of one chain in a file, and say what events it holds."""

import asyncio
import json
import secrets
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from tidemill.app.chains.chain import chains_of, make_book, make_follower, make_whales
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.recording.digest import Digest
from tidemill.app.running import until_stopped
from tidemill.app.settings import Environment
from tidemill.bus import open_bus
from tidemill.chains.evm.config import EvmConfig, check_config
from tidemill.chains.evm.shell import Shell
from tidemill.core.clock import SystemClock
from tidemill.core.log import logging_to
from tidemill.core.recording import Recorder
from tidemill.process.whales.config import WhaleConfig
from tidemill.schema.faults import Refused


class RecordOptions(Struct, frozen=True, kw_only=True):
    """What the command line says."""

    file: Path
    chain: str | None
    seconds: float
    is_json: bool


def main(environment: Environment, options: RecordOptions) -> int:
    """Record until the time is over or a signal comes; return the exit code.

    Raises: Refused, where it is not clear which chain, or the file is there already.
    """
    config = check_config(_chosen(environment, options.chain))
    with logging_to(environment.paths.logs, environment.settings.log, environment.redactor, console=True):
        found = asyncio.run(_record(config, options))
    if options.is_json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name}: {value}")
    return 0


def _chosen(environment: Environment, name: str | None) -> EvmConfig:
    chains = chains_of(environment.settings)
    if name is None and len(chains) == 1:
        return next(iter(chains.values()))
    if name is None or name not in chains:
        raise Refused(
            f"--chain: expected one of {', '.join(chains) or 'the configured chains; there are none'}"
        )
    return chains[name]


async def _record(config: EvmConfig, options: RecordOptions) -> dict[str, Any]:
    clock, digest, started_s = SystemClock(), Digest(), time.monotonic()
    run_id = secrets.token_hex(8)
    async with open_bus("memory://") as bus, Recorder(options.file) as recorder:
        whales = make_whales(config, WhaleConfig(), {})
        pipeline = ChainPipeline(make_book(config, ()), bus, clock, digest=digest, whales=whales)
        shell = Shell(
            make_follower(config, {}, run_id),
            pipeline.take,
            clock,
            recorder=recorder,
            on_recorder_fault=pipeline.note,
        )
        running = asyncio.create_task(shell.run(run_id, {}), name=f"chain {config.source}")
        waiting = asyncio.create_task(until_stopped(options.seconds or None), name="time")
        await asyncio.wait([running, waiting], return_when=asyncio.FIRST_COMPLETED)
        running.cancel()
        waiting.cancel()
        ended, _ = await asyncio.wait([running])
        for task in ended:
            if not task.cancelled():
                task.result()
    return {
        "file": str(options.file),
        "seconds": round(time.monotonic() - started_s, 1),
        "entries": recorder.entry_count,
        "bytes": recorder.written_bytes,
        "faults": pipeline.fault_count,
        "rows": digest.counts,
        "digest": digest.hex(),
    }
