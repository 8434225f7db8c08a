"""Wait for what another task or process brings about."""

import asyncio
from collections.abc import Awaitable, Callable


async def until(holds: Callable[[], Awaitable[bool]], timeout_s: float = 30) -> None:
    """Return once `holds` says so; fail after `timeout_s`."""
    async with asyncio.timeout(timeout_s):
        while not await holds():  # noqa: ASYNC110 what is waited for has no event to tell it
            await asyncio.sleep(0.02)
