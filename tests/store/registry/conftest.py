"""An empty registry in each database that it can lie in."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from tests.servers.databases import Postgresql, postgresql

from tidemill.store.registry import RegistrySettings, database_of, upgrade

_NUMBERS = count()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def server() -> AsyncIterator[Postgresql]:
    async with postgresql() as running:
        yield running


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite://{tmp_path / 'kept' / 'registry.db'}"
    make: Callable[[str], str] = request.getfixturevalue("server").make_database
    return make(f"registry_{next(_NUMBERS)}")


@pytest.fixture
def url(empty_url: str) -> str:
    """The URL of a registry that has its tables."""
    upgrade(database_of(empty_url, RegistrySettings()))
    return empty_url
