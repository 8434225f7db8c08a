"""When are models trained anew while the decision loop runs: at intervals, by a process of its own."""

import asyncio
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from tidemill.app.settings import Environment
from tidemill.learn.gas.model_files import METADATA
from tidemill.learn.gas.model_registry import VERSIONS

_log = logging.getLogger("tidemill.brain")


async def retrain_regularly(environment: Environment, load: Callable[[], None]) -> None:
    """Have forecasters challenged until cancelled; `load` is called where one was replaced."""
    while True:
        await asyncio.sleep(environment.settings.ml.retrain_check_s)
        replaced = [await is_replaced(command) for command in commands(environment)]
        if any(replaced):
            load()


def commands(environment: Environment) -> list[list[str]]:
    """Return the command that challenges each forecaster that was trained, of a chain or of none by name."""
    models = environment.paths.data / "models"
    folders = [path.parent for path in sorted(models.glob(f"**/{METADATA}")) if VERSIONS not in path.parts]
    return [_command(environment, None if folder == models else folder.name) for folder in folders]


def _command(environment: Environment, chain: str | None) -> list[str]:
    made = [sys.executable, "-m", "tidemill.app.cli", "train", "--retrain", "--if-needed", "--json"]
    made += ["--data-dir", str(environment.paths.data)]
    if environment.file is not None:
        made += ["--config", str(Path(environment.file).absolute())]
    return made if chain is None else [*made, "--chain", chain]


async def is_replaced(command: Sequence[str]) -> bool:
    """Run a challenge and return whether the champion was replaced; one that fails is logged."""
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, complaint = await process.communicate()
    finally:
        if process.returncode is None:  # we are cancelled
            process.kill()
            await process.wait()
    if process.returncode != 0:
        _log.warning("retraining: %s", complaint.decode(errors="replace").strip()[-500:])
        return False
    told = msgspec.json.decode(out)
    _log.info("retraining: version %s is used, %d files are new", told["champion"], len(told["files"]))
    return bool(told["files"])
