"""What do the commands of the command line share: their common options, and how they end."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from tidemill.schema.faults import Fault

if TYPE_CHECKING:
    from tidemill.app.settings import Environment

TIMES = ["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S%z"]
"""How a time is written; in UTC where it names no zone."""

USAGE_ERROR = 2
"""Exit code for what the user wrote; 1 is for what failed."""

ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", metavar="FILE", help="Settings; default ./tidemill.toml where there is one."),
]
DataFolder = Annotated[
    Path | None, typer.Option("--data", metavar="FOLDER", help="Overrides the setting data.dir.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def environment_of(config: Path | None, data: Path | None) -> "Environment":
    """Return what a command runs with; end with one line where a setting is wrong."""
    from tidemill.app.settings import read_settings
    from tidemill.core.without_pandas import leave_pandas_out

    leave_pandas_out()
    try:
        return read_settings(config, data)
    except Fault as fault:
        end(str(fault), USAGE_ERROR)


def end(message: str, code: int) -> NoReturn:
    """Say why on standard error, and end."""
    print(f"tidemill: {message}", file=sys.stderr)
    raise SystemExit(code)
