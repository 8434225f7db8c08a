"""Schedules in their table, and the exports that are made of them."""

import asyncio

import pytest
from msgspec import structs

from tidemill.export.jobs import Jobs, JobState
from tidemill.export.request import ExportRequest
from tidemill.export.schedules import Scheduler, open_schedules
from tidemill.schema.faults import Refused, Unknown
from tidemill.store.registry_config import RegistrySettings

from .conftest import numbers

HOUR_NS = 3_600_000_000_000
ASKED = ExportRequest(format="ndjson", table="swap", is_incremental=True)


@pytest.fixture
def table(tmp_path):
    with open_schedules(f"sqlite://{tmp_path / 'registry.db'}", RegistrySettings()) as opened:
        yield opened


class Running:
    """Jobs and a scheduler whose clock a test sets."""

    def __init__(self, world, maker, table, folder) -> None:
        self.now_ns = 0
        self.jobs = Jobs(world.store, maker, folder / "scratch")
        self.scheduler = Scheduler(table, self.jobs, lambda: self.now_ns)

    async def until_ended(self) -> None:
        running = asyncio.ensure_future(self.jobs.run())
        while not all(job.state.has_ended for job in self.jobs.all()):  # noqa: ASYNC110 they tell nobody
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])


@pytest.fixture
def running(world, maker, table, tmp_path):
    return Running(world, maker, table, tmp_path)


async def test_what_is_due_is_exported_and_what_was_missed_once(world, running, table, tmp_path):
    await world.swaps(0, 10)
    made = table.add(ASKED, str(tmp_path / "out"), "hourly", "UTC", 0)
    running.now_ns = 5 * HOUR_NS + 1
    await running.scheduler.look()
    await running.until_ended()
    await running.scheduler.look()
    (kept,) = table.all()
    assert (kept.id, kept.runs, kept.last_outcome, kept.next_ns) == (made.id, 1, "done", 6 * HOUR_NS)
    assert numbers(tmp_path / "out") == [*range(10)]


async def test_a_run_is_not_started_over_another(world, running, table, tmp_path):
    table.add(ASKED, str(tmp_path / "out"), "hourly", "UTC", 0)
    for hour in (1, 2):  # nobody runs the first job
        running.now_ns = hour * HOUR_NS
        await running.scheduler.look()
    (kept,) = table.all()
    assert (kept.runs, kept.skipped, len(running.jobs.all())) == (1, 1, 1)


async def test_two_schedules_of_one_folder_that_are_due_at_once_both_run(world, running, table, tmp_path):
    await world.swaps(0, 10)
    for name in ("swap", "block"):
        asked = structs.replace(ASKED, table=name, is_incremental=False)
        table.add(asked, str(tmp_path / "out"), "hourly", "UTC", 0)
    running.now_ns = HOUR_NS
    await running.scheduler.look()
    await running.until_ended()
    await running.scheduler.look()
    assert [one.last_outcome for one in table.all()] == ["done", "done"]


async def test_a_run_that_a_crash_interrupted_is_gone_on_with(world, maker, running, table, tmp_path):
    await world.swaps(0, 10)
    made = table.add(structs.replace(ASKED, is_incremental=False), str(tmp_path / "out"), "hourly", "UTC", 0)
    running.now_ns = HOUR_NS
    await running.scheduler.look()  # and then the process is gone
    after = Running(world, maker, table, tmp_path)
    await after.scheduler.go_on()
    assert [job.to for job in after.jobs.all()] == [f"{tmp_path / 'out'}/1970-01-01T01-00-00Z-{made.id}"]
    after.now_ns = HOUR_NS + 1
    await after.until_ended()
    await after.scheduler.look()
    assert [one.last_outcome for one in table.all()] == ["done"]


async def test_what_goes_wrong_is_told(world, running, table, tmp_path):
    (tmp_path / "out").write_text("in the way")
    table.add(structs.replace(ASKED, is_incremental=False), str(tmp_path / "out"), "hourly", "UTC", 0)
    running.now_ns = HOUR_NS
    await running.scheduler.look()
    await running.until_ended()
    await running.scheduler.look()
    assert "Not a directory" in str(table.all()[0].last_outcome)


async def test_a_paused_schedule_waits_and_a_deleted_one_is_gone(running, table, tmp_path):
    one = table.add(ASKED, str(tmp_path / "out"), "hourly", "UTC", 0)
    table.pause(one.id)
    running.now_ns = 3 * HOUR_NS
    await running.scheduler.look()
    assert running.jobs.all() == []
    table.resume(one.id, running.now_ns)
    assert table.all()[0].next_ns == 4 * HOUR_NS
    table.delete(one.id)
    assert table.all() == []
    for act in (table.pause, table.delete):
        with pytest.raises(Unknown, match="expected one of the schedules"):
            act(one.id)


def test_what_cannot_be_exported_is_not_scheduled(table, tmp_path):
    with pytest.raises(Refused, match="format: expected one of"):
        table.add(ExportRequest(format="xml"), str(tmp_path), "hourly", "UTC", 0)
    with pytest.raises(Refused, match="frequency: expected"):
        table.add(ASKED, str(tmp_path), "often", "UTC", 0)


async def test_a_job_that_waits_can_be_cancelled(world, running, tmp_path):
    job = running.jobs.add(ASKED, str(tmp_path / "out"))
    running.jobs.cancel(job.id)
    await running.until_ended()
    assert running.jobs.get(job.id).state is JobState.CANCELLED
    assert not (tmp_path / "out").exists()
    with pytest.raises(Unknown):
        running.jobs.get("none")
