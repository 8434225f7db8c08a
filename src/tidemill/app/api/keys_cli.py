"""The command line of API keys: what `tidemill keys …` takes."""

from typing import Annotated

import typer

from tidemill.app.options import AsJson, ConfigFile, DataFolder, environment_of
from tidemill.serve.role import Role

keys = typer.Typer(name="keys", help="Say who may call the data API.", no_args_is_help=True)

_DAYS_MAX = 36_500


@keys.command("create")
def _create(
    name: Annotated[str, typer.Argument(help="Whose it is, or what for.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    days: Annotated[
        float | None, typer.Option(min=0, max=_DAYS_MAX, help="How long it is good; without: until revoked.")
    ] = None,
    requests_per_minute: Annotated[
        int | None, typer.Option(min=1, max=10_000_000, help="Its own limit instead of everybody's.")
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Make a key and print it; it is not kept, and cannot be printed again."""
    from tidemill.app.api import keys as command

    environment = environment_of(config, data)
    raise SystemExit(command.create(environment, name, role, days, requests_per_minute, is_json=json))


@keys.command("list")
def _list(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Print what is known of every key."""
    from tidemill.app.api import keys as command

    raise SystemExit(command.show(environment_of(config, data), is_json=json))


@keys.command("revoke")
def _revoke(
    ids: Annotated[list[str], typer.Argument(metavar="ID…", help="As `list` prints it.")],
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """End keys now; a server that runs hears of it within seconds."""
    from tidemill.app.api import keys as command

    raise SystemExit(command.revoke(environment_of(config, data), ids, is_json=json))
