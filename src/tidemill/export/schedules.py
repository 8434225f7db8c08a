"""Keep schedules in the registry's database, and start their exports when they are due."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec
import sqlalchemy as sa
from msgspec import structs

from tidemill.export.jobs import Job, Jobs, JobState
from tidemill.export.request import ExportRequest, check_request
from tidemill.export.schedule import (
    RUNNING,
    Due,
    Schedule,
    begun,
    check_frequency,
    due,
    next_run_ns,
    passed_over,
    resumed,
    run_target,
)
from tidemill.schema.faults import Fault, Malformed, Unknown, Unreachable
from tidemill.store.registry.database import Database, faults
from tidemill.store.registry.registry import open_registry
from tidemill.store.registry.table import EXPORT_SCHEDULES
from tidemill.store.registry_config import RegistrySettings

_log = logging.getLogger("tidemill.export")

_LOOK_S = 1.0
"""How often it is looked what is due: others may have changed the table."""


class ScheduleTable:
    """Schedules in a database. Every method blocks, and may be called by any thread.

    Raises: Unreachable, Refused, as the registry does.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._writing = database.engine.execution_options(is_writing=True)

    def all(self) -> list[Schedule]:
        """Return every schedule, by the time that it is due."""
        chosen = sa.select(EXPORT_SCHEDULES).order_by(EXPORT_SCHEDULES.c.next_ns, EXPORT_SCHEDULES.c.id)
        with faults(self._database), self._database.engine.connect() as connection:
            return [_decoded(row.id, row.content) for row in connection.execute(chosen)]

    def put(self, schedule: Schedule) -> None:
        """Add a schedule."""
        values = {"id": schedule.id, **_values(schedule)}
        with faults(self._database), self._writing.begin() as connection:
            connection.execute(EXPORT_SCHEDULES.insert().values(values))

    def change(self, schedule_id: str, change: Callable[[Schedule], Schedule]) -> Schedule:
        """Change one as it is now. Raises: Unknown, where there is none."""
        with faults(self._database), self._writing.begin() as connection:
            chosen = sa.select(EXPORT_SCHEDULES.c.content).where(EXPORT_SCHEDULES.c.id == schedule_id)
            found = connection.execute(chosen).scalar_one_or_none()
            if found is None:
                raise Unknown(f"schedule: expected one of the schedules, found {schedule_id!r}")
            changed = change(_decoded(schedule_id, found))
            update = EXPORT_SCHEDULES.update().where(EXPORT_SCHEDULES.c.id == schedule_id)
            connection.execute(update.values(_values(changed)))
        return changed

    def delete(self, schedule_id: str) -> None:
        """Remove one. Raises: Unknown, where there is none."""
        with faults(self._database), self._writing.begin() as connection:
            gone = connection.execute(
                EXPORT_SCHEDULES.delete().where(EXPORT_SCHEDULES.c.id == schedule_id)
            ).rowcount
        if not gone:
            raise Unknown(f"schedule: expected one of the schedules, found {schedule_id!r}")

    def add(self, request: ExportRequest, to: str, frequency: str, time_zone: str, now_ns: int) -> Schedule:
        """Add what is asked for. Raises: Refused, where it is not possible."""
        check_request(request)
        check_frequency(frequency, time_zone)
        following = next_run_ns(frequency, time_zone, now_ns)
        made = Schedule(
            id=secrets.token_hex(4),
            request=request,
            to=to,
            frequency=frequency,
            time_zone=time_zone,
            next_ns=following,
        )
        self.put(made)
        return made

    def pause(self, schedule_id: str) -> Schedule:
        """Start no more runs of it. Raises: Unknown."""
        return self.change(schedule_id, lambda one: structs.replace(one, is_paused=True))

    def resume(self, schedule_id: str, now_ns: int) -> Schedule:
        """Start runs of it again. Raises: Unknown."""
        return self.change(schedule_id, lambda one: resumed(one, now_ns))


@contextmanager
def open_schedules(url: str, settings: RegistrySettings) -> Iterator[ScheduleTable]:
    """Open the table of the registry at a URL, as `open_registry` does. Raises: as that."""
    with open_registry(url, settings) as registry:
        yield ScheduleTable(registry.database)


class Scheduler:
    """Starts what is due. One of them runs for a table: it belongs to who owns the data folder."""

    def __init__(self, table: ScheduleTable, jobs: Jobs, now_ns: Callable[[], int]) -> None:
        self._table = table
        self._jobs = jobs
        self._now_ns = now_ns
        self._running: dict[str, Job] = {}
        """By schedule."""

    async def run(self) -> None:
        """Go on with what an earlier process left, then look what is due until cancelled.

        A database that is away is asked again.
        """
        is_begun = False
        while True:
            try:
                if not is_begun:
                    await self.go_on()
                    is_begun = True
                await self.look()
            except Unreachable as fault:
                _log.error("schedules: %s", fault)
            await asyncio.sleep(_LOOK_S)

    async def go_on(self) -> None:
        """Start again the runs that were interrupted. Raises: Unreachable, Refused."""
        for schedule in await asyncio.to_thread(self._table.all):
            if schedule.last_outcome == RUNNING and schedule.last_ns is not None and not schedule.is_paused:
                await self._add(schedule, schedule.last_ns)

    async def look(self) -> None:
        """Start what is due now, and note what ended. Raises: Unreachable, Refused."""
        for schedule_id, job in list(self._running.items()):
            if job.state.has_ended:
                outcome = job.fault if job.state is JobState.FAILED else str(job.state)
                await self._changed(schedule_id, lambda one, said=outcome: _ended(one, said))
                del self._running[schedule_id]
        now_ns = self._now_ns()
        for schedule in await asyncio.to_thread(self._table.all):
            match due(schedule, now_ns, is_running=schedule.id in self._running):
                case Due.RUN:
                    await self._start(schedule, now_ns)
                case Due.SKIP:
                    _log.warning("schedule %s: not started, its last run still runs", schedule.id)
                    await self._changed(schedule.id, lambda one: passed_over(one, now_ns))
                case Due.WAIT:
                    pass

    async def _start(self, schedule: Schedule, now_ns: int) -> None:
        # kept before it begins: a process that dies then goes on with it when it starts again
        await self._changed(schedule.id, lambda one: begun(one, now_ns))
        await self._add(schedule, now_ns)

    async def _add(self, schedule: Schedule, begun_ns: int) -> None:
        try:
            self._running[schedule.id] = self._jobs.add(schedule.request, run_target(schedule, begun_ns))
        except Fault as fault:
            await self._changed(schedule.id, lambda one, said=str(fault): _ended(one, said))

    async def _changed(self, schedule_id: str, change: Callable[[Schedule], Schedule]) -> None:
        try:
            await asyncio.to_thread(self._table.change, schedule_id, change)
        except Unknown:  # it was deleted meanwhile
            _log.info("schedule %s: it was deleted", schedule_id)


def _ended(schedule: Schedule, outcome: str | None) -> Schedule:
    return structs.replace(schedule, last_outcome=outcome)


def _values(schedule: Schedule) -> dict[str, object]:
    return {"next_ns": schedule.next_ns, "content": msgspec.json.encode(schedule).decode()}


def _decoded(schedule_id: str, content: str) -> Schedule:
    try:
        return msgspec.json.decode(content, type=Schedule)
    except msgspec.DecodeError as error:
        raise Malformed(f"schedule {schedule_id}: expected what this version wrote, found {error}") from None
