"""The command line of exports: what `tidemill export`, `verify` and `schedule …` take."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.app.options import USAGE_ERROR, AsJson, ConfigFile, DataFolder, end, environment_of
from tidemill.export.config import DEFAULT_TABLE
from tidemill.schema.faults import Refused

exports = typer.Typer()
"""Commands without a name before theirs."""
schedule = typer.Typer(name="schedule", help="Export again and again.", no_args_is_help=True)

Table = Annotated[str, typer.Option(help="Which events.")]
Start = Annotated[str | None, typer.Option(help="The first day or time, ISO 8601.")]
End = Annotated[str | None, typer.Option("--end", help="The last day, or the first time that is left out.")]
Compression = Annotated[str | None, typer.Option(help="The format's own default else.")]
PartitionBy = Annotated[
    str | None, typer.Option(help="date, hour, or a column of few values: a folder for each.")
]
Finality = Annotated[str, typer.Option(help="instant, canonical or finalized.")]
ScheduleId = Annotated[str, typer.Argument(metavar="ID", help="As `tidemill schedule list` has it.")]


@exports.command("export")
def _export(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="Such as parquet, csv, json or hdf5.")],
    to: Annotated[
        str, typer.Option(help="A new folder, an archive (.tar, .tar.gz, .zip), s3://… or gs://….")
    ],
    table: Table = DEFAULT_TABLE,
    start: Start = None,
    end_date: End = None,
    compression: Compression = None,
    partition_by: PartitionBy = None,
    finality: Finality = "canonical",
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Add to the target what it lacks.")
    ] = False,
    rows_a_file: Annotated[int, typer.Option(min=1, help="About so many.")] = 1_000_000,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Write events to files, with a manifest beside them; go on where the same export was interrupted."""
    from tidemill.app.exporting import exporting as command

    asked: dict[str, Any] = {
        "format": format,
        "table": table,
        "start_date": start,
        "end_date": end_date,
        "compression": compression,
        "partition_by": partition_by,
        "finality": finality,
        "is_incremental": incremental,
        "rows_a_file": rows_a_file,
    }
    try:
        request = command.request_of(asked)
    except Refused as wrong:
        end(str(wrong), USAGE_ERROR)
    raise SystemExit(command.main(environment_of(config, data), request, to, is_json=json))


@exports.command("verify")
def _verify(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="An export: its folder or archive.")],
    key: Annotated[
        Path | None, typer.Option(help="The Ed25519 public key, in PEM, that must have signed it.")
    ] = None,
    json: AsJson = False,
) -> None:
    """Compare an export with its manifest, without a store; name what differs, and exit 1 where it does."""
    from tidemill.app.exporting import exporting as command

    raise SystemExit(command.verify_export(path, key, is_json=json))


@schedule.command("add")
def _add(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="Such as parquet, csv, json or hdf5.")],
    to: Annotated[str, typer.Option(help="A folder, s3://… or gs://….")],
    every: Annotated[str, typer.Option(help="hourly, daily, weekly, or a cron line of five fields.")],
    time_zone: Annotated[str, typer.Option(help="Whose clocks count, such as Europe/Berlin.")] = "UTC",
    table: Table = DEFAULT_TABLE,
    compression: Compression = None,
    partition_by: PartitionBy = None,
    finality: Finality = "canonical",
    incremental: Annotated[
        bool, typer.Option(help="Add what the target lacks, or write all, in a folder of its own.")
    ] = True,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Have a running tidemill export again and again."""
    from tidemill.app.exporting import scheduling as command

    asked: dict[str, Any] = {
        "format": format,
        "table": table,
        "compression": compression,
        "partition_by": partition_by,
        "finality": finality,
        "is_incremental": incremental,
    }
    environment = environment_of(config, data)
    try:
        raise SystemExit(command.add(environment, asked, command.When(to, every, time_zone), is_json=json))
    except Refused as wrong:
        end(str(wrong), USAGE_ERROR)


@schedule.command("list")
def _list(config: ConfigFile = None, data: DataFolder = None, json: AsJson = False) -> None:
    """Say of each schedule when it is due, and how its last run ended."""
    from tidemill.app.exporting import scheduling as command

    raise SystemExit(command.show(environment_of(config, data), is_json=json))


@schedule.command("pause")
def _pause(schedule_id: ScheduleId, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Start no more runs of a schedule."""
    from tidemill.app.exporting import scheduling as command

    raise SystemExit(command.pause(environment_of(config, data), schedule_id))


@schedule.command("resume")
def _resume(schedule_id: ScheduleId, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Start a schedule's runs again; what was due meanwhile is left out."""
    from tidemill.app.exporting import scheduling as command

    raise SystemExit(command.resume(environment_of(config, data), schedule_id))


@schedule.command("delete")
def _delete(schedule_id: ScheduleId, config: ConfigFile = None, data: DataFolder = None) -> None:
    """Remove a schedule; what it exported stays."""
    from tidemill.app.exporting import scheduling as command

    raise SystemExit(command.delete(environment_of(config, data), schedule_id))
