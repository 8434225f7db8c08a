"""A TCP proxy that spoils what a node says: it cuts, delays and corrupts, and lets nobody in, when told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit


class Proxy:
    """One listening port before one target."""

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self._target = (parts.hostname or "", parts.port or 0)
        self._scheme = parts.scheme
        self.url = ""
        self.connection_count = 0
        self.is_shut = False
        self.delay_s = 0.0
        self.cut_after_bytes: int | None = None
        """Of what the target says on each connection; then both sides are aborted."""
        self.corrupt_every: int | None = None
        """One chunk of so many has a byte changed."""
        self._chunk_count = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._idle = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connection_count += 1
        if self.is_shut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection(*self._target)
        pair = {writer, there_writer}
        if self.is_shut:  # since
            for each in pair:
                each.transport.abort()
            return
        self._writers |= pair
        try:
            await asyncio.gather(
                self._pump(reader, there_writer, spoil=False), self._pump(there_reader, writer, spoil=True)
            )
        except OSError:
            pass
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, spoil: bool) -> None:
        said = 0
        while data := await reader.read(65_536):
            if spoil:
                await asyncio.sleep(self.delay_s)
                said += len(data)
                if self.cut_after_bytes is not None and said > self.cut_after_bytes:
                    writer.write(data[: len(data) // 2])
                    raise OSError("cut")
                data = self._corrupted(data)
            writer.write(data)
            await writer.drain()
        raise OSError("ended")

    def _corrupted(self, data: bytes) -> bytes:
        self._chunk_count += 1
        if self.corrupt_every is None or self._chunk_count % self.corrupt_every:
            return data
        at = len(data) * 3 // 4
        return data[:at] + b"\x00" + data[at + 1 :]

    def cut_all(self) -> None:
        """Abort every connection."""
        for writer in self._writers:
            writer.transport.abort()


@asynccontextmanager
async def proxied(target: str) -> AsyncIterator[Proxy]:
    proxy = Proxy(target)
    serving: set[asyncio.Task[None]] = set()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        serving.add(task)
        try:
            await proxy.serve(reader, writer)
        finally:
            serving.discard(task)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    proxy.url = f"{urlsplit(target).scheme}://127.0.0.1:{port}"
    try:
        yield proxy
    finally:
        server.close()
        proxy.cut_all()
        await asyncio.gather(*serving, return_exceptions=True)
        await server.wait_closed()
