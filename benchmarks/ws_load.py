"""Listen on many WebSockets from one process, and say how old each frame's oldest event was when it came.

`python -m benchmarks.ws_load HOST PORT PATH CLIENTS SECONDS` prints JSON; on stderr, `ready`.
"""

import asyncio
import json
import re
import sys
import time

from typing_extensions import override

_EVENT_NS = re.compile(rb'"event_ns":(\d+)')
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_MEDIUM = 126


class Counts:
    """What all clients heard."""

    def __init__(self) -> None:
        self.listening = 0
        self.events = 0
        self.ages_ms: list[float] = []


class Listener(asyncio.Protocol):
    """One client, which asks for as little of the machine as it can."""

    def __init__(self, upgrade: bytes, counts: Counts) -> None:
        self._upgrade = upgrade
        self._counts = counts
        self._held = b""
        self._is_open = False

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.write(self._upgrade)

    @override
    def data_received(self, data: bytes) -> None:
        held = self._held + data
        if not self._is_open:
            head, end, held = held.partition(b"\r\n\r\n")
            if not end:
                self._held = head
                return
            assert head.startswith(b"HTTP/1.1 101"), head
            self._is_open = True
            self._counts.listening += 1
        while len(held) > 1:
            first, size = 2, held[1]
            if size >= _MEDIUM:
                first = 4 if size == _MEDIUM else 10
                size = int.from_bytes(held[2:first], "big")
            if len(held) < first + size:
                break
            self._take(held[first : first + size])
            held = held[first + size :]
        self._held = held

    def _take(self, body: bytes) -> None:
        times = _EVENT_NS.findall(body)
        if times:
            self._counts.ages_ms.append((time.time_ns() - int(times[0])) / 1e6)
            self._counts.events += len(times)


async def main() -> None:
    """Listen as the arguments say."""
    host, port, path, clients, seconds = sys.argv[1:]
    upgrade, counts = _UPGRADE.format(path=path, host=host).encode(), Counts()
    loop = asyncio.get_running_loop()
    for _ in range(int(clients)):
        await loop.create_connection(lambda: Listener(upgrade, counts), host, int(port))
    while counts.listening < int(clients):  # noqa: ASYNC110 each is counted once
        await asyncio.sleep(0.05)
    print("ready", file=sys.stderr, flush=True)
    await asyncio.sleep(1)
    counts.ages_ms.clear()
    counts.events = 0
    await asyncio.sleep(float(seconds))
    took = sorted(counts.ages_ms)
    json.dump(
        {
            "frames": len(took),
            "events": counts.events,
            "p50_ms": took[len(took) // 2],
            "p99_ms": took[len(took) * 99 // 100],
            "max_ms": took[-1],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    asyncio.run(main())
