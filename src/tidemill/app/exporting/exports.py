"""What does the running program do of exports: jobs and schedules, asked for from any thread."""

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeVar

from tidemill.app.exporting.exporting import maker_of, scratch_of
from tidemill.app.settings import Environment
from tidemill.export.jobs import Job, Jobs
from tidemill.export.request import ExportRequest
from tidemill.export.schedule import Schedule
from tidemill.export.schedules import Scheduler, ScheduleTable, open_schedules
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store.coverage import Streamable

T = TypeVar("T")
_ANSWER_S = 10.0


class Exports:
    """Jobs and schedules of the program; its methods may be called from any event loop."""

    def __init__(self, jobs: Jobs, table: ScheduleTable, folder: Path) -> None:
        self._jobs = jobs
        self._table = table
        self._folder = folder
        self._home = asyncio.get_running_loop()

    async def run(self) -> None:
        """Run what is asked for and what is due, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._jobs.run(), name="exports")
            tasks.create_task(Scheduler(self._table, self._jobs, time.time_ns).run(), name="schedules")

    async def add(self, request: ExportRequest, to: str | None) -> Job:
        """Return a new job; without `to` it gets a folder of its own. Raises: Refused."""
        stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        place = f"{request.table}-{request.format}-{stamp}-{time.time_ns() % 10**9:09d}" if to is None else to
        return await self._there(lambda: self._jobs.add(request, self.allowed(place)))

    async def all(self) -> list[Job]:
        """Return every job."""
        return await self._there(self._jobs.all)

    async def get(self, job_id: str) -> Job:
        """Return a job. Raises: Unknown."""
        return await self._there(lambda: self._jobs.get(job_id))

    async def cancel(self, job_id: str) -> Job:
        """End a job. Raises: Unknown."""
        return await self._there(lambda: self._jobs.cancel(job_id))

    async def schedules(self) -> list[Schedule]:
        """Return every schedule. Raises: Unreachable."""
        return await asyncio.to_thread(self._table.all)

    async def schedule(self, request: ExportRequest, to: str, frequency: str, time_zone: str) -> Schedule:
        """Add a schedule. Raises: Refused, Unreachable."""
        place = self.allowed(to)
        return await asyncio.to_thread(self._table.add, request, place, frequency, time_zone, time.time_ns())

    async def pause(self, schedule_id: str) -> Schedule:
        """Start no more of its runs. Raises: Unknown, Unreachable."""
        return await asyncio.to_thread(self._table.pause, schedule_id)

    async def resume(self, schedule_id: str) -> Schedule:
        """Start its runs again. Raises: Unknown, Unreachable."""
        return await asyncio.to_thread(self._table.resume, schedule_id, time.time_ns())

    async def delete(self, schedule_id: str) -> None:
        """Remove a schedule. Raises: Unknown, Unreachable."""
        await asyncio.to_thread(self._table.delete, schedule_id)

    def allowed(self, to: str) -> str:
        """Return the target that who asks over the network may write to.

        Raises: Refused, where it is a folder outside the one for exports.
        """
        if "://" in to and not to.startswith("file://"):
            return to
        path = (self._folder / to.removeprefix("file://")).resolve()
        if not path.is_relative_to(self._folder.resolve()) or path == self._folder.resolve():
            raise Refused(f"upload_to: expected s3://, gs:// or a folder in {self._folder}, found {to}")
        return str(path)

    async def _there(self, work: Callable[[], T]) -> T:
        async def call() -> T:
            return work()

        try:
            async with asyncio.timeout(_ANSWER_S):
                return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(call(), self._home))
        except TimeoutError:
            raise Unreachable("exports: expected the program to answer in time") from None


def folder_of(environment: Environment) -> Path:
    """Return the folder for exports that name no other."""
    return (environment.paths.data / environment.settings.export.folder).absolute()


async def open_exports(environment: Environment, store: Streamable, opened: AsyncExitStack) -> Exports:
    """Return the program's exports, whose table closes with `opened`.

    Raises: Refused, Unreachable, where the registry cannot be opened.
    """
    table = await asyncio.to_thread(
        opened.enter_context, open_schedules(environment.registry_url, environment.settings.registry)
    )
    jobs = Jobs(store, maker_of(environment), scratch_of(environment))
    return Exports(jobs, table, folder_of(environment))
