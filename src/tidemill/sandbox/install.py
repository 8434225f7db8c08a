"""Where the node and the contracts' bytecode come from: npm packages pinned by a lock file."""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidemill.sandbox.contracts import package_files
from tidemill.sandbox.node import ANVIL
from tidemill.sandbox.solidity_code import solidity_codes
from tidemill.sandbox.vyper_code import compile_all
from tidemill.schema.faults import Fault, Refused, Unreachable

LOCK_FOLDER = Path(__file__).parent / "npm"
"""Holds `package.json` and `package-lock.json`, the exact versions and their digests."""

FOLDER_VARIABLE = "TIDEMILL_SANDBOX_DIR"
"""Environment variable that says where the packages are kept."""

_NPM_FLAGS = ("--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", "--loglevel=error")
_INSTALL_TIMEOUT_S = 540
_TERMS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "PACKAGE.JSON")


def default_folder() -> Path:
    """Return `$TIDEMILL_SANDBOX_DIR`, or `.sandbox` under the current folder."""
    return Path(os.environ.get(FOLDER_VARIABLE) or ".sandbox").absolute()


def ensure_packages(folder: Path | None = None) -> Path:
    """Install the packages under `folder` unless they are there; several may call at once.

    Returns:
        The `node_modules` folder.

    Raises:
        Refused: npm is not on the path; install Node.js 18 or newer.
        Unreachable: npm could not fetch or unpack the packages.
    """
    folder = folder or default_folder()
    modules = folder / _lock_digest() / "node_modules"
    if modules.is_dir():
        return modules
    npm = shutil.which("npm")
    if npm is None:
        raise Refused(
            "expected npm on the path to install the sandbox's packages, found none: "
            "install Node.js 18 or newer"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _sole_installer(folder):
            if not modules.is_dir():
                _install(npm, modules.parent)
    except OSError as error:
        raise Unreachable(f"expected to write the sandbox's packages to {folder}, found: {error}") from error
    return modules


def _lock_digest() -> str:
    digest = hashlib.sha256()
    for name in ("package.json", "package-lock.json"):
        digest.update((LOCK_FOLDER / name).read_bytes())
    return digest.hexdigest()[:16]


@contextmanager
def _sole_installer(folder: Path) -> Iterator[None]:
    with (folder / "install.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _install(npm: str, target: Path) -> None:
    # Into a folder of another name first: what has the right name is whole, however the install ends.
    partial = Path(tempfile.mkdtemp(prefix="partial-", dir=target.parent))
    try:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(LOCK_FOLDER / name, partial / name)
        done = subprocess.run(
            [npm, "ci", *_NPM_FLAGS],
            cwd=partial,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_INSTALL_TIMEOUT_S,
            check=False,
        )
        if done.returncode != 0:
            raise Unreachable(
                f"expected `npm ci` to install the sandbox's packages in {target.parent}, "
                f"found exit code {done.returncode}: {done.stderr.strip()[-800:]}"
            )
        _leave_what_is_read(partial / "node_modules")
        partial.rename(target)
    except subprocess.TimeoutExpired as error:
        raise Unreachable(f"expected `npm ci` to end within {_INSTALL_TIMEOUT_S} s, it did not") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _leave_what_is_read(modules: Path) -> None:
    """Remove the packages' files but those that are read, and what says whose they are and on which terms."""
    kept = {modules / ANVIL, *(modules / path for path in package_files())}
    for folder, folders, files in os.walk(modules, topdown=False):
        for name in files:
            path = Path(folder, name)
            if path not in kept and not name.upper().startswith(_TERMS):
                path.unlink()
        for name in folders:
            path = Path(folder, name)
            if path.is_symlink():
                path.unlink()
            elif not any(path.iterdir()):
                path.rmdir()


def main() -> int:
    """Install packages, compile our own contracts, say where they are; the exit code tells of success."""
    try:
        modules = ensure_packages()
        compile_all(modules.parent.parent)
        solidity_codes(modules.parent.parent)
    except Fault as fault:
        sys.stderr.write(f"sandbox packages: {fault}\n")
        return 1
    sys.stdout.write(f"{modules}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
