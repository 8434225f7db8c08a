"""Listen on many WebSockets from one process, and say how old each frame's oldest event was when it came.

`python -m benchmarks.ws_load HOST PORT PATH CLIENTS SECONDS` prints JSON; on stderr, `ready`.
"""

import asyncio
import json
import re
import sys
import time

_EVENT_NS = re.compile(rb'"event_ns":(\d+)')
_UPGRADE = (
    "GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_MEDIUM, _LONG = 126, 127


async def listen(host: str, port: int, path: str, until: asyncio.Event, found: list[float]) -> int:
    """Take frames until told to stop; return how many events came."""
    reader, writer = await asyncio.open_connection(host, port, limit=1 << 22)
    writer.write(_UPGRADE.format(path=path, host=host).encode())
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
    found.append(-1.0)
    count = 0
    while not until.is_set():
        size = (await reader.readexactly(2))[1]
        if size == _MEDIUM:
            size = int.from_bytes(await reader.readexactly(2), "big")
        elif size == _LONG:
            size = int.from_bytes(await reader.readexactly(8), "big")
        times = _EVENT_NS.findall(await reader.readexactly(size))
        if times:
            found.append((time.time_ns() - int(times[0])) / 1e6)
            count += len(times)
    writer.close()
    return count


async def main() -> None:
    """Listen as the arguments say."""
    host, port, path, clients, seconds = sys.argv[1:]
    until, found = asyncio.Event(), list[float]()
    tasks = [asyncio.create_task(listen(host, int(port), path, until, found)) for _ in range(int(clients))]
    while len(found) < len(tasks):  # noqa: ASYNC110 each appends once
        await asyncio.sleep(0.05)
    print("ready", file=sys.stderr, flush=True)
    await asyncio.sleep(1)
    found.clear()
    await asyncio.sleep(float(seconds))
    took = sorted(found)
    until.set()
    counts = await asyncio.gather(*tasks)
    json.dump(
        {
            "frames": len(took),
            "events": sum(counts),
            "p50_ms": took[len(took) // 2],
            "p99_ms": took[len(took) * 99 // 100],
            "max_ms": took[-1],
        },
        sys.stdout,
    )


if __name__ == "__main__":
    asyncio.run(main())
