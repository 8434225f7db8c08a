"""`tidemill replay`: feed a recording through the same code again, and sum up what came of it."""

import asyncio
import json
import logging
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import chain
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, structs

from tidemill._rust import FramesRead
from tidemill.app.chains.chain import make_book, make_whales
from tidemill.app.chains.importing import import_logs
from tidemill.app.chains.pipeline import ChainPipeline
from tidemill.app.chains.searching import recorded_search
from tidemill.app.recording.digest import Digest
from tidemill.app.recording.pacing import steps_as_recorded, steps_at_once, steps_in_time
from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.bus import Bus, open_bus
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.replay import QUESTIONS, Start, begin
from tidemill.chains.evm.window import state_prefix
from tidemill.core.clock import SystemClock
from tidemill.core.pauses import avoid_pauses
from tidemill.core.recording import Entry, read_recorded_frames, read_recording
from tidemill.process.pools import Batches
from tidemill.process.whales.config import WhaleConfig
from tidemill.schema.faults import Malformed, Refused
from tidemill.store import Writer, open_store

_HELD_BYTES = 1 << 20
"""What a bus that nobody reads keeps of a topic: memory used again costs less than memory never touched."""

_SEARCHED = ("opportunity", "opportunity_hop", "opportunity_autopsy")
"""Topics of what only a search tells."""

_log = logging.getLogger("tidemill.replay")

_Part = TypeVar("_Part", Entry, Entry | FramesRead)


class ReplayOptions(Struct, frozen=True, kw_only=True):
    """What the command line says."""

    file: Path
    speed: float | None
    """Multiple of the recorded speed; None for as fast as it goes."""
    into: Path | None
    form: str
    chain_id: int | None
    pools: tuple[bytes, ...]
    with_search: bool = False
    """Whether what the run searched and followed is searched and followed again."""
    is_json: bool


class Replayed(Struct, frozen=True, kw_only=True):
    """What came of a replay."""

    source: str
    rows: dict[str, int]
    """Events by table."""
    events: int
    seconds: float
    events_per_s: int
    digest: str
    """SHA-256 of all events but those of a search; the same for the same recording, however it was cut or
    paced.
    """
    faults: list[str]


def speed_of(text: str) -> float | None:
    """Return the multiple that `--speed` names. Raises: ValueError."""
    found = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)x", text)
    if text == "max":
        return None
    if found is None or float(found[1]) == 0:
        raise ValueError(f"--speed: expected max or a multiple such as 1x or 10x, found {text!r}")
    return float(found[1])


def addresses_of(texts: list[str]) -> tuple[bytes, ...]:
    """Return the addresses that `--pool` names. Raises: ValueError."""
    for text in texts:
        if not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
            raise ValueError(f"--pool: expected 0x and 40 hex digits, found {text!r}")
    return tuple(bytes.fromhex(text[2:]) for text in texts)


def main(environment: Environment, options: ReplayOptions) -> int:
    """Replay the file and print what came of it; return the exit code.

    Raises: Malformed, where it is no recording; Refused, where the folder has events of the source already.
    """
    found = run(replay(environment, options))
    if found is None:
        return 130
    if options.is_json:
        print(json.dumps({name: getattr(found, name) for name in found.__struct_fields__}, indent=2))
        return 0
    print(f"{found.events} events of {found.source} in {found.seconds:.3f} s, {found.events_per_s}/s")
    for table, rows in sorted(found.rows.items()):
        print(f"  {table}: {rows}")
    print(f"digest {found.digest}")
    for fault in found.faults:
        print(f"fault: {fault}")
    return 0


async def replay(environment: Environment, options: ReplayOptions) -> Replayed:
    """Replay a file into a fresh bus, and from there into a store where a folder is given."""
    digest, faults, searched = Digest(), list[str](), Counter[str]()
    async with _target(environment, options) as (bus, stored):
        if options.form == "recording":
            source, seconds = await _replay_recording(bus, options, digest, faults, searched)
        else:
            source, seconds = await _import(bus, options, digest, faults)
        await stored()
    rows = digest.counts | searched
    events = sum(rows.values())
    return Replayed(
        source=source,
        rows=rows,
        events=events,
        seconds=round(seconds, 6),
        events_per_s=round(events / max(seconds, 1e-9)),
        digest=digest.hex(),
        faults=[environment.redactor(fault) for fault in faults],
    )


@asynccontextmanager
async def _target(
    environment: Environment, options: ReplayOptions
) -> AsyncIterator[tuple[Bus, Callable[[], Awaitable[None]]]]:
    """Open where the events go; yield the bus, and what waits until all of it is stored."""

    async def nothing() -> None:
        return

    if options.into is None:
        nobody_reads = structs.replace(environment.settings.bus, retention_bytes=_HELD_BYTES)
        async with open_bus("memory://", nobody_reads) as bus:
            yield bus, nothing
        return
    environment.paths.data.mkdir(parents=True, exist_ok=True)
    async with AsyncExitStack() as opened:
        settings = environment.settings
        bus = await opened.enter_async_context(
            open_bus(environment.bus_url, settings.bus, kafka=settings.kafka)
        )
        store = await opened.enter_async_context(
            open_store(environment.store_url, environment.settings.store)
        )
        await store.migrate()
        writer = Writer(bus, store, now_ns=SystemClock().now_ns, settings=environment.settings.store.writer)
        running = asyncio.create_task(writer.run(), name="store writer")

        async def stored() -> None:
            draining = asyncio.create_task(writer.drain(), name="drain")
            await asyncio.wait([draining, running], return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                draining.cancel()
                running.result()

        try:
            yield bus, stored
        finally:
            running.cancel()
            await asyncio.wait([running])


async def _replay_recording(
    bus: Bus, options: ReplayOptions, digest: Digest, faults: list[str], searched: Counter[str]
) -> tuple[str, float]:
    def note(fault: Malformed) -> None:
        faults.append(str(fault))

    if options.with_search:
        start, follower, entries = await _begun(options.file, read_recording(options.file, note))
        steps = steps_as_recorded(follower, entries)
    elif options.speed is not None:
        start, follower, entries = await _begun(options.file, read_recording(options.file, note))
        steps = steps_in_time(follower, entries, options.speed)
    else:
        start, follower, read = await _begun(options.file, read_recorded_frames(options.file, note))
        steps = steps_at_once(follower, read)
    await _refuse_known(bus, start.config.source)
    pipeline = _pipeline(bus, start, options, digest, searched)
    avoid_pauses()
    started_s = time.perf_counter()
    async for step in steps:
        await pipeline.take(step)
        if step.stop is not None:
            faults.append(str(step.stop))
            break
    seconds = time.perf_counter() - started_s
    faults += [str(fault) for fault in pipeline.faults]
    if start.questions != QUESTIONS and follower.unknown_answer_count:
        faults.insert(
            0,
            f"recording {options.file}: expected a run of this version, found one that asked nodes otherwise:"
            f" {follower.unknown_answer_count} of its answers tell nothing, and events are missing",
        )
    return start.config.source, seconds


async def _begun(
    file: Path, chunks: Iterator[list[_Part]]
) -> tuple[Start, EvmFollower, Iterator[list[_Part]]]:
    """Return what the run began with, and all its chunks. Raises: Malformed."""
    first = await asyncio.to_thread(next, chunks, None)
    if not first or not isinstance(first[0], Entry):
        raise Malformed(f"recording {file}: expected at least its first entry, found none")
    return *begin(first[0]), chain([first], chunks)


def _pipeline(
    bus: Bus, start: Start, options: ReplayOptions, digest: Digest, searched: Counter[str]
) -> ChainPipeline:
    """Return what takes the steps; `searched` will count what its search tells, where there is one."""
    state = dict(start.state_items())
    book = make_book(start.config, state.items())
    whales = make_whales(start.config, WhaleConfig(), {})
    if not options.with_search:
        return ChainPipeline(book, bus, SystemClock(), digest=digest, whales=whales)
    search = recorded_search(state, book, start.config)
    if search is None:
        raise Refused(f"--search: expected the recording of a run that searched, {options.file} is of none")

    def count(batches: Batches) -> None:
        searched.update({topic: batch.num_rows for topic, batch in batches if topic in _SEARCHED})

    return ChainPipeline(
        book,
        bus,
        SystemClock(),
        digest=digest,
        pursuit=search.pursuit,
        whales=whales,
        on_batches=count,
    )


async def _refuse_known(bus: Bus, source: str) -> None:
    """Refuse a bus that a chain was read into, or replayed into; note that one is replayed into it now."""
    mark = f"replayed/{source}".encode()
    for key in (state_prefix(source) + b"tip", mark):
        if await bus.get(key) is not None:
            raise Refused(f"--into: expected a folder without events of {source}, found some; choose another")
    await bus.commit([], {mark: b"1"})


async def _import(bus: Bus, options: ReplayOptions, digest: Digest, faults: list[str]) -> tuple[str, float]:
    started_s = time.perf_counter()
    found: Batches = []
    for one in import_logs(options.file, options.form, options.chain_id, options.pools):
        if isinstance(one, Malformed):
            faults.append(str(one))
        else:
            found.append(one)
    digest.add(found)
    await bus.commit(found)
    return options.file.name, time.perf_counter() - started_s
