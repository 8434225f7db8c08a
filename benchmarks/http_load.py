"""Ask an HTTP server at a fixed rate from one process, and say how long each answer took after it was due.

`python -m benchmarks.http_load HOST PORT RATE SECONDS CONNECTIONS PATH …` prints JSON; the paths take turns.
"""

import asyncio
import json
import sys
import time


async def measure(
    host: str, port: int, rate: float, seconds: float, connections: int, paths: list[str]
) -> dict[str, float]:
    """Return counts and latencies in ms; an answer counts from when it should have been asked."""
    due: asyncio.Queue[tuple[float, str] | None] = asyncio.Queue()
    took: list[float] = []
    failed = 0

    async def ask() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(host, port)
        while (job := await due.get()) is not None:
            at_s, path = job
            writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
            length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
            await reader.readexactly(length)
            failed += not head.startswith("http/1.1 200")
            took.append((time.perf_counter() - at_s) * 1e3)
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(connections):
            tasks.create_task(ask())
        begin_s = time.perf_counter() + 0.2
        for number in range(int(rate * seconds)):
            at_s = begin_s + number / rate
            await asyncio.sleep(max(at_s - time.perf_counter(), 0))
            due.put_nowait((at_s, paths[number % len(paths)]))
        for _ in range(connections):
            due.put_nowait(None)
    took.sort()
    return {
        "asked": len(took),
        "failed": failed,
        "p50_ms": took[len(took) // 2],
        "p99_ms": took[len(took) * 99 // 100],
        "max_ms": took[-1],
    }


def main() -> None:
    """Measure what the arguments say."""
    host, port, rate, seconds, connections, *paths = sys.argv[1:]
    found = asyncio.run(measure(host, int(port), float(rate), float(seconds), int(connections), paths))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
