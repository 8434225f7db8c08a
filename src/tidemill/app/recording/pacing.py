"""Feed recorded entries to a follower: as fast as it goes, in the steps of the run, or in their time."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor

from tidemill._rust import FramesRead
from tidemill.chains.evm.follower import EvmFollower
from tidemill.chains.evm.steps import Step
from tidemill.core.clock import NS_PER_S
from tidemill.core.recording import Entry, Kind, entry_count

_ENTRIES_A_STEP = 4000
"""A live recording has small chunks, each with a cost of its own; beyond this size nothing more is gained."""

_STEPS_AHEAD = 2
"""Steps differ in their size: with one alone, either side would often wait for the other."""

Chunks = Iterator[list[Entry]]


async def steps_at_once(
    follower: EvmFollower, chunks: Iterator[list[Entry | FramesRead]]
) -> AsyncIterator[Step]:
    """Yield step after step; a thread makes the next ones while one is taken."""
    with ThreadPoolExecutor(1, thread_name_prefix="follow") as thread:
        coming = deque(thread.submit(_next_step, follower, chunks) for _ in range(_STEPS_AHEAD))
        while (step := await asyncio.wrap_future(coming.popleft())) is not None:
            coming.append(thread.submit(_next_step, follower, chunks))
            yield step


def _next_step(follower: EvmFollower, chunks: Iterator[list[Entry | FramesRead]]) -> Step | None:
    """Return what follows from the next chunks; None after the last."""
    entries = list(next(chunks, ()))
    count = entry_count(entries)
    while entries and count < _ENTRIES_A_STEP and (more := next(chunks, None)):
        entries += more
        count += entry_count(more)
    return follower.step(entries) if entries else None


async def steps_as_recorded(follower: EvmFollower, chunks: Chunks) -> AsyncIterator[Step]:
    """Yield the steps with blocks that the run took, each with those without any before it."""
    held: list[Entry] = []
    for entries in chunks:
        start = 0
        for at, entry in enumerate(entries):
            if entry.kind is Kind.STEP:
                yield follower.step(held + entries[start:at])
                held, start = [], at + 1
        held += entries[start:]
        await asyncio.sleep(0)
    if held:
        yield follower.step(held)


async def steps_in_time(follower: EvmFollower, chunks: Chunks, speed: float) -> AsyncIterator[Step]:
    """Yield the step of what is due, whenever something is; `speed` is a multiple of the recorded one."""
    begun_s = time.monotonic()
    begun_ns: int | None = None
    while (entries := await asyncio.to_thread(next, chunks, None)) is not None:
        begun_ns = entries[0].recv_ns if begun_ns is None else begun_ns
        at = 0
        while at < len(entries):
            due_s = begun_s + (entries[at].recv_ns - begun_ns) / NS_PER_S / speed
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            now_ns = begun_ns + int((time.monotonic() - begun_s) * speed * NS_PER_S)
            end = at + 1
            while end < len(entries) and entries[end].recv_ns <= now_ns:
                end += 1
            yield follower.step(entries[at:end])
            at = end
