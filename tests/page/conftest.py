"""A program to look at, and a browser, for the tests of one file."""

import pytest_asyncio
from tests.services import need_node

from tidemill.sandbox.deploy import open_world

from .program import browser, looking, program_on, token


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def program(tmp_path_factory):
    """A program that reads a world of this file's own."""
    need_node()
    async with open_world() as world, program_on(world, tmp_path_factory.mktemp("page")) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium():
    """The browser; each test has a context of its own."""
    need_node()
    async with browser() as opened:
        yield opened


@pytest_asyncio.fixture(loop_scope="module")
async def page(chromium, program):
    """A page that may do everything."""
    async with looking(chromium, program, token("admin")) as opened:
        yield opened
