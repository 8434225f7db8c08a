"""Run the command line as users do: in a process of its own."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.app.sandbox.world import FOLLOWED, world_config
from tidemill.sandbox.faults.proxy import FaultProxy
from tidemill.sandbox.world import Protocol, World

ROOT = Path(__file__).resolve().parents[2]
FREE_PORTS = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
"""Has `up` take any, as tests run beside each other."""
Cli = Callable[..., subprocess.CompletedProcess[str]]
Start = Callable[..., Any]
_WAIT_S = 60


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Return what runs `tidemill ARGUMENTS` in an empty folder, with nothing of ours in the environment."""

    def run(
        *arguments: str, env: dict[str, str] | None = None, said: str = "", timeout_s: float = 60
    ) -> subprocess.CompletedProcess[str]:
        inherited = {
            k: v for k, v in os.environ.items() if not k.startswith("TIDEMILL_") and k != "LOG_LEVEL"
        }
        inherited |= {"PYTHONPATH": str(ROOT / "src"), **FREE_PORTS}
        inherited["TIDEMILL_SANDBOX_DIR"] = os.environ.get("TIDEMILL_SANDBOX_DIR", str(ROOT / ".sandbox"))
        return subprocess.run(
            [sys.executable, "-m", "tidemill.app.cli", *arguments],
            cwd=tmp_path,
            env=inherited | (env or {}),
            input=said,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return run


def chain_toml(
    world: World,
    *,
    start_block: int | None = None,
    through: FaultProxy | None = None,
    further: Collection[Protocol] = FOLLOWED,
) -> str:
    """Return the settings that read `world` from its first contract on, or from `start_block`.

    Where `through` is given, it is read by that endpoint, proven, and the honest one is its fallback.
    """
    config = world_config(world, further=further)
    lines = [
        "[chains.sandbox]",
        f"chain_id = {config.chain_id}",
        f'ws_url = "{config.ws_url if through is None else through.ws_url}"',
        f'http_url = "{config.http_url if through is None else through.http_url}"',
        f"start_block = {config.start_block if start_block is None else start_block}",
        f'multicall = "{config.multicall}"',
        f"pools = {json.dumps(config.pools)}",
        "reconnect_first_ms = 50",
    ]
    if through is not None:
        lines += ['proof = "receipts_root"', "[[chains.sandbox.fallbacks]]"]
        lines += [f'ws_url = "{config.ws_url}"', f'http_url = "{config.http_url}"']
    for factory in config.factories:
        lines += ["[[chains.sandbox.factories]]"]
        fields = msgspec.to_builtins(factory)
        lines += [f"{name} = {json.dumps(value)}" for name, value in fields.items() if value is not None]
    return "\n".join(lines) + "\n"


@pytest.fixture
def serving(tmp_path: Path) -> Start:
    """Return what runs `tidemill pool-server` in an empty folder; it gives the process and the address."""

    @contextmanager
    def run(toml: str, command: str = "pool-server", **env: str) -> Iterator[tuple[Any, str]]:
        (tmp_path / "tidemill.toml").write_text(toml)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("TIDEMILL_", "RPC_"))}
        inherited |= {"PYTHONPATH": str(ROOT / "src"), "RUST_SERVER_PORT": "0"}
        process = subprocess.Popen(
            [sys.executable, "-m", "tidemill.app.cli", command],
            cwd=tmp_path,
            env=inherited | env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        killer = threading.Timer(_WAIT_S, process.kill)
        killer.start()
        try:
            yield process, _address_told(process)
        finally:
            killer.cancel()
            process.kill()
            process.communicate()

    return run


def _address_told(process: Any) -> str:
    """Return the address that the log tells; the process is killed where it tells none in time."""
    said = ""
    for line in process.stderr:
        said += line
        if "tidemill.pool_server: serving pools of" in line:
            return line.rpartition(" ")[2].strip()
    raise AssertionError(said)
