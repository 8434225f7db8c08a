"""A client that speaks HTTP/2 over a socket, frame by frame, and as badly as a test wants it to."""

import asyncio
from collections.abc import Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    ResponseReceived,
    StreamEnded,
    StreamReset,
)


class Got(NamedTuple):
    """What came of one request."""

    status: int
    headers: dict[str, str]
    body: bytes


class Ended(Exception):
    """The server ended the stream, or the connection, with this code; -1 where it said none."""

    @property
    def code(self) -> int:
        return self.args[0]


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, url: str) -> None:
        self.reader, self.writer = reader, writer
        self._url = urlsplit(url)
        settings = H2Configuration(
            client_side=True, header_encoding="latin-1", validate_outbound_headers=False
        )
        self.h2 = H2Connection(settings)
        self.events: list[Any] = []
        self.is_reading = True
        """Opens the windows again for what was read."""

    async def begin(self) -> None:
        self.h2.initiate_connection()
        await self.flush()

    async def flush(self) -> None:
        self.writer.write(self.h2.data_to_send())
        await self.writer.drain()

    def head(self, method: str, path: str, headers: Mapping[str, str]) -> list[tuple[str, str]]:
        named = [(":method", method), (":scheme", self._url.scheme), (":authority", self._url.netloc)]
        return [*named, (":path", path), *((name.lower(), value) for name, value in headers.items())]

    async def ask(
        self,
        path: str,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> int:
        """Send a request; return its stream."""
        stream_id = self.h2.get_next_available_stream_id()
        self.h2.send_headers(stream_id, self.head(method, path, headers or {}), end_stream=body is None)
        if body is not None:
            self.h2.send_data(stream_id, body, end_stream=True)
        await self.flush()
        return stream_id

    async def read(self) -> None:
        """Take in what the server says next. Raises: Ended."""
        data = await self.reader.read(1 << 16)
        if not data:
            raise Ended(-1)
        for event in self.h2.receive_data(data):
            self.events.append(event)
            if isinstance(event, ConnectionTerminated) and event.error_code:
                raise Ended(int(event.error_code))
            if isinstance(event, DataReceived) and self.is_reading and event.flow_controlled_length:
                self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        await self.flush()

    def of(self, kind: type, stream_id: int) -> list[Any]:
        return [one for one in self.events if isinstance(one, kind) and one.stream_id == stream_id]

    async def until(self, kind: type, stream_id: int) -> Any:
        """Return the first event of this kind. Raises: Ended, where it was reset before."""
        while not (found := self.of(kind, stream_id)):
            if resets := self.of(StreamReset, stream_id):
                raise Ended(int(resets[0].error_code))
            await self.read()
        return found[0]

    async def answer(self, stream_id: int) -> Got:
        head = await self.until(ResponseReceived, stream_id)
        await self.until(StreamEnded, stream_id)
        headers = dict(head.headers)
        body = b"".join(one.data for one in self.of(DataReceived, stream_id))
        return Got(int(headers.pop(":status")), headers, body)

    async def get(self, path: str, headers: Mapping[str, str] | None = None) -> Got:
        return await self.answer(await self.ask(path, headers=headers))


@asynccontextmanager
async def http2(url: str, tls: Any = None):
    """Connect; with `tls`, by agreement."""
    where = urlsplit(url)
    if tls is not None:
        tls.set_alpn_protocols(["h2"])
    async with asyncio.timeout(90):
        reader, writer = await asyncio.open_connection(where.hostname, where.port, ssl=tls, limit=1 << 20)
        try:
            if tls is not None:
                assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "h2"
            client = Client(reader, writer, url)
            await client.begin()
            yield client
        finally:
            writer.close()
