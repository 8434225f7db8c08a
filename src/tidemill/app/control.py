"""Let other commands ask the process that owns a data folder: its status, and SQL, over a unix socket."""

import asyncio
import hashlib
import json
import os
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pyarrow as pa
from aiohttp import web

from tidemill.app.operating.sql import chunks
from tidemill.schema import faults
from tidemill.schema.faults import Fault, Malformed, Unreachable

_SOCKET_PATH_BYTES_MAX = 100
"""Linux takes 107; a longer path moves to the folder for temporary files."""
_STATUS_TIMEOUT_S = 5.0
_QUERY_TIMEOUT_S = 600.0
"""Past the store's own limits, which end a query first."""

_LENGTH_BYTES = 8
"""Of what stands before each batch of a stream: its length; 0 says that all were sent."""

Query = Callable[[str], Awaitable[pa.Table]]
Stream = Callable[[str], AsyncIterator[pa.RecordBatch]]
Status = Callable[[], Awaitable[dict[str, Any]]]


def socket_path(data: Path) -> Path:
    """Return where the owner of the folder `data` listens."""
    path = data / "control.sock"
    if len(os.fsencode(path)) <= _SOCKET_PATH_BYTES_MAX:
        return path
    short = hashlib.sha256(os.fsencode(data)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tidemill-{os.getuid()}-{short}.sock"


@asynccontextmanager
async def serving(
    data: Path, status: Status, query: Query, stream: Stream | None = None
) -> AsyncIterator[Path]:
    """Answer at the folder's socket while the context is open; yield the socket.

    Raises: Unreachable, where the socket cannot be made.
    """

    async def on_status(_: web.Request) -> web.StreamResponse:
        return web.json_response(await status(), dumps=lambda value: json.dumps(value, default=str))

    async def on_sql(request: web.Request) -> web.StreamResponse:
        try:
            table = await query(await request.text())
        except Fault as fault:
            return web.json_response({"fault": type(fault).__name__, "message": str(fault)}, status=400)
        answer = web.StreamResponse(headers={"Content-Type": "application/vnd.apache.arrow.stream"})
        await answer.prepare(request)
        for chunk in chunks(table):
            await answer.write(chunk)
        return answer

    async def on_stream(request: web.Request) -> web.StreamResponse:
        assert stream is not None, "no path leads here without"
        answer = web.StreamResponse(headers={"Content-Type": "application/octet-stream"})
        async with aclosing(_framed(stream(await request.text()))) as frames:
            try:
                first = await anext(frames)
            except Fault as fault:
                return web.json_response({"fault": type(fault).__name__, "message": str(fault)}, status=400)
            await answer.prepare(request)
            await answer.write(first)
            async for frame in frames:
                await answer.write(frame)
        return answer

    path = socket_path(data)
    server = web.Application(client_max_size=1 << 20)
    server.add_routes([web.get("/status", on_status), web.post("/sql", on_sql)])
    if stream is not None:
        server.add_routes([web.post("/stream", on_stream)])
    runner = web.AppRunner(server, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        path.unlink(missing_ok=True)  # left behind by a process that was killed: the folder's owner is us
        await web.UnixSite(runner, str(path)).start()
        path.chmod(0o600)
    except OSError as fault:
        await runner.cleanup()
        raise Unreachable(f"control socket: expected to listen at {path}: {fault.strerror}") from fault
    try:
        yield path
    finally:
        await runner.cleanup()
        path.unlink(missing_ok=True)


async def is_running(data: Path) -> bool:
    """Say whether a process that owns `data` answers."""
    path = socket_path(data)
    return path.exists() and await _answers(path)


async def ask_status(data: Path) -> dict[str, Any] | None:
    """Return the status of the process that owns `data`; None where none runs."""
    async with _client(data, _STATUS_TIMEOUT_S) as session:
        if session is None:
            return None
        async with session.get("http://tidemill/status") as answer:
            return await answer.json()


async def ask_sql(data: Path, sql: str) -> pa.Table | None:
    """Return the answer of the process that owns `data`; None where none runs.

    Raises: the Fault that the query ran into there.
    """
    async with _client(data, _QUERY_TIMEOUT_S) as session:
        if session is None:
            return None
        async with session.post("http://tidemill/sql", data=sql.encode()) as answer:
            body = await answer.read()
    if answer.status != 200:
        raise _fault(answer.status, body)
    return await asyncio.to_thread(lambda: pa.ipc.open_stream(body).read_all())


async def ask_stream(data: Path, sql: str) -> AsyncGenerator[pa.RecordBatch]:
    """Yield the answer of the process that owns `data`.

    Raises: the Fault that the query ran into there; Unreachable, where the process or the answer ended.
    """
    async with _client(data, None) as session:
        if session is None:
            raise Unreachable(f"{data}: expected its owner to answer, it ended; ask again")
        async with session.post("http://tidemill/stream", data=sql.encode()) as answer:
            if answer.status != 200:
                raise _fault(answer.status, await answer.read())
            try:
                while length := int.from_bytes(await answer.content.readexactly(_LENGTH_BYTES)):
                    frame = await answer.content.readexactly(length)
                    for batch in pa.ipc.open_stream(frame):
                        yield batch
            except asyncio.IncompleteReadError as ended:
                raise Unreachable(f"{data}: expected its owner to answer to the end, it stopped") from ended


async def _framed(batches: AsyncIterator[pa.RecordBatch]) -> AsyncGenerator[bytes]:
    async for batch in batches:
        frame = b"".join(chunks(pa.Table.from_batches([batch])))
        yield len(frame).to_bytes(_LENGTH_BYTES) + frame
    yield bytes(_LENGTH_BYTES)


def _fault(status: int, body: bytes) -> Fault:
    try:
        said = json.loads(body)
        kind, message = getattr(faults, said["fault"]), str(said["message"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return Malformed(
            f"control socket: expected a table or a fault, found status {status}: {body[:200]!r}"
        )
    return kind(message)


@asynccontextmanager
async def _client(data: Path, timeout_s: float | None) -> AsyncIterator[aiohttp.ClientSession | None]:
    if not await is_running(data):
        yield None
        return
    path = socket_path(data)
    connector = aiohttp.UnixConnector(path=str(path))
    async with aiohttp.ClientSession(
        connector=connector, timeout=aiohttp.ClientTimeout(timeout_s)
    ) as session:
        try:
            yield session
        except (aiohttp.ClientError, TimeoutError) as fault:
            raise Unreachable(f"control socket {path}: {fault or 'no answer in time'}") from fault


async def _answers(path: Path) -> bool:
    """Say whether a process listens; one that was killed leaves its socket behind."""
    try:
        async with asyncio.timeout(2.0):
            _, writer = await asyncio.open_unix_connection(path)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True
