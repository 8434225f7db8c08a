"""`tidemill doctor`: check that everything needed is there and works; say what to do where it is not."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple

from tidemill.app.operating.doctor_servers import server_checks
from tidemill.app.settings import Environment, read_settings
from tidemill.schema.faults import Fault

_FREE_BYTES_WANTED = 2 << 30
"""An hour of a busy chain on bus and store, with room for merges."""


class Check(NamedTuple):
    """What was looked at and what was found."""

    name: str
    is_ok: bool
    detail: str
    """What is there; where it is not ok, what to do."""


class _Bad(Exception):
    """A check failed; the message says what to do."""


def main(config: Path | None, data: Path | None, *, is_json: bool) -> int:
    """Print a line a check; return 0 where all are ok, else 1."""
    checks = asyncio.run(_all(config, data))
    if is_json:
        print(json.dumps([check._asdict() for check in checks], indent=2))
    else:
        for check in checks:
            print(f"{'ok  ' if check.is_ok else 'FAIL'} {check.name}: {check.detail}")
    return 0 if all(check.is_ok for check in checks) else 1


async def _all(config: Path | None, data: Path | None) -> list[Check]:
    checks = [await _check("python", _python), await _check("rust module", _rust)]
    try:
        environment = read_settings(config, data)
    except Fault as fault:
        return [*checks, Check("config", False, str(fault))]
    where = environment.file or "no tidemill.toml; defaults"
    checks.append(Check("config", True, f"{where}; {len(environment.settings.chains)} chains"))
    checks += [
        await _check("disk", lambda: _disk(environment)),
        await _check("bus", _bus),
        await _check("store", _store),
        await _check("data folder", lambda: _owner(environment.paths.data)),
        await _check("sandbox", _sandbox),
    ]
    chains = environment.settings.chains
    checks += await asyncio.gather(
        *(_check(f"chain {name}", lambda name=name: _chain(environment, name)) for name in chains)
    )
    checks += [await _check(name, look) for name, look in server_checks(environment)]
    if environment.settings.venues.sei.ws_url is not None:
        checks.append(await _check("venue sei", lambda: _sei(environment)))
    return [check._replace(detail=environment.redactor(check.detail)) for check in checks]


async def _check(name: str, look: Callable[[], Awaitable[str]]) -> Check:
    try:
        return Check(name, True, await look())
    except _Bad as bad:
        return Check(name, False, str(bad))
    except Fault as fault:
        return Check(name, False, f"{type(fault).__name__}: {fault}")
    except (
        Exception
    ) as error:  # a broken installation shows itself in any way, and the other checks must still run
        return Check(name, False, f"{type(error).__name__}: {error}")


async def _python() -> str:
    return sys.version.split()[0]


async def _rust() -> str:
    try:
        from tidemill import _rust
    except ImportError as error:
        raise _Bad(f"cannot be loaded ({error}); build it with `make build` or install the wheel") from error
    empty = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
    if _rust.keccak256(b"").hex() != empty:
        raise _Bad("it computes a wrong hash; build it anew")
    return "loads and computes"


async def _disk(environment: Environment) -> str:
    folder = environment.paths.data
    while not folder.exists():
        folder = folder.parent
    if not os.access(folder, os.W_OK):
        raise _Bad(f"{folder} cannot be written; choose another with TIDEMILL_DATA_DIR or --data")
    free_bytes = shutil.disk_usage(folder).free
    if free_bytes < _FREE_BYTES_WANTED:
        raise _Bad(f"{free_bytes >> 20} MiB free at {folder}; make room for {_FREE_BYTES_WANTED >> 20} MiB")
    return f"{free_bytes >> 30} GiB free at {folder}"


async def _bus() -> str:
    from tidemill.bus import open_bus

    started_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        async with open_bus(f"lmdb://{folder}/bus") as bus:
            await bus.commit([], {b"doctor": b"here"})
            if await bus.get(b"doctor") != b"here":
                raise _Bad("what was committed does not come back; is the disk for temporary files sound?")
    return f"a round trip in {(time.perf_counter() - started_s) * 1e3:.0f} ms"


async def _store() -> str:
    """Try the engine in a process of its own: a process can have one store open only."""
    program = (
        "import asyncio, sys\n"
        "from tidemill.store import open_store\n"
        "async def go():\n"
        "    async with open_store('chdb://' + sys.argv[1]) as store:\n"
        "        await store.migrate()\n"
        "        print((await store.query('SELECT toUInt256(2) AS two'))['two'][0].as_py() is not None)\n"
        "asyncio.run(go())\n"
    )
    started_s = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        child = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            program,
            f"{folder}/store",
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, complaint = await asyncio.wait_for(child.communicate(), 60)
    if child.returncode or b"True" not in out:
        last = complaint.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise _Bad(f"a round trip failed: {last[0]}; reinstall the chdb package")
    return f"a round trip in {(time.perf_counter() - started_s) * 1e3:.0f} ms"


async def _owner(data: Path) -> str:
    from tidemill.app.control import ask_status
    from tidemill.app.operating.status import waits_text

    found = await ask_status(data)
    if found is None:
        return f"{data}: free"
    if waits := waits_text(found):
        raise _Bad(f"a tidemill runs on it, and has not caught up: {'; '.join(waits)}")
    return f"{data}: a tidemill runs on it, and has caught up"


async def _sandbox() -> str:
    from tidemill.sandbox.install import ensure_packages
    from tidemill.sandbox.solidity_code import solidity_codes
    from tidemill.sandbox.vyper_code import compile_all

    if shutil.which("npm") is None:
        raise _Bad("npm is missing; install Node.js 18 or newer (needed for `demo` and `sandbox` only)")
    modules = await asyncio.to_thread(ensure_packages)
    await asyncio.to_thread(compile_all, modules.parent.parent)
    await asyncio.to_thread(solidity_codes, modules.parent.parent)
    return f"anvil and contracts in {modules}"


async def _sei(environment: Environment) -> str:
    from tidemill.core.clock import SystemClock
    from tidemill.core.http import HttpEndpoint
    from tidemill.venues.sei.config import check_sei
    from tidemill.venues.sei.mapping import load_mapping
    from tidemill.venues.sei.reader import ask_status, check_status

    settings = environment.settings.venues.sei
    config = check_sei(settings, load_mapping(settings.mapping))
    for endpoint in config.endpoints:
        async with HttpEndpoint(endpoint.http_url, SystemClock()) as http:
            check_status(config, endpoint.http_url, await ask_status(http))
    return f"network {config.chain_id} at {' and '.join(one.http_url for one in config.endpoints)}"


async def _chain(environment: Environment, source: str) -> str:
    from tidemill.app.chains.probe import chain_id_of
    from tidemill.chains.evm.config import check_config

    config = check_config(environment.settings.chains[source])
    found: list[str] = []
    urls = [url for endpoint in config.endpoints for url in (endpoint.http_url, endpoint.ws_url)]
    for url in filter(None, urls):
        chain_id = await chain_id_of(url)
        if chain_id != config.chain_id:
            raise _Bad(
                f"{url}: expected chain id {config.chain_id}, found {chain_id}; correct chain_id or the URL"
            )
        found.append(url)
    return f"chain id {config.chain_id} at {' and '.join(found)}"
