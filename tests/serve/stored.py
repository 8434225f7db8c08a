"""A program with a real store and a real bus, and events of every kind in both."""

from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pyarrow as pa

from tidemill.bus import open_bus
from tidemill.bus.base import Entry
from tidemill.schema import derive
from tidemill.schema.derive import Column
from tidemill.schema.types import NANOS
from tidemill.serve.program import ProgramState, Told
from tidemill.store import Page, Store, TableSize, open_store

from .program import program

_ELSEWHERE = {"reverted", "gap"}
"""Choices that say of other rows that they are not there."""
START_NS = 1_700_000_000_000_000_000
SECOND_NS = 1_000_000_000


def events(tag: str, first: int, count: int, step_ns: int = SECOND_NS) -> pa.RecordBatch:
    """Return `count` events made of their numbers, from number `first` on; each third lacks what may lack."""
    columns = derive.columns(tag)
    arrays = [
        pa.array(
            [_value(column, number, step_ns) for number in range(first, first + count)], column.logical.arrow
        )
        for column in columns
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=derive.arrow_schema(tag))


def _value(column: Column, number: int, step_ns: int) -> Any:
    kind = column.logical.arrow
    if column.is_optional and number % 3 == 0:
        return None
    if column.logical is NANOS:
        return START_NS + number * step_ns
    if column.choices:
        return next(choice for choice in column.choices if choice not in _ELSEWHERE)
    if column.name in {"chain_id"}:
        return 1
    if column.logical.name in {"U128", "U256", "I256"}:
        value = 10**30 + number
        value = -value if column.logical.is_signed else value
        return value.to_bytes(column.logical.byte_width, "little", signed=column.logical.is_signed)
    if column.logical.byte_width:
        return number.to_bytes(column.logical.byte_width, "big")
    if pa.types.is_string(kind):
        return "eth" if column.name == "source" else f'{column.name} {number} "ä",\n'
    if pa.types.is_decimal(kind):
        return Decimal(number) + Decimal("0.000000000000000001")
    if pa.types.is_floating(kind):
        return number / 4
    return number % 200 if kind == pa.uint8() else number


class StoredProgram:
    """Commits to a bus in memory and to a store at once, and tells who listens."""

    def __init__(self, bus: Any, store: Store | None) -> None:
        self.bus, self.store = bus, store
        self.told = program()
        self.batches: dict[str, list[pa.RecordBatch]] = {}
        """All that was committed."""
        self.listeners: list[Told] = []

    async def state(self) -> ProgramState:
        return self.told

    async def query(self, sql: str, params: Any = None) -> pa.Table:
        return await self.store.query(sql, params=params)

    async def sizes(self) -> list[TableSize]:
        return [] if self.store is None else await self.store.stats()

    async def page(self, tag: str, page: Page) -> pa.Table:
        return await self.store.page(tag, page)

    @property
    def bus_identity(self) -> str:
        return self.bus.identity

    async def span(self, topic: str) -> tuple[int, int]:
        return await self.bus.first(topic), await self.bus.head(topic)

    async def read(self, topic: str, offset: int, batches_max: int) -> list[Entry]:
        return await self.bus.read(topic, offset, batches_max=batches_max)

    def listen(self, told: Told) -> None:
        self.listeners.append(told)

    def ignore(self, told: Told) -> None:
        self.listeners.remove(told)

    async def commit(self, tag: str, batch: pa.RecordBatch, *, is_stored: bool = True) -> None:
        offsets = await self.bus.commit([(tag, batch)])
        self.batches.setdefault(tag, []).append(batch)
        for told in self.listeners:
            told([(tag, batch)], offsets)
        if is_stored:
            await self.store.insert(tag, [batch], f"{tag}-{offsets[0]}")


@asynccontextmanager
async def stored_program(folder: Any):
    """Yield a program on an empty store below `folder`."""
    async with open_bus("memory://") as bus, open_store(f"chdb://{folder / 'store'}") as store:
        await store.migrate()
        yield StoredProgram(bus, store)
