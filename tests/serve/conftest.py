"""A program that has stored events of every kind, and who asks it; a test file says how many: `ROWS`."""

import pytest_asyncio

from tidemill.schema.events import EVENTS

from .program import served
from .stored import events, stored_program


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def told(request, tmp_path_factory):
    async with stored_program(tmp_path_factory.mktemp("stored")) as told:
        for tag in EVENTS:
            await told.commit(tag, events(tag, 1, request.module.ROWS))
        yield told


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def client(told):
    async with served(told) as client:
        yield client
