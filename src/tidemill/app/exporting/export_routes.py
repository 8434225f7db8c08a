"""What the data API answers of exports and schedules."""

from http import HTTPStatus
from pathlib import Path

from msgspec import Struct
from starlette.responses import FileResponse

from tidemill.app.exporting.exporting import Asked
from tidemill.app.exporting.exports import Exports
from tidemill.export.jobs import Job
from tidemill.export.manifest import Manifest
from tidemill.export.request import ExportRequest
from tidemill.export.schedule import Schedule
from tidemill.schema.faults import Unknown
from tidemill.serve.role import Role
from tidemill.serve.route import Answer, Call, Route


class FormatAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The path of `POST /export/{format}`."""

    format: str
    """csv, parquet, json, ndjson, hdf5, arrow, tfrecord, or one that was registered."""


class IdAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """The path of what asks for one."""

    id: str


class FileAsked(Struct, frozen=True, forbid_unknown_fields=True):
    """Which file of an export."""

    id: str
    name: str
    """As the manifest has it."""


class ExportBody(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is exported, and where to."""

    upload_to: str | None = None
    """`s3://…`, `gs://…`, or a folder in the one for exports; by default a new one there."""


class ScheduleBody(Asked, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is exported again and again."""

    format: str
    frequency: str
    """hourly, daily, weekly, or a cron line of five fields."""
    upload_to: str
    """`s3://…`, `gs://…`, or a folder in the one for exports."""
    time_zone: str = "UTC"
    """Whose clocks the frequency is told by, such as Europe/Berlin."""
    is_incremental: bool = True
    """Whether a run adds what the target lacks; otherwise each writes all, in a folder of its own."""


class JobTold(Struct, frozen=True, kw_only=True):
    """How an export fares."""

    id: str
    state: str
    request: ExportRequest
    to: str
    rows: int
    rows_expected: int | None
    percent: float
    fault: str | None
    manifest: Manifest | None

    @classmethod
    def of(cls, job: Job) -> "JobTold":
        """Return what is told of `job`."""
        progress = job.progress
        return cls(
            id=job.id,
            state=str(job.state),
            request=job.request,
            to=job.to,
            rows=progress.rows,
            rows_expected=progress.rows_expected,
            percent=round(progress.percent, 1),
            fault=job.fault,
            manifest=job.manifest,
        )


async def export(call: Call) -> Answer:
    """Begin an export; ask for it by its id how far it is."""
    body: ExportBody = call.body
    job = await call.parts[Exports].add(body.request(call.asked.format), body.upload_to)
    return Answer(JobTold.of(job), HTTPStatus.ACCEPTED)


async def exports(call: Call) -> Answer:
    """List the exports of this run of the program."""
    return Answer([JobTold.of(job) for job in await call.parts[Exports].all()])


async def one_export(call: Call) -> Answer:
    """Say how far an export is, and what its manifest says."""
    return Answer(JobTold.of(await call.parts[Exports].get(call.asked.id)))


async def cancel(call: Call) -> Answer:
    """End an export that has not ended; the same request to the same target goes on where it was."""
    return Answer(JobTold.of(await call.parts[Exports].cancel(call.asked.id)))


async def file(call: Call) -> FileResponse:
    """Send a file of an export that went to a folder."""
    asked: FileAsked = call.asked
    job = await call.parts[Exports].get(asked.id)
    path = Path(job.to) / asked.name
    known = [] if job.manifest is None else [entry.name for entry in job.manifest.files]
    if asked.name not in known or not path.is_file():
        raise Unknown(f"file: expected one of {', '.join(known) or 'none yet'}, found {asked.name!r}")
    return FileResponse(path, filename=path.name, media_type="application/octet-stream")


async def schedule(call: Call) -> Answer:
    """Export again and again: what a target lacks, or all, each time."""
    body: ScheduleBody = call.body
    made = await call.parts[Exports].schedule(
        body.request(body.format), body.upload_to, body.frequency, body.time_zone
    )
    return Answer(made, HTTPStatus.CREATED)


async def schedules(call: Call) -> Answer:
    """List the schedules: when each is due, and how its last run ended."""
    return Answer(await call.parts[Exports].schedules())


async def pause(call: Call) -> Answer:
    """Start no more runs of a schedule."""
    return Answer(await call.parts[Exports].pause(call.asked.id))


async def resume(call: Call) -> Answer:
    """Start a schedule's runs again; what was due meanwhile is left out."""
    return Answer(await call.parts[Exports].resume(call.asked.id))


async def delete(call: Call) -> Answer:
    """Remove a schedule."""
    await call.parts[Exports].delete(call.asked.id)
    return Answer({"id": call.asked.id})


_ANALYST = Role.ANALYST
_SCHEDULE, _SCHEDULES = "/schedule/export", "/schedules"
ROUTES = (
    Route(
        path="/export/{format}",
        method="POST",
        answer=export,
        role=_ANALYST,
        asked=FormatAsked,
        body=ExportBody,
        tells=JobTold,
        statuses=(HTTPStatus.ACCEPTED,),
    ),
    Route(path="/exports", answer=exports, role=_ANALYST, tells=list[JobTold]),
    Route(path="/exports/{id}", answer=one_export, role=_ANALYST, asked=IdAsked, tells=JobTold),
    Route(path="/exports/{id}", method="DELETE", answer=cancel, role=_ANALYST, asked=IdAsked, tells=JobTold),
    Route(
        path="/exports/{id}/file",
        answer=file,
        role=_ANALYST,
        asked=FileAsked,
        media_types=("application/octet-stream",),
    ),
    Route(
        path=_SCHEDULE,
        method="POST",
        answer=schedule,
        role=_ANALYST,
        body=ScheduleBody,
        tells=Schedule,
        statuses=(HTTPStatus.CREATED,),
    ),
    Route(path=_SCHEDULES, answer=schedules, role=_ANALYST, tells=list[Schedule]),
    Route(
        path="/schedules/{id}/pause",
        method="POST",
        answer=pause,
        role=_ANALYST,
        asked=IdAsked,
        tells=Schedule,
    ),
    Route(
        path="/schedules/{id}/resume",
        method="POST",
        answer=resume,
        role=_ANALYST,
        asked=IdAsked,
        tells=Schedule,
    ),
    Route(path="/schedules/{id}", method="DELETE", answer=delete, role=_ANALYST, asked=IdAsked),
)
