"""The command line of execution: what `tidemill execute`, `kill` and `ledger` take."""

from enum import StrEnum
from typing import Annotated

import typer

from tidemill.app.options import AsJson, ConfigFile, DataFolder, environment_of

execution = typer.Typer()


class TradesBy(StrEnum):
    """What trades that are summed up together have in common."""

    DAY = "day"
    TOKEN = "token"  # noqa: S105 the kind that is traded
    ROUTE = "route"
    CHAIN = "chain"


@execution.command()
def kill(
    reason: Annotated[str, typer.Option(help="Why; told to whoever wants to send.")] = "no reason was given",
    release: Annotated[bool, typer.Option("--release", help="Allow sending again; asks first.")] = False,
    show: Annotated[bool, typer.Option("--show", help="Only say where it is; exit 1: engaged.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before the release.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Stop all sending of trades, now and after every restart, until it is released."""
    from tidemill.app.execution import kill as command

    environment = environment_of(config, data)
    if show:
        raise SystemExit(command.show(environment))
    if release:
        raise SystemExit(command.release(environment, is_sure=yes))
    raise SystemExit(command.engage(environment, reason))


@execution.command()
def execute(
    confirm_live: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="The account that LIVE may trade with, written out.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Take trade signals over HTTP, on paper or live, until stopped."""
    from tidemill.app.execution import execute as command

    raise SystemExit(command.main(environment_of(config, data), confirm_live))


@execution.command()
def ledger(
    by: Annotated[TradesBy, typer.Option("--by", help="What trades are summed up by.")] = TradesBy.DAY,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Show what trades gained, on paper and live."""
    from tidemill.app.execution import ledger as command
    from tidemill.execute.profit import GroupedBy

    raise SystemExit(command.main(environment_of(config, data), GroupedBy(by.value), is_json=json))
