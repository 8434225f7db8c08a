"""The command line of exports: what `tidemill export`, `verify` and `schedule …` take."""

from pathlib import Path
from typing import Annotated, Any

import typer

from tidemill.app.options import USAGE_ERROR, AsJson, ConfigFile, DataFolder, end, environment_of
from tidemill.schema.faults import Refused

exports = typer.Typer()
"""Commands without a name before theirs."""


@exports.command("export")
def _export(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help="Such as parquet, csv, json or hdf5.")],
    to: Annotated[
        str, typer.Option(help="A new folder, an archive (.tar, .tar.gz, .zip), s3://… or gs://….")
    ],
    table: Annotated[str, typer.Option(help="Which events.")] = "arbitrage_transaction",
    start: Annotated[str | None, typer.Option(help="The first day or time, ISO 8601.")] = None,
    end_date: Annotated[
        str | None, typer.Option("--end", help="The last day, or the first time that is left out.")
    ] = None,
    compression: Annotated[str | None, typer.Option(help="The format's own default else.")] = None,
    partition_by: Annotated[
        str | None, typer.Option(help="date, hour, or a column of few values: a folder for each.")
    ] = None,
    finality: Annotated[str, typer.Option(help="instant, canonical or finalized.")] = "canonical",
    incremental: Annotated[
        bool, typer.Option("--incremental", help="Add to the target what it lacks.")
    ] = False,
    rows_a_file: Annotated[int, typer.Option(min=1, help="About so many.")] = 1_000_000,
    config: ConfigFile = None,
    data: DataFolder = None,
    json: AsJson = False,
) -> None:
    """Write events to files, with a manifest beside them; go on where the same export was interrupted."""
    from tidemill.app import exporting as command

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
    from tidemill.app import exporting as command

    raise SystemExit(command.verify_export(path, key, is_json=json))
