"""One arena for all that try the executor; each test finds it as it opened."""

from collections.abc import AsyncIterator

import pytest_asyncio
from tests.execute.arena import Arena, open_arena
from tests.services import need_node


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def opened_arena() -> AsyncIterator[Arena]:
    """The arena; a test asks for `arena`."""
    need_node()
    async with open_arena() as arena:
        yield arena


@pytest_asyncio.fixture(loop_scope="session")
async def arena(opened_arena: Arena) -> AsyncIterator[Arena]:
    """The arena as it was when it opened."""
    snapshot = await opened_arena.rpc.call("evm_snapshot")
    yield opened_arena
    await opened_arena.rpc.call("evm_revert", snapshot)
