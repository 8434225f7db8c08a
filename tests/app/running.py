"""The engine of `up`, run in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

from tidemill.app.engine import Engine
from tidemill.app.settings import Environment
from tidemill.chains.evm.config import EvmConfig


@asynccontextmanager
async def running_engine(
    environment: Environment, chains: Mapping[str, EvmConfig], **more: Any
) -> AsyncIterator[Engine]:
    """Run the engine while the context is open; what ended it is raised at the end."""
    async with Engine(environment, chains, **more) as engine:
        task = asyncio.create_task(engine.run())
        try:
            yield engine
        finally:
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                task.result()
