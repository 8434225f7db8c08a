"""A store with swaps, of which a block was reverted, and what makes exports of it."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest
import pytest_asyncio
from tests.store.samples import START_NS, block, reorg, swap

from tidemill.export.running import Maker
from tidemill.schema import derive
from tidemill.schema.events import ReorgKind
from tidemill.store import Store, open_store

HOUR_NS = 3_600_000_000_000


_TOKENS = count()


class World:
    """The store, and how rows come into it."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def add(self, *events) -> None:
        tag = events[0].__struct_config__.tag
        await self.store.insert(tag, [derive.to_batch(events)], f"t{next(_TOKENS)}")

    async def swaps(self, first: int, end: int) -> None:
        await self.add(*(swap(n, event_ns=START_NS + n * HOUR_NS) for n in range(first, end)))

    async def revert(self, number: int, kind: ReorgKind = ReorgKind.REVERTED, sequence: int = 1) -> None:
        await self.add(reorg(number, kind, sequence))

    async def blocks(self, first: int, end: int) -> None:
        await self.add(*(block(n) for n in range(first, end)))

    async def merge(self) -> None:
        """Have the engine put all parts together, as it does in its own time."""
        await self.store._execute("OPTIMIZE TABLE swap FINAL")


@pytest.fixture(scope="module")
def module_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Return a store that a module's tests share, as making its tables takes seconds."""
    store = open_store(f"chdb://{tmp_path_factory.mktemp('module') / 'store'}")

    async def make() -> None:
        await store.__aenter__()
        await store.migrate()

    asyncio.run(make())
    yield store
    asyncio.run(store.__aexit__())


@pytest_asyncio.fixture(loop_scope="module")
async def world(module_store: Store) -> AsyncIterator[World]:
    yield World(module_store)
    for tag in ("swap", "reorg", "block"):
        await module_store._execute(f"TRUNCATE TABLE {tag}")


@pytest.fixture
def maker() -> Maker:
    return Maker(version="test", now_ns=lambda: 1, final_blocks=2)


def numbers(folder: Path) -> list[int]:
    """Return which swaps are in a folder's files of lines of JSON."""
    files = sorted(folder.rglob("*.ndjson"))
    rows = [json.loads(line) for path in files for line in path.read_bytes().splitlines()]
    return sorted(int(row["amount0_in"]) for row in rows)
