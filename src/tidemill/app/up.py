"""`tidemill up`: read every configured chain into the store, and answer other commands, until stopped."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import nullcontext

from tidemill.app.chain import chains_of
from tidemill.app.control import serving
from tidemill.app.engine import Engine
from tidemill.app.running import run
from tidemill.app.settings import FILE_NAME, Environment
from tidemill.chains.evm.config import EvmConfig, check_config
from tidemill.core.log import logging_to
from tidemill.schema.faults import Refused

_log = logging.getLogger("tidemill.up")


def main(environment: Environment, *, record: bool | None, with_view: bool) -> int:
    """Run until a signal; return the exit code.

    Raises: Refused, where no chain is configured or another process owns the data folder.
    """
    settings = environment.settings
    if not settings.chains:
        raise Refused(f"chains: expected at least one section [chains.NAME] in {FILE_NAME}, found none")
    chains = chains_of(settings)
    _check_chains(chains)
    is_recording = settings.record.enabled if record is None else record
    with logging_to(environment.paths.logs, settings.log, environment.redactor, console=not with_view):
        ended = run(_up(environment, chains, record=is_recording, with_view=with_view))
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
    environment: Environment, chains: Mapping[str, EvmConfig], *, record: bool, with_view: bool
) -> bool:
    """Read until a signal; return whether every chain ended by itself."""
    from tidemill.app.live import LiveState
    from tidemill.app.pool_server import serving_pools
    from tidemill.app.view import show

    state = LiveState()
    async with (
        Engine(environment, chains, record=record, on_batches=state.take) as engine,
        serving(environment.paths.data, engine.status, engine.query) as socket,
        serving_pools(environment) if environment.settings.pool_server.enabled else nullcontext(),
        asyncio.TaskGroup() as tasks,
    ):
        _log.info(
            "reading %s into %s; status and sql at %s",
            ", ".join(engine.statuses),
            environment.redactor(environment.store_url),
            socket,
        )
        view = tasks.create_task(show(engine, state), name="view") if with_view else None
        await engine.run()
        if view is not None:
            view.cancel()
    _log.error("no chain is left to read: correct what is said of each, then start again")
    return True
