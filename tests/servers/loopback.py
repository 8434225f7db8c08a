"""Serve an application of a test's own on loopback, in the test's process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web


@asynccontextmanager
async def loopback(application: web.Application, **options: Any) -> AsyncIterator[str]:
    """Yield the host and port that it is served at; `options` are those of aiohttp's `AppRunner`."""
    runner = web.AppRunner(application, **options)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
