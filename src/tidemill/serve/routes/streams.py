"""What comes, as it comes: WebSocket `/ws/{topic}` and server-sent events `/sse/stream`."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec
from starlette.responses import StreamingResponse
from starlette.websockets import WebSocket, WebSocketDisconnect

from tidemill.schema.faults import Fault
from tidemill.serve.across import Across
from tidemill.serve.answers import FaultAnswer
from tidemill.serve.framed import sending_at_once, text_message
from tidemill.serve.hub import Dropped, Frame, Hub, Wish
from tidemill.serve.place import Place, cursor_of, places_of
from tidemill.serve.role import Role
from tidemill.serve.route import Call, Route
from tidemill.serve.stream import (
    EventStreamAsked,
    StreamAsked,
    merged,
    tag_of,
    wish_of,
    wishes_of,
)

SILENCE_S = 10.0
"""After so long without an event a comment is sent, so that nobody on the way takes the stream for dead."""
_SEND_S = 30.0
"""How long the last word to a client may take."""
TRY_AGAIN, REFUSED = 1013, 4_400
"""How a socket is closed: the client was slow, or lost its place; what it asked does not fit."""


async def websocket(call: Call) -> None:
    """Send what comes of one topic: a frame has its `cursor`, to go on after it."""
    asked: StreamAsked = call.asked
    socket = call.request
    assert isinstance(socket, WebSocket)
    await socket.accept()
    hearing = asyncio.create_task(_until_closed(socket), name="stream closed")
    telling = asyncio.create_task(_tell(socket, call, asked), name="stream told")
    try:
        await asyncio.wait([hearing, telling], return_when=asyncio.FIRST_COMPLETED)
        if telling.done():
            telling.result()
    finally:
        for task in (hearing, telling):
            task.cancel()
        await asyncio.gather(hearing, telling, return_exceptions=True)


async def _tell(socket: WebSocket, call: Call, asked: StreamAsked) -> None:
    hub, bus = call.parts[Hub], call.parts[Across].bus_identity
    try:
        tag = tag_of(asked.topic)
        frame_kind = asked.frame or ("batch" if asked.topic == tag else "event")
        wish = wish_of(tag, asked.where, asked.fields, frame_kind)
        if asked.cursor is None:
            await hub.begun()
            place = Place(hub.head(tag))
            if frame_kind == "batch":  # so that who is cut off before anything came can go on as well
                await socket.send_text(_text(bus, Frame(tag, place, None)))
        else:
            place = places_of(bus, asked.cursor, [tag])[tag]
        send = sending_at_once(socket.scope)
        take = None if send is None else lambda frame: send(_message(bus, frame))
        async with aclosing(hub.follow(wish, place, take)) as frames:
            async for frame in frames:
                await socket.send(_message(bus, frame))  # who takes nothing answers no ping, and is gone
    except Fault as fault:
        async with asyncio.timeout(_SEND_S):
            await socket.send_text(_fault(fault))
            await socket.close(TRY_AGAIN if isinstance(fault, Dropped) else REFUSED)
    except (TimeoutError, WebSocketDisconnect):
        return


def _message(bus: str, frame: Frame) -> dict[str, Any]:
    if frame.message is None:
        frame.message = text_message(_text(bus, frame))
    return frame.message


def _text(bus: str, frame: Frame) -> str:
    cursor = f'{{"cursor":"{cursor_of(bus, {frame.tag: frame.place})}"'
    return cursor + "}" if frame.body is None else f"{cursor},{frame.body[1:].decode()}"


async def _until_closed(socket: WebSocket) -> None:
    """Wait until the client is gone; what it says is not asked for."""
    while (await socket.receive())["type"] != "websocket.disconnect":
        pass


async def server_sent(call: Call) -> StreamingResponse:
    """Send what comes of some topics as server-sent events, each with an id to go on from."""
    asked: EventStreamAsked = call.asked
    bus = call.parts[Across].bus_identity
    wishes = wishes_of(asked.topic, asked)
    cursor = call.request.headers.get("last-event-id") or asked.cursor
    places = {} if cursor is None else places_of(bus, cursor, [wish.tag for wish in wishes])
    stream = _sent(call.parts[Hub], bus, wishes, places)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


async def _sent(
    hub: Hub, bus: str, wishes: Sequence[Wish], places: Mapping[str, Place]
) -> AsyncIterator[bytes]:
    await hub.begun()
    start = {wish.tag: places.get(wish.tag) or Place(hub.head(wish.tag)) for wish in wishes}
    yield f"retry: 1000\nid: {cursor_of(bus, start)}\n\n".encode()
    try:
        async for told in merged(hub, wishes, start, SILENCE_S):
            yield f"id: {cursor_of(bus, told.places)}\n".encode() + _event(told.frame)
    except Fault as fault:  # the status was sent long ago
        yield f"event: fault\ndata: {_fault(fault)}\n\n".encode()


def _event(frame: Frame | None) -> bytes:
    if frame is None or frame.body is None:
        return b": nothing is wanted of what came\n\n"
    return b"event: " + frame.tag.encode() + b"\ndata: " + frame.body + b"\n\n"


def _fault(fault: Fault) -> str:
    return msgspec.json.encode(FaultAnswer(type(fault).__name__, str(fault))).decode()


_TEXT: Any = str
ROUTES = (
    Route(path="/ws/{topic}", answer=websocket, method="WEBSOCKET", role=Role.VIEWER, asked=StreamAsked),
    Route(
        path="/sse/stream",
        answer=server_sent,
        role=Role.VIEWER,
        asked=EventStreamAsked,
        tells=_TEXT,
        media_types=("text/event-stream",),
    ),
)
