"""A peer in an environment of its own, installed once; its scripts take JSON and answer in JSON."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_ENVIRONMENTS = Path(__file__).parents[1] / ".peers"
_SCRIPTS = Path(__file__).parent / "peers"


def script_of(name: str) -> str:
    """Return the path of one of the peers' scripts."""
    return str(_SCRIPTS / name)


def python_of(peer: str) -> str:
    """Return the interpreter that has what `peer`.lock.txt names; install that once."""
    folder = _ENVIRONMENTS / peer
    python, stamp = folder / "bin" / "python", folder / "installed"
    if not stamp.exists():
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        pip = [str(python), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "-r", script_of(f"{peer}.lock.txt")], check=True)
        stamp.touch()
    return str(python)


def installed_npm(name: str) -> Path:
    """Return the `node_modules` with what the lock in the peers' folder `name` names; install that once."""
    folder, modules = Path(script_of(name)), _ENVIRONMENTS / name / "node_modules"
    stamp = modules.parent / "installed"
    if not stamp.exists():
        modules.parent.mkdir(parents=True, exist_ok=True)
        for file in ("package.json", "package-lock.json"):
            shutil.copyfile(folder / file, modules.parent / file)
        flags = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")
        subprocess.run(["npm", "ci", *flags], cwd=modules.parent, check=True)
        stamp.touch()
    return modules


def ask_peer(peer: str, script: str, question: Any) -> Any:
    """Return what `script` of `peer` answers. Raises: RuntimeError, where it fails."""
    with tempfile.TemporaryDirectory() as home:  # degenbot keeps a database in the home folder
        done = subprocess.run(
            [python_of(peer), script_of(script)],
            input=json.dumps(question),
            env=os.environ | {"HOME": home},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"{script}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)
