"""What the execution server answers: the source document's routes."""

import asyncio
from typing import Any

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from tidemill.execute.desk.answers import Answer as Told
from tidemill.execute.desk.answers import Body
from tidemill.execute.desk.desk import Desk
from tidemill.execute.desk.limits import LimitsTold
from tidemill.schema.faults import Refused
from tidemill.serve.answers import json_response
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route
from tidemill.serve.web import sent_bytes

BATCH_MAX = 1_000
"""Signals of one request."""
_NEWS_MAX = 1_000
"""Messages that a listener may be behind before it is let go."""
_TRY_AGAIN = 1013
_KEY = "Idempotency-Key"


class _Batch(Struct, frozen=True, forbid_unknown_fields=True):
    """The body of POST /execute/batch: each signal is read by itself, so that one cannot spoil the others."""

    signals: list[msgspec.Raw]


class ExecutionTold(Struct, frozen=True):
    """How an execution server fares."""

    stats: dict[str, Any]
    """As its own `GET /stats` has it."""
    limits: list[LimitsTold]
    """As its own `GET /limits` has it."""


async def execute(call: Call) -> Response:
    """Carry out one trade signal, on paper or live as the server's mode is."""
    key = call.request.headers.get(_KEY)
    return _response(await call.parts[Desk].execute(await _sent(call), key))


async def execute_batch(call: Call) -> Answer:
    """Carry out several trade signals; each has its own result, in order."""
    try:
        batch = msgspec.json.decode(await _sent(call), type=_Batch)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(f"body: {error}") from None
    if len(batch.signals) > BATCH_MAX:
        raise Refused(f"body: expected up to {BATCH_MAX} signals, found {len(batch.signals)}")
    return Answer(await call.parts[Desk].execute_all([bytes(one) for one in batch.signals]))


async def simulate(call: Call) -> Response:
    """Say what a trade signal would do now; nothing is noted of it."""
    return _response(await call.parts[Desk].simulate(await _sent(call)))


async def health(call: Call) -> Answer:
    """Say whether the server lives, its mode, and how many chains it may send to."""
    return Answer(call.parts[Desk].health())


async def stats(call: Call) -> Answer:
    """Say what signals came to since the ledger began, and what they gained."""
    return Answer(call.parts[Desk].stats())


async def limits(call: Call) -> Answer:
    """Say what the trades of each chain may not go beyond, and how much of it they took today."""
    return Answer(call.parts[Desk].limits())


async def told(call: Call) -> Answer:
    """Say what the execution server that runs beside this API counts, and what limits it keeps."""
    desk = call.parts[Desk]
    return Answer(ExecutionTold(stats=desk.stats(), limits=desk.limits()))


async def listen(call: Call) -> None:
    """Tell what is executed, what fails, and what becomes of trades, as it happens."""
    socket = call.request
    assert isinstance(socket, WebSocket)
    desk = call.parts[Desk]
    news: asyncio.Queue[Body] = asyncio.Queue(_NEWS_MAX)
    is_behind = asyncio.Event()

    def tell(body: Body) -> None:
        if news.full():
            is_behind.set()
        else:
            news.put_nowait(body)

    await socket.accept()
    desk.listeners.add(tell)
    try:
        await _send(socket, {"type": "connected", "mode": desk.mode, "stats": desk.stats()})
        await _until_gone(socket, news, is_behind)
    except WebSocketDisconnect:
        return
    finally:
        desk.listeners.discard(tell)


async def _until_gone(socket: WebSocket, news: asyncio.Queue[Body], is_behind: asyncio.Event) -> None:
    """Send news until the client goes, or is too slow for them."""

    async def sending() -> None:
        while True:
            await _send(socket, await news.get())

    async def hearing() -> None:
        while True:
            await socket.receive_text()

    tasks = [asyncio.ensure_future(one) for one in (sending(), hearing(), is_behind.wait())]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if is_behind.is_set():
            await socket.close(_TRY_AGAIN)
            return
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _send(socket: WebSocket, body: Body) -> None:
    await socket.send_text(msgspec.json.encode(body).decode())


async def _sent(call: Call) -> bytes:
    request = call.request
    assert isinstance(request, Request)
    return await sent_bytes(request)


def _response(told: Told) -> Response:
    headers = {} if told.retry_after_s is None else {"Retry-After": str(told.retry_after_s)}
    return json_response(told.body, told.status, headers)


_SIGNAL: dict[str, Any] = {"type": "object"}

ROUTES = (
    Route(path="/execute", answer=execute, method="POST", role=Role.TRADER, tells=_SIGNAL),
    Route(path="/execute/batch", answer=execute_batch, method="POST", role=Role.TRADER, tells=_SIGNAL),
    Route(path="/simulate", answer=simulate, method="POST", role=Role.ANALYST, tells=_SIGNAL),
    Route(path="/health", answer=health, role=None, tells=_SIGNAL),
    Route(path="/stats", answer=stats, role=Role.VIEWER, tells=_SIGNAL),
    Route(path="/limits", answer=limits, role=Role.VIEWER, tells=list[LimitsTold]),
    Route(path="/", answer=listen, method="WEBSOCKET", role=Role.VIEWER),
)

API_ROUTES = (Route(path="/execution", answer=told, role=Role.VIEWER, tells=ExecutionTold),)
"""Of the data API: its page reaches no other port."""
