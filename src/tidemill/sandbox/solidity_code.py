"""How contracts of packages that publish sources alone become bytecode: npm's Solidity compiler, run once."""

import fcntl
import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import msgspec

from tidemill.schema.faults import Refused, Unreachable

FOLDER = Path(__file__).parent / "solidity"
"""Holds `package.json` and its lock, which name the sources and their compiler, and what calls that."""

_CONTRACTS = {
    name: f"@balancer-labs/{package}/contracts/{name}.sol:{name}"
    for package, names in {
        "v3-vault": ("VaultAdmin", "VaultExtension", "ProtocolFeeController", "Vault"),
        "v3-pool-weighted": ("WeightedPool",),
        "v3-pool-stable": ("StablePool",),
    }.items()
    for name in names
}
_FILES = ("package.json", "package-lock.json")
_NPM_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")
_TIMEOUT_S = 600


@cache
def solidity_codes(folder: Path) -> dict[str, str]:
    """Return the contracts' creation code as 0x-hex by name; where `folder` lacks it, that takes a minute.

    Raises: Refused where npm is missing; Unreachable where sources cannot be fetched, or do not compile.
    """
    kept = kept_codes(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with kept.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not kept.exists():
                partial = kept.with_suffix(".partial")
                partial.write_bytes(_compiled())
                partial.rename(kept)
        codes = msgspec.json.decode(kept.read_bytes(), type=dict[str, str])
    except OSError as error:
        raise Unreachable(f"expected to keep compiled contracts in {folder}, found: {error}") from error
    return {name: f"0x{code}" for name, code in codes.items()}


def kept_codes(folder: Path) -> Path:
    """Return the file under `folder` that has what these sources and this compiler make, as JSON."""
    digest = hashlib.sha256()
    for name in (*_FILES, "compile.js"):
        digest.update((FOLDER / name).read_bytes())
    return folder / f"balancer_v3-{digest.hexdigest()[:16]}.json"


def _compiled() -> bytes:
    if shutil.which("npm") is None:
        raise Refused("expected npm on the path to compile Balancer's sources: install Node.js 18 or newer")
    with tempfile.TemporaryDirectory() as folder:
        for name in _FILES:
            shutil.copyfile(FOLDER / name, Path(folder) / name)
        _run(["npm", "ci", *_NPM_FLAGS], folder)
        return _run(["node", str(FOLDER / "compile.js"), folder, *_CONTRACTS.values()], folder)


def _run(command: list[str], folder: str) -> bytes:
    try:
        return subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_TIMEOUT_S,
        ).stdout
    except subprocess.CalledProcessError as error:
        said = error.stderr.decode(errors="replace").strip()[-800:]
        raise Unreachable(f"expected `{' '.join(command[:2])}` to succeed, found: {said}") from error
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"expected `{' '.join(command[:2])}` to end within {_TIMEOUT_S} s") from error
