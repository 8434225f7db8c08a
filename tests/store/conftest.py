"""Every store backend, found by its file, for the tests that all of them must pass; and events to put in."""

import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from tests.servers.clickhouse import PASSWORD, USER

from tidemill.store import Store, StoreSettings, open_store, schemes

_ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def clickhouse_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a ClickHouse server for all tests of this process; yield its URL without a database."""
    folder = tmp_path_factory.mktemp("clickhouse")
    command = [sys.executable, "-m", "tests.servers.clickhouse", str(folder / "engine")]
    with subprocess.Popen(
        command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield f"clickhouse://{USER}:{quote(PASSWORD, safe='')}@127.0.0.1:{port}"
        assert process.stdin is not None
        process.stdin.close()


def _chdb(_: pytest.FixtureRequest, folder: Path) -> str:
    return f"chdb://{folder / 'store'}"


def _clickhouse(request: pytest.FixtureRequest, folder: Path) -> str:
    database = "".join(letter if letter.isalnum() else "_" for letter in f"of_{folder.name}")
    return f"{request.getfixturevalue('clickhouse_server')}/{database}"


# A backend that is new to the suite gets no URL here, and its tests then fail: it cannot escape them.
_LOCATIONS: dict[str, Callable[[pytest.FixtureRequest, Path], str]] = {
    "chdb": _chdb,
    "clickhouse": _clickhouse,
}


@pytest.fixture(params=schemes())
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the URL of an empty store of the backend under test."""
    return _LOCATIONS[request.param](request, tmp_path)


@pytest.fixture
def make_store(store_url: str) -> Callable[..., Store]:
    """Return a function that opens the store under test with given settings."""

    def make(**settings: Any) -> Store:
        return open_store(store_url, StoreSettings(**settings))

    return make


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=schemes())
async def shared_store(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Store]:
    """Yield one store for all tests of a module: they only read, or keep to rows of their own.

    Making its tables takes a second. An embedded engine is one a process: the module opens no other store.
    """
    async with open_store(_LOCATIONS[request.param](request, tmp_path_factory.mktemp("shared"))) as store:
        await store.migrate()
        yield store
