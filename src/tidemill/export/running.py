"""Run one export: plan it, write its files one after another, put the manifest beside them, hand it over."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, aclosing
from typing import Any

import pyarrow as pa
from msgspec import Struct

from tidemill.export.exporter import Rows
from tidemill.export.growing_digest import GrowingDigest
from tidemill.export.manifest import BlocksEntry, Manifest, column_entries, schema_digest, signed
from tidemill.export.plan import Part, Plan, blocks_sql, make_plan, slices
from tidemill.export.request import ExportRequest, check_request
from tidemill.export.staging import Staging
from tidemill.export.targets import Target
from tidemill.schema import derive
from tidemill.schema.events import Proof
from tidemill.schema.faults import Unreachable
from tidemill.store.coverage import Streamable
from tidemill.store.snapshot import take_snapshot


class Maker(Struct, frozen=True, kw_only=True):
    """Who makes exports."""

    version: str
    now_ns: Callable[[], int]
    final_blocks: int
    signing_key_pem: bytes | None = None


class Progress(Struct):
    """How far an export is."""

    rows: int = 0
    rows_expected: int | None = None
    """None until it is planned."""
    files: int = 0
    files_expected: int | None = None

    @property
    def percent(self) -> float:
        """The share of the rows that are written."""
        if self.rows_expected is None:
            return 0.0
        return 100.0 if not self.rows_expected else min(100.0, 100 * self.rows / self.rows_expected)


async def run_export(
    store: Streamable, request: ExportRequest, target: Target, maker: Maker, progress: Progress | None = None
) -> Manifest:
    """Write the export whole, or leave what another run goes on with; return its manifest.

    What was interrupted, by a cancellation too, is gone on with by the same request to the same target.

    Raises: Refused, where the request is not possible or the target has something else; Unreachable.
    """
    check_request(request)
    try:
        return await _run(store, request, target, maker, progress or Progress())
    except OSError as error:
        where = "" if error.filename is None else f"{error.filename}: "
        raise Unreachable(f"export: expected to write, found {where}{error.strerror or error}") from error


async def _run(
    store: Streamable, request: ExportRequest, target: Target, maker: Maker, progress: Progress
) -> Manifest:
    place = await target.place(request)
    staging = Staging(place.staging)
    plan = await asyncio.to_thread(staging.kept_plan, request)
    if plan is None or plan.since != place.since:
        snapshot = await take_snapshot(store, request.table, request.finality, maker.final_blocks)
        place.check(snapshot)
        plan = await make_plan(store, request, snapshot, place.since)
        await asyncio.to_thread(staging.begin, plan)
    progress.rows_expected, progress.files_expected = plan.rows, len(plan.parts)
    for part in plan.parts:
        if part.name in staging.done:
            progress.rows += staging.done[part.name].rows
        else:
            await _write_part(store, plan, part, staging, progress)
        progress.files += 1
    manifest = await _manifest(store, plan, staging, maker)
    await asyncio.to_thread(staging.seal, manifest)
    await target.publish(place, staging.files)
    await asyncio.to_thread(staging.drop)
    return manifest


async def _write_part(
    store: Streamable, plan: Plan, part: Part, staging: Staging, progress: Progress
) -> None:
    """Read in this loop while a thread writes."""
    exporter, path = plan.request.exporter, staging.unfinished(part.name)
    statements = await slices(store, plan, part)
    async with AsyncExitStack() as opened:
        batches = await opened.enter_async_context(aclosing(_read(store, plan.request.table, statements)))
        digest = opened.enter_context(GrowingDigest(path)) if exporter.only_appends() else None
        pulled = _Pulled(batches, progress, exporter.batches_ahead)
        rows = Rows(plan.request.table, pulled)
        try:
            await _in_thread(lambda: exporter.write(rows, path, plan.request.packing), pulled.stop)
        finally:
            await pulled.settle()
        await asyncio.to_thread(staging.finish, part.name, pulled.rows, digest)


class _Stopped(Exception):
    """Nobody wants the rest."""


class _Pulled(Iterator[pa.RecordBatch]):
    """Batches of an event loop, for a thread beside it; some are read while one is written."""

    def __init__(self, batches: AsyncIterator[pa.RecordBatch], progress: Progress, ahead: int) -> None:
        self._batches = batches
        self._progress = progress
        self._loop = asyncio.get_running_loop()
        self._stopped = threading.Event()
        self._turn = asyncio.Lock()
        self._coming = deque(self._ask() for _ in range(ahead))
        self.rows = 0

    def stop(self) -> None:
        """Give no more."""
        self._stopped.set()

    def __next__(self) -> pa.RecordBatch:
        if self._stopped.is_set():
            raise _Stopped
        batch = self._coming[0].result()
        if batch is None:
            raise StopIteration
        self._coming.popleft()
        self._coming.append(self._ask())
        self.rows += batch.num_rows
        return batch

    async def settle(self) -> None:
        """Wait for what is being read, so that the rows can be closed."""
        self._stopped.set()
        await asyncio.gather(*map(asyncio.wrap_future, self._coming), return_exceptions=True)

    def _ask(self) -> Future[pa.RecordBatch | None]:
        return asyncio.run_coroutine_threadsafe(self._next(), self._loop)

    async def _next(self) -> pa.RecordBatch | None:
        async with self._turn:
            batch = None if self._stopped.is_set() else await anext(self._batches, None)
        if batch is not None:
            self._progress.rows += batch.num_rows
        return batch


async def _in_thread(work: Callable[[], None], stop: Callable[[], None]) -> None:
    """Run `work` in a thread; where this is cancelled, stop it and wait for its end."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        await asyncio.shield(running)
    except asyncio.CancelledError:
        stop()
        await asyncio.wait([running])
        running.exception()
        raise


async def _read(store: Streamable, tag: str, statements: list[str]) -> AsyncGenerator[pa.RecordBatch]:
    schema = derive.arrow_schema(tag)
    for statement in statements:
        async with aclosing(store.stream(statement)) as batches:
            async for batch in batches:
                yield batch if batch.schema == schema else batch.cast(schema)


async def _manifest(store: Streamable, plan: Plan, staging: Staging, maker: Maker) -> Manifest:
    files = [staging.done[part.name] for part in plan.parts]
    columns = column_entries(plan.request.table, plan.request.exporter)
    manifest = Manifest(
        request=plan.request,
        snapshot=plan.snapshot,
        since=plan.since,
        rows=sum(entry.rows for entry in files),
        withdrawn_rows=plan.withdrawn_rows,
        files=files,
        columns=columns,
        schema_sha256=schema_digest(columns),
        proof=_least_proof(plan.coverage),
        coverage=plan.coverage,
        blocks=await _blocks(store, plan),
        version=maker.version,
        made_ns=maker.now_ns(),
    )
    return manifest if maker.signing_key_pem is None else signed(manifest, maker.signing_key_pem)


def _least_proof(coverage: list[dict[str, Any]]) -> str | None:
    if not coverage or not all(one["is_complete"] for one in coverage):
        return None
    order = list(Proof)
    return str(min((Proof(span["proof"]) for one in coverage for span in one["complete"]), key=order.index))


async def _blocks(store: Streamable, plan: Plan) -> list[BlocksEntry]:
    sql = blocks_sql(plan)
    return [] if sql is None else [_entry(row) for row in (await store.query(sql)).to_pylist()]


def _entry(row: dict[str, Any]) -> BlocksEntry:
    hashes = {name: f"0x{row[name].hex()}" for name in ("first_hash", "last_hash")}
    digest: bytes = row.pop("digest")
    told: dict[str, Any] = {**row, **hashes, "sha256": digest.hex()}
    return BlocksEntry(**told)
