"""`tidemill schedule …`: what is exported again and again by the tidemill that runs."""

import datetime as dt
import json
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from tidemill.app.exporting.exporting import request_of
from tidemill.app.operating.sql import printable
from tidemill.app.settings import Environment
from tidemill.core.clock import NS_PER_S
from tidemill.export.schedule import Schedule
from tidemill.export.schedules import ScheduleTable, open_schedules


class When(NamedTuple):
    """Where to, and when."""

    to: str
    frequency: str
    time_zone: str


def add(environment: Environment, told: Mapping[str, Any], when: When, *, is_json: bool) -> int:
    """Add a schedule, and print it. Raises: Refused, where it is not possible; Unreachable."""
    request = request_of(told)
    # the program that exports may run in another folder
    to = when.to if "://" in when.to else str(Path(when.to).absolute())
    with _table(environment) as table:
        made = table.add(request, to, when.frequency, when.time_zone, time.time_ns())
    print(json.dumps(msgspec.to_builtins(made)) if is_json else _line(made))
    return 0


def show(environment: Environment, *, is_json: bool) -> int:
    """Print every schedule. Raises: Refused, Unreachable."""
    with _table(environment) as table:
        found = table.all()
    if is_json:
        print(json.dumps(msgspec.to_builtins(found)))
    else:
        print("\n".join(map(_line, found)) or "nothing is scheduled")
    return 0


def pause(environment: Environment, schedule_id: str) -> int:
    """Pause one, and print it. Raises: Unknown, Refused, Unreachable."""
    with _table(environment) as table:
        print(_line(table.pause(schedule_id)))
    return 0


def resume(environment: Environment, schedule_id: str) -> int:
    """Resume one, and print it. Raises: Unknown, Refused, Unreachable."""
    with _table(environment) as table:
        print(_line(table.resume(schedule_id, time.time_ns())))
    return 0


def delete(environment: Environment, schedule_id: str) -> int:
    """Delete one. Raises: Unknown, Refused, Unreachable."""
    with _table(environment) as table:
        table.delete(schedule_id)
    return 0


def _table(environment: Environment) -> AbstractContextManager[ScheduleTable]:
    return open_schedules(environment.registry_url, environment.settings.registry)


def _line(one: Schedule) -> str:
    when = "paused" if one.is_paused else f"next {_moment(one.next_ns)}"
    last = "" if one.last_ns is None else f"; last {_moment(one.last_ns)}: {one.last_outcome}"
    what = f"{one.request.table} as {one.request.format} to {one.to}"
    return printable(f"{one.id}  {what}, {one.frequency} ({one.time_zone}), {when}{last}")


def _moment(time_ns: int) -> str:
    return dt.datetime.fromtimestamp(time_ns // NS_PER_S, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
