"""Keep the files of an export that is not whole yet, so that it goes on where it was interrupted."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
from msgspec import Struct

from tidemill.export.growing_digest import GrowingDigest
from tidemill.export.manifest import FILE_NAME, FileEntry, Manifest, encode, file_digest
from tidemill.export.plan import Plan
from tidemill.export.request import ExportRequest
from tidemill.export.syncing import sync

_STATE = "state.json"
_UNFINISHED = ".unfinished"


class _State(Struct):
    plan: Plan
    done: dict[str, FileEntry] = {}


class Staging:
    """A hidden folder with a plan, the files that are whole, and the one that is being written."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._state: _State | None = None

    @property
    def files(self) -> Path:
        """The folder that becomes the export."""
        return self._folder / "files"

    @property
    def done(self) -> dict[str, FileEntry]:
        """The files that are whole, by name."""
        return {} if self._state is None else self._state.done

    def kept_plan(self, request: ExportRequest) -> Plan | None:
        """Return the plan of an export that was interrupted; None where there is none of this request."""
        try:
            state = msgspec.json.decode((self._folder / _STATE).read_bytes(), type=_State)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        if state.plan.request != request:
            return None
        state.done = {
            name: entry for name, entry in state.done.items() if _is_whole(self.files / name, entry)
        }
        self._state = state
        return state.plan

    def begin(self, plan: Plan) -> None:
        """Keep a new plan, and drop what there was."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self.files.mkdir(parents=True)
        self._state = _State(plan)
        self._keep()

    def unfinished(self, name: str) -> Path:
        """Return where a file is written until it is whole."""
        path = self.files / f"{name}{_UNFINISHED}"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def finish(self, name: str, rows: int, digest: GrowingDigest | None) -> FileEntry:
        """Make what was written whole, and keep that it is; without a `digest`, it is made here."""
        assert self._state is not None, "a file is finished before the export began"
        path = self.unfinished(name)
        with ThreadPoolExecutor(1, "export-sync") as beside:
            synced = beside.submit(sync, path)
            sha256 = file_digest(path) if digest is None else digest.sha256()
            entry = FileEntry(name=name, bytes=path.stat().st_size, rows=rows, sha256=sha256)
            synced.result()
        path.rename(self.files / name)
        self._state.done[name] = entry
        self._keep()
        return entry

    def seal(self, manifest: Manifest) -> None:
        """Put the manifest beside the files, and nothing else."""
        known = {self.files / entry.name for entry in manifest.files}
        for path in self.files.rglob("*"):
            if path.is_file() and path not in known:
                path.unlink()
        _write(self.files / FILE_NAME, encode(manifest))

    def drop(self) -> None:
        """Remove it all."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _keep(self) -> None:
        assert self._state is not None, "nothing was begun"
        _write(self._folder / _STATE, msgspec.json.encode(self._state))


def _is_whole(path: Path, entry: FileEntry) -> bool:
    return path.is_file() and path.stat().st_size == entry.bytes


def _write(path: Path, content: bytes) -> None:
    new = path.with_name(f"{path.name}.new")
    new.write_bytes(content)
    sync(new)
    new.replace(path)
