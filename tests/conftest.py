"""Fixtures that several parts' tests share: a local world with real contracts."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from hypothesis import settings
from tests.servers.kafka import Broker, kafka
from tests.services import need_node

import tidemill.execute.account.key_library  # noqa: F401 before eth_account, whose recursion limit it takes back
from tidemill.sandbox.deploy import open_world
from tidemill.sandbox.world import World

# Speed is measured by benchmarks; a loaded machine must not fail a property.
settings.register_profile("tidemill", deadline=None)
settings.load_profile("tidemill")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def world() -> AsyncIterator[World]:
    """One world for the session: pools, no traders; a test may add blocks but must not reorganise."""
    need_node()
    async with open_world() as opened:
        yield opened


@pytest_asyncio.fixture
async def fresh_world() -> AsyncIterator[World]:
    """A world for one test alone."""
    need_node()
    async with open_world() as opened:
        yield opened


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker]:
    """One Kafka broker for the session: a test keeps to a prefix of its own, and leaves it running."""
    with kafka() as running:
        yield running
