"""`tidemill export` and `tidemill verify`: write events to files, and compare files with their manifest."""

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.app.observed import running_version
from tidemill.app.reading import reading
from tidemill.app.running import run
from tidemill.app.settings import Environment
from tidemill.export.config import DEFAULT_TABLE
from tidemill.export.manifest import Manifest
from tidemill.export.request import ExportRequest, begin_ns, check_request, end_ns
from tidemill.export.running import Maker, Progress, run_export
from tidemill.export.targets import Target, target_of
from tidemill.export.verifying import verify
from tidemill.schema.faults import Refused, Unreachable
from tidemill.store.base import Finality

_SHOWN_S = 0.2


class Asked(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What users say of an export."""

    table: str = DEFAULT_TABLE
    start_date: str | None = None
    """The first day, or an ISO 8601 time."""
    end_date: str | None = None
    """The last day, or the first time that is left out."""
    compression: str | None = None
    partition_by: str | None = None
    """`date`, `hour`, or a column of few values."""
    finality: Finality = "canonical"
    is_incremental: bool = False
    """Whether only what the target lacks is written."""
    rows_a_file: int = 1_000_000

    def request(self, format: str) -> ExportRequest:
        """Return the request. Raises: Refused, where it is not possible."""
        request = ExportRequest(
            format=format,
            table=self.table,
            start_ns=None if self.start_date is None else begin_ns(self.start_date),
            end_ns=None if self.end_date is None else end_ns(self.end_date),
            compression=self.compression,
            partition_by=self.partition_by,
            finality=self.finality,
            is_incremental=self.is_incremental,
            rows_a_file=self.rows_a_file,
        )
        check_request(request)
        return request


def request_of(told: Mapping[str, Any]) -> ExportRequest:
    """Return what the command line asks for. Raises: Refused, where it is not possible."""
    rest = {name: value for name, value in told.items() if name != "format"}
    try:
        return msgspec.convert(rest, Asked).request(told["format"])
    except msgspec.ValidationError as error:
        raise Refused(f"export: {error}") from None


def maker_of(environment: Environment) -> Maker:
    """Return who makes exports here. Raises: Refused, where the key cannot be read."""
    path, key = environment.settings.export.signing_key_file, None
    if path is not None:
        try:
            key = Path(path).expanduser().read_bytes()
        except OSError as error:
            raise Refused(f"export.signing_key_file: expected to read {path}: {error.strerror}") from error
    return Maker(
        version=running_version() or "unknown",
        now_ns=time.time_ns,
        final_blocks=environment.settings.store.final_blocks,
        signing_key_pem=key,
    )


def scratch_of(environment: Environment) -> Path:
    """Return where exports to object stores are kept until they are whole."""
    return environment.paths.data / "exports.partial"


def main(environment: Environment, request: ExportRequest, to: str, *, is_json: bool) -> int:
    """Write the export, with a bar where somebody looks; return the exit code.

    Raises: Refused, where it is not possible; Unreachable, where it was interrupted: the same goes on.
    """
    target, progress = target_of(to, scratch_of(environment)), Progress()
    manifest = run(_export(environment, request, target, progress))
    if manifest is None:
        raise Unreachable("export: expected to end, it was stopped; the same command goes on with it")
    if is_json:
        print(json.dumps(msgspec.to_builtins(manifest)))
    else:
        print(f"{manifest.rows:,} rows in {len(manifest.files)} files at {to}")
    return 0


async def _export(
    environment: Environment, request: ExportRequest, target: Target, progress: Progress
) -> Manifest:
    async with reading(environment, "export") as store:
        exporting = asyncio.ensure_future(run_export(store, request, target, maker_of(environment), progress))
        try:
            if sys.stderr.isatty():
                await _show(progress, exporting)
            return await exporting
        finally:
            exporting.cancel()
            await asyncio.wait([exporting])


async def _show(progress: Progress, exporting: "asyncio.Future[Manifest]") -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("rows", total=None)
        while not exporting.done():
            bar.update(task, total=progress.rows_expected, completed=progress.rows)
            await asyncio.wait([exporting], timeout=_SHOWN_S)
        bar.update(task, total=progress.rows_expected, completed=progress.rows)


def verify_export(path: Path, key: Path | None, *, is_json: bool) -> int:
    """Print what differs; return 1 where something does. Raises: Refused, where there is no export."""
    try:
        public = None if key is None else key.read_bytes()
    except OSError as error:
        raise Refused(f"--key: expected to read {key}: {error.strerror}") from error
    found = verify(path, public)
    if is_json:
        print(json.dumps(found._asdict()))
    elif not found.differences:
        by = f", signed: {found.signed} of {found.manifests} manifests" if found.signed else ", not signed"
        print(f"{path}: {found.files} files, {found.rows:,} rows, as their manifest says{by}")
    else:
        print("\n".join(found.differences))
    return 1 if found.differences else 0
