"""The command line of the decision loop: what `tidemill brain` takes."""

from typing import Annotated, Literal

import typer

from tidemill.app.options import ConfigFile, DataFolder, environment_of

brain = typer.Typer()


@brain.command("brain")
def _brain(
    mode: Annotated[
        Literal["PAPER", "LIVE"], typer.Option(help="The execution server must be in the same.")
    ] = "PAPER",
    confirm_live: Annotated[bool, typer.Option("--confirm-live", help="LIVE is meant.")] = False,
    server: Annotated[
        str | None, typer.Option(metavar="URL", help="Overrides the setting brain.server.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Judge opportunities as they come, write down why, and signal the execution server which to trade."""
    from tidemill.app.brain import brain as command
    from tidemill.schema.events import ExecutionMode

    options = command.BrainOptions(mode=ExecutionMode(mode), is_live_confirmed=confirm_live, server=server)
    raise SystemExit(command.main(environment_of(config, data), options))
