"""Run the command line as users do: in a process of its own."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tidemill.app.world import world_config
from tidemill.sandbox.faults.proxy import FaultProxy
from tidemill.sandbox.world import World

ROOT = Path(__file__).resolve().parents[2]
FREE_PORTS = {"TIDEMILL_API_PORT": "0", "PROMETHEUS_PORT": "0"}
"""Has `up` take any, as tests run beside each other."""
Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Return what runs `tidemill ARGUMENTS` in an empty folder, with nothing of ours in the environment."""

    def run(
        *arguments: str, env: dict[str, str] | None = None, timeout_s: float = 60
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
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )

    return run


def chain_toml(world: World, *, start_block: int | None = None, through: FaultProxy | None = None) -> str:
    """Return the settings that read `world` from its first contract on, or from `start_block`.

    Where `through` is given, it is read by that endpoint, proven, and the honest one is its fallback.
    """
    config = world_config(world)
    lines = [
        "[chains.sandbox]",
        f"chain_id = {config.chain_id}",
        f'ws_url = "{config.ws_url if through is None else through.ws_url}"',
        f'http_url = "{config.http_url if through is None else through.http_url}"',
        f"start_block = {config.start_block if start_block is None else start_block}",
        f'multicall = "{config.multicall}"',
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
