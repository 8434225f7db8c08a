"""The command line of alerts: what `tidemill alerts …` takes."""

import typer

from tidemill.app.options import ConfigFile, DataFolder, environment_of

alerts = typer.Typer(name="alerts", help="Try who is told of alerts.", no_args_is_help=True)


@alerts.callback()
def _group() -> None:
    """Have `test` be a command of its own, though it is the only one."""


@alerts.command("test")
def _test(config: ConfigFile = None, data: DataFolder = None) -> None:
    """Send a message by every route of [alerts], and ask the heartbeat's URL."""
    from tidemill.app.operating import alerts as command

    raise SystemExit(command.test(environment_of(config, data)))
