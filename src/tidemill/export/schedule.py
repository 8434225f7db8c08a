"""When is a scheduled export due: cron lines in a time zone, missed runs made up once, none over another."""

import datetime as dt
from enum import Enum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError
from msgspec import Struct, structs

from tidemill.core.clock import NS_PER_S
from tidemill.export.request import ExportRequest
from tidemill.schema.faults import Refused

FREQUENCIES = {"hourly": "0 * * * *", "daily": "0 0 * * *", "weekly": "0 0 * * 1"}
"""The words that stand for a cron line."""
RUNNING = "running"
"""The outcome of a run that has none yet."""


class Schedule(Struct, frozen=True, kw_only=True):
    """An export that is made again and again, and how it fared."""

    id: str
    request: ExportRequest
    to: str
    """Its target; each run adds what the target lacks, or else makes a folder of its own there."""
    frequency: str
    """hourly, daily, weekly, or a cron line of five fields."""
    time_zone: str = "UTC"
    is_paused: bool = False
    next_ns: int
    """When the next run is due."""
    last_ns: int | None = None
    """When the last run began."""
    last_outcome: str | None = None
    """`running`, `done`, or what went wrong."""
    runs: int = 0
    skipped: int = 0
    """How many runs were not started since the one before still ran."""


class Due(Enum):
    """What is to be done about a schedule now."""

    WAIT = "wait"
    RUN = "run"
    SKIP = "skip"


def check_frequency(frequency: str, time_zone: str) -> None:
    """Raise Refused where there is no such frequency or time zone."""
    next_run_ns(frequency, time_zone, 0)


def next_run_ns(frequency: str, time_zone: str, after_ns: int) -> int:
    """Return the first time after `after_ns` that the frequency names.

    A time that the zone's clocks skip is the next one; one that they show twice counts once.

    Example:
        >>> next_run_ns("daily", "UTC", 0) == 86_400 * 10**9
        True

    Raises: Refused, where there is no such frequency or time zone.
    """
    try:
        zone = ZoneInfo(time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Refused(
            f"time_zone: expected a name such as UTC or Europe/Berlin, found {time_zone!r}"
        ) from None
    line = FREQUENCIES.get(frequency, frequency)
    if len(line.split()) != len("mhdMw"):
        raise Refused(f"frequency: expected {', '.join(FREQUENCIES)} or a cron line, found {frequency!r}")
    try:
        after = dt.datetime.fromtimestamp(after_ns // NS_PER_S, zone)
        return int(next(CronSim(line, after)).timestamp()) * NS_PER_S
    except (CronSimError, StopIteration):
        raise Refused(
            f"frequency: expected {', '.join(FREQUENCIES)} or a cron line, found {frequency!r}"
        ) from None


def due(schedule: Schedule, now_ns: int, *, is_running: bool) -> Due:
    """Say what is to be done now."""
    if schedule.is_paused or now_ns < schedule.next_ns:
        return Due.WAIT
    return Due.SKIP if is_running else Due.RUN


def begun(schedule: Schedule, now_ns: int) -> Schedule:
    """Return the schedule as a run begins: all that was missed until now is made up by this one."""
    following = next_run_ns(schedule.frequency, schedule.time_zone, now_ns)
    return structs.replace(
        schedule, next_ns=following, last_ns=now_ns, last_outcome=RUNNING, runs=schedule.runs + 1
    )


def passed_over(schedule: Schedule, now_ns: int) -> Schedule:
    """Return the schedule after a run that was not started."""
    following = next_run_ns(schedule.frequency, schedule.time_zone, now_ns)
    return structs.replace(schedule, next_ns=following, skipped=schedule.skipped + 1)


def resumed(schedule: Schedule, now_ns: int) -> Schedule:
    """Return the schedule in force again: what was missed while it was paused was not wanted."""
    following = next_run_ns(schedule.frequency, schedule.time_zone, now_ns)
    return structs.replace(schedule, is_paused=False, next_ns=following)


def run_target(schedule: Schedule, now_ns: int) -> str:
    """Return where the run that begins at `now_ns` goes."""
    if schedule.request.is_incremental:
        return schedule.to
    stamp = dt.datetime.fromtimestamp(now_ns // NS_PER_S, dt.UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    return f"{schedule.to.rstrip('/')}/{stamp}-{schedule.id}"  # others of the same target may be due at once
