"""The data API under a fixed rate of requests, beside a bare FastAPI route that answers the same bytes.

Client, server and store share the machine; the client is another process. Each kind was asked once before,
for the engine reads where a table's rows are when it is asked first. Left out: TLS, networks, auth.
"""

import asyncio
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from benchmarks.peer import python_of, script_of
from benchmarks.row import Row
from benchmarks.served import START_NS, serving, swaps
from tidemill.schema import derive
from tidemill.serve.newest import ROWS_MAX

ROWS = int(os.environ.get("REST_ROWS", "10000000"))
_TOLD_ROWS = min(ROWS, 500_000)
"""So many were told, too; the engine makes the others of them, with times, blocks and hashes of their own."""
_LATEST_PER_S, _QUERIES_PER_S = 500, 50
_SECONDS = 6
_LATEST = "/events/swap?limit=100"


def run() -> list[Row]:
    """Load ours, then the peer."""
    return asyncio.run(_run())


async def _run() -> list[Row]:
    stored = (("swap", batch) for batch in swaps(_TOLD_ROWS, _TOLD_ROWS))
    async with serving(stored) as (program, client):
        for copy in range(1, ROWS // _TOLD_ROWS):
            await program.store._execute(_copying(copy))
        # twenty parts are put together by the engine itself, sooner or later: not while it is asked
        await program.store._execute("OPTIMIZE TABLE swap FINAL")
        # and as after some minutes: of what came since the first one it is known here which is the newest
        came_ns = time.time_ns() + 2 * 60 * 10**9 - ROWS // 20 * 10**9
        for batch in swaps(ROWS_MAX, ROWS_MAX, first=ROWS, start_ns=came_ns):
            await program.commit("swap", batch)
        blocks = [ROWS // 20 * part // 97 for part in range(97)]
        points = [f"/events/swap?block_number={block}&log_index=3" for block in blocks]
        times = [START_NS + block * 10**9 for block in blocks]
        ranges = [f"/events/swap?start={at_ns}&end={at_ns + 60 * 10**9}&order=oldest" for at_ns in times]
        for path in (points[0], ranges[0], _LATEST):
            async with client.session.get(client.url + path) as answer:
                body = await answer.read()
        latest = await _load(client.url, _LATEST_PER_S, [_LATEST])
        point = await _load(client.url, _QUERIES_PER_S, points)
        ranged = await _load(client.url, _QUERIES_PER_S, ranges)
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        with _peer(file.name) as url:
            theirs = await _load(url, _LATEST_PER_S, [_LATEST])
    size = f"{len(body):,} bytes; p50 {latest['p50_ms']:.1f} ms; bare FastAPI p99 {theirs['p99_ms']:.1f} ms"
    return [
        Row("REST, latest 100 at 500/s, p99", latest["p99_ms"], "ms", 15, "lower", size),
        _queried("point", point),
        _queried("range", ranged),
    ]


def _copying(copy: int) -> str:
    blocks = copy * _TOLD_ROWS // 20
    time_ns = f"toUnixTimestamp64Nano(event_ns) + {blocks * 10**9}"
    changed = {
        "event_ns": f"fromUnixTimestamp64Nano({time_ns}, 'UTC')",
        "block_number": f"block_number + {blocks}",
        "block_hash": f"SHA256(concat(block_hash, '{copy}'))",
        "tx_hash": f"SHA256(concat(tx_hash, '{copy}'))",
    }
    names = [column.name for column in derive.columns("swap")]
    values = ", ".join(changed.get(name, name) for name in names)
    first = f"block_number < {_TOLD_ROWS // 20}"
    return f"INSERT INTO swap ({', '.join(names)}) SELECT {values} FROM swap WHERE {first}"


def _queried(what: str, found: dict[str, Any]) -> Row:
    note = f"{ROWS:,} rows; p50 {found['p50_ms']:.1f} ms"
    return Row(f"REST, {what} query at 50/s, p99", found["p99_ms"], "ms", 50, "lower", note)


async def _load(url: str, rate: float, paths: list[str]) -> dict[str, Any]:
    at = urlsplit(url)
    command = [sys.executable, "-m", "benchmarks.http_load", str(at.hostname), str(at.port)]
    arguments = [str(rate), str(_SECONDS), "32", *paths]
    done = await asyncio.create_subprocess_exec(*command, *arguments, stdout=subprocess.PIPE)
    said, _ = await done.communicate()
    found = json.loads(said)
    if found["failed"]:
        raise RuntimeError(f"bench: {found['failed']} of {found['asked']} requests failed")
    return found


@contextmanager
def _peer(file: str) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen([python_of("fastapi"), script_of("fastapi_bytes.py"), str(port), file])
    try:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if time.monotonic() > deadline:
                raise RuntimeError("bench: FastAPI does not listen")
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()
