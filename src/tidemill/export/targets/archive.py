"""An archive of one file, tar or zip, whose first member is the manifest."""

import asyncio
import tarfile
import zipfile
from pathlib import Path

from typing_extensions import override

from tidemill.export.manifest import FILE_NAME
from tidemill.export.request import ExportRequest
from tidemill.export.targets.base import Place, Target
from tidemill.schema.faults import Refused

SUFFIXES = (".tar", ".tar.gz", ".zip")


class ArchiveTarget(Target):
    """A file that is made by the export. The files in it are packed already, or not at all but in .tar.gz."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @override
    async def place(self, request: ExportRequest) -> Place:
        if request.is_incremental:
            raise Refused("incremental: expected a folder or an object store to add to, found an archive")
        if await asyncio.to_thread(self._path.exists):
            raise Refused(f"to: expected no {self._path}, it is there")
        return Place("", self._path.with_name(f".{self._path.name}.partial"), None)

    @override
    async def publish(self, place: Place, files: Path) -> None:
        await asyncio.to_thread(self._pack, place, files)

    def _pack(self, place: Place, files: Path) -> None:
        new = place.staging / "archive.new"
        members = [path for path in sorted(files.rglob("*")) if path.is_file() and path.name != FILE_NAME]
        named = [(path, path.relative_to(files).as_posix()) for path in (files / FILE_NAME, *members)]
        if self._path.suffix == ".zip":
            with zipfile.ZipFile(new, "w", zipfile.ZIP_STORED) as archive:
                for path, name in named:
                    archive.write(path, name)
        else:
            with tarfile.open(new, "w:gz" if self._path.suffix == ".gz" else "w") as packed:
                for path, name in named:
                    packed.add(path, name)
        new.replace(self._path)
