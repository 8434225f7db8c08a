"""Run exports one after another in this process: who asks is told how far each is, and may cancel it."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from msgspec import Struct, field

from tidemill.export.manifest import Manifest
from tidemill.export.request import ExportRequest, check_request
from tidemill.export.running import Maker, Progress, run_export
from tidemill.export.targets import target_of
from tidemill.schema.faults import Fault, Refused, Unknown
from tidemill.store.coverage import Streamable

_log = logging.getLogger("tidemill.export")

_WAITING_MAX = 100
_ENDED_MAX = 100
"""Jobs that ended are told of until so many ended after them."""


class JobState(StrEnum):
    """How a job fares."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more comes of it."""
        return self not in {JobState.WAITING, JobState.RUNNING}


class Job(Struct):
    """One export that was asked for."""

    id: str
    request: ExportRequest
    to: str
    state: JobState = JobState.WAITING
    progress: Progress = field(default_factory=Progress)
    fault: str | None = None
    manifest: Manifest | None = None


class Jobs:
    """Exports that wait, run and ended; one runs at a time, for it takes the machine's cores."""

    def __init__(
        self,
        store: Streamable,
        maker: Maker,
        scratch: Path,
        on_end: Callable[[Job], None] = lambda _: None,
    ) -> None:
        """Make it; `on_end` is told of each job that ended."""
        self._store = store
        self._maker = maker
        self._scratch = scratch
        self._on_end = on_end
        self._jobs: dict[str, Job] = {}
        self._waiting: asyncio.Queue[Job] = asyncio.Queue(_WAITING_MAX)
        self._running: asyncio.Task[Manifest] | None = None

    def add(self, request: ExportRequest, to: str) -> Job:
        """Return a new job. Raises: Refused, where it is not possible, or too many wait."""
        check_request(request)
        target_of(to, self._scratch)
        if self._waiting.full():
            raise Refused(f"export: expected fewer than {_WAITING_MAX} waiting, found as many; ask later")
        job = Job(secrets.token_hex(8), request, to)
        self._jobs[job.id] = job
        self._waiting.put_nowait(job)
        return job

    def get(self, job_id: str) -> Job:
        """Return a job. Raises: Unknown, where there is none."""
        if job_id not in self._jobs:
            raise Unknown(f"export: expected one of the exports, found {job_id!r}")
        return self._jobs[job_id]

    def all(self) -> list[Job]:
        """Return every job, the first one asked for first."""
        return list(self._jobs.values())

    def cancel(self, job_id: str) -> Job:
        """End a job that has not ended; asked for again, it goes on where it was. Raises: Unknown."""
        job = self.get(job_id)
        if job.state is JobState.RUNNING and self._running is not None:
            self._running.cancel()
        if not job.state.has_ended:
            job.state = JobState.CANCELLED
        return job

    async def run(self) -> None:
        """Run what is asked for, until cancelled."""
        while True:
            job = await self._waiting.get()
            if job.state is JobState.WAITING:
                await self._run(job)
            self._on_end(job)
            self._forget()

    async def _run(self, job: Job) -> None:
        job.state = JobState.RUNNING
        target = target_of(job.to, self._scratch)
        self._running = asyncio.ensure_future(
            run_export(self._store, job.request, target, self._maker, job.progress)
        )
        try:
            await asyncio.wait([self._running])
        finally:  # cancelled with this task: what is whole stays
            self._running.cancel()
            await asyncio.wait([self._running])
        if self._running.cancelled():
            return
        error = self._running.exception()
        if error is None:
            job.manifest, job.state = self._running.result(), JobState.DONE
        elif isinstance(error, Fault):
            job.fault, job.state = f"{type(error).__name__}: {error}", JobState.FAILED
            _log.error("export of %s to %s: %s", job.request.table, job.to, job.fault)
        else:
            raise error

    def _forget(self) -> None:
        ended = [job.id for job in self._jobs.values() if job.state.has_ended]
        for job_id in ended[:-_ENDED_MAX]:
            del self._jobs[job_id]
