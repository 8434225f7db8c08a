"""A folder of this machine: an export is moved there in one step."""

import asyncio
import os
from pathlib import Path

from typing_extensions import override

from tidemill.export.manifest import FILE_NAME, Manifest, decode
from tidemill.export.request import ExportRequest
from tidemill.export.syncing import sync
from tidemill.export.targets.base import Place, Target, is_run, next_run
from tidemill.schema.faults import Refused


class FolderTarget(Target):
    """A folder that is made by the export, or by the first of several."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    async def place(self, request: ExportRequest) -> Place:
        return await asyncio.to_thread(self._placed, request)

    def _placed(self, request: ExportRequest) -> Place:
        hidden = self._path.with_name(f".{self._path.name}.partial")
        if request.is_incremental:
            name, since = next_run(self._runs(), request)
            return Place(name, hidden, since)
        if self._path.exists() and (not self._path.is_dir() or any(self._path.iterdir())):
            raise Refused(f"to: expected no {self._path}, or an empty folder; it holds something")
        return Place("", hidden, None)

    def _runs(self) -> list[tuple[str, Manifest]]:
        found = sorted(self._path.iterdir()) if self._path.is_dir() else []
        strange = [path.name for path in found if not is_run(path.name)]
        if strange:
            raise Refused(f"to: expected runs of an export alone in {self._path}, found {strange[0]}")
        return [(path.name, decode((path / FILE_NAME).read_bytes(), str(path))) for path in found]

    @override
    async def publish(self, place: Place, files: Path) -> None:
        await asyncio.to_thread(self._move, place, files)

    def _move(self, place: Place, files: Path) -> None:
        final = self._path / place.name if place.name else self._path
        final.parent.mkdir(parents=True, exist_ok=True)
        os.replace(files, final)  # an empty folder is replaced
        sync(final.parent)
