"""The command line of the registry and of databases: what `tidemill whales …` and `tidemill db …` take."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.app.options import AsJson, ConfigFile, DataFolder, environment_of

whales = typer.Typer(name="whales", help="Know the wallets whose trades matter.", no_args_is_help=True)
db = typer.Typer(name="db", help="Look after databases.", no_args_is_help=True)

Addresses = Annotated[list[str], typer.Argument(metavar="ADDRESS…")]
Copying = Annotated[bool, typer.Option("--copying", help="Switch the copying of its positions instead.")]


@whales.command("seed")
def _seed(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Add the whale that tidemill knows of; what you changed of it stays."""
    from tidemill.app.whales import whales as command

    raise SystemExit(command.seed(environment_of(config, data), is_json=json))


@whales.command("add")
def _add(
    address: Annotated[str, typer.Argument(help="0x and 40 hexadecimal digits; a checksum is verified.")],
    pseudonym: str | None = None,
    tier: Annotated[str | None, typer.Option(help="How large it is, such as MEGA.")] = None,
    notes: str | None = None,
    cluster_name: Annotated[str | None, typer.Option(help="Whose wallets act as one.")] = None,
    is_famous: Annotated[bool | None, typer.Option("--famous/--not-famous")] = None,
    estimated_pnl: Annotated[str | None, typer.Option(help="USD.")] = None,
    primary_category: Annotated[str | None, typer.Option(help="Such as politics.")] = None,
    win_rate: Annotated[str | None, typer.Option(help="Percent.")] = None,
    total_volume: Annotated[str | None, typer.Option(help="USD.")] = None,
    is_confirmed: Annotated[bool | None, typer.Option("--confirmed/--not-confirmed")] = None,
    is_copying_enabled: Annotated[bool | None, typer.Option("--copying/--no-copying")] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Add a whale, or change what is given of one."""
    given: dict[str, Any] = {
        "address": address,
        "pseudonym": pseudonym,
        "tier": tier,
        "notes": notes,
        "cluster_name": cluster_name,
        "is_famous": is_famous,
        "estimated_pnl": estimated_pnl,
        "primary_category": primary_category,
        "win_rate": win_rate,
        "total_volume": total_volume,
        "is_confirmed": is_confirmed,
        "is_copying_enabled": is_copying_enabled,
    }
    from tidemill.app.whales import whales as command

    raise SystemExit(command.add(environment_of(config, data), given, is_json=json))


@whales.command("list")
def _list(
    enabled: Annotated[bool, typer.Option("--enabled", help="Only those that are told of.")] = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Print the whales."""
    from tidemill.app.whales import whales as command

    raise SystemExit(command.show(environment_of(config, data), enabled_only=enabled, is_json=json))


@whales.command("enable")
def _enable(
    addresses: Addresses,
    copying: Copying = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Have the trades of whales told."""
    from tidemill.app.whales import whales as command

    name = command.switch_name(is_copying=copying)
    raise SystemExit(command.switch(environment_of(config, data), addresses, {name: True}, is_json=json))


@whales.command("disable")
def _disable(
    addresses: Addresses,
    copying: Copying = False,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Have the trades of whales no longer told; what is known of them stays."""
    from tidemill.app.whales import whales as command

    name = command.switch_name(is_copying=copying)
    raise SystemExit(command.switch(environment_of(config, data), addresses, {name: False}, is_json=json))


@whales.command("import")
def _import(
    file: Annotated[Path, typer.Argument(metavar="FILE", help=".csv, .json or .jsonl")],
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Add the whales of a file, or change what it gives of them; all or, where a line is wrong, none."""
    from tidemill.app.whales import whales as command

    raise SystemExit(command.bring_in(environment_of(config, data), file, is_json=json))


@whales.command("scorecard")
def _scorecard(
    horizon: Annotated[
        list[str] | None,
        typer.Option(
            help="How much later the price is looked at, such as 5m; 1m, 5m, 1h and 24h by default."
        ),
    ] = None,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Grade what was told of whales by what their markets did afterwards."""
    from tidemill.app.whales import scorecard as command

    environment = environment_of(config, data)
    raise SystemExit(command.main(environment, horizon or command.HORIZONS, is_json=json))


@db.command("upgrade")
def _upgrade(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Bring the registry's tables to what this version needs."""
    from tidemill.app.whales import whales as command

    raise SystemExit(command.upgrade_tables(environment_of(config, data), is_json=json))


@db.command("ddl")
def _ddl(
    cluster: Annotated[
        str | None, typer.Option(help="For the ClickHouse cluster of this name: replicated and distributed.")
    ] = None,
    database: Annotated[str, typer.Option(help="Where a cluster's tables are to be.")] = "default",
    config: ConfigFile = None,
    data: DataFolder = None,
) -> None:
    """Print the statements that make the event store's tables, indexes and views in ClickHouse."""
    from tidemill.app.operating import ddl as command

    raise SystemExit(command.main(environment_of(config, data), cluster, database))
